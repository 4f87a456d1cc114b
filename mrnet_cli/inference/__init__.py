"""Running the network on videos: the streaming segmenter and the pipeline around it."""
