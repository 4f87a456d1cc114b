"""The network of the paper, section by section."""
