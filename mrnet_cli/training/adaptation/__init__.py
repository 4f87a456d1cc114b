"""Online adaptation: a copy of the network is fitted to a sequence, from its first frame and mask alone."""
