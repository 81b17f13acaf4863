"""Where we put tensors in it."""
