"""For operators: alive, ready, metrics."""
