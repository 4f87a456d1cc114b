"""The paper's training (section 4.1): clips, losses, loop, checkpoints."""
