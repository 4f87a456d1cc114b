"""The DAVIS protocol; nothing here imports torch."""
