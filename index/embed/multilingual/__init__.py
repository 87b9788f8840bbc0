"""multilingual-e5-small, from a package's data file alone: the extra `multilingual`."""
