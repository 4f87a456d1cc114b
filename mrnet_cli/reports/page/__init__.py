"""One self-contained HTML page about evaluations: tables, curves, frames with masks, and pairs of runs."""
