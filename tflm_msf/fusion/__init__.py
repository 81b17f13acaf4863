"""Which layers to fuse, and how: candidates, costs, the search, the plan."""
