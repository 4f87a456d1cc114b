"""Seconds per frame, what they are made of, and the machine they were measured on."""
