"""Online adaptation: a copy of the network is fitted to a video, given the mask of its first frame."""
