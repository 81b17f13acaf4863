"""Which blocks: the fusion DAG, the trade-off between arena and compute on it, and the paths that papers know."""
