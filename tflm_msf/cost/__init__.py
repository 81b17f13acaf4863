"""What a plan makes the kernels do, and how many instructions that takes."""
