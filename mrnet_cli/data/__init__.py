"""What is read and written: DAVIS layout and index masks."""
