"""Scoring and running semi-supervised video object segmentation: MRNet and the DAVIS protocol."""

__version__ = "0.1.0"
