"""Clips made on the device that trains: pictures are kept there as bytes, and a batch is warped from them at once."""
