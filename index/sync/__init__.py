"""A corpus folder → the next generation, published atomically."""
