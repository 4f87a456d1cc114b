"""The commands: each parses, calls and renders, nothing else."""
