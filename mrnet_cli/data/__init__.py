"""What is read and written: data sets, frames, masks, videos, zips, tables and records, here and at addresses."""
