"""The graph as fusion sees it, in which orders it may run, and where its input comes from."""
