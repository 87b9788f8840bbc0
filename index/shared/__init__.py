"""A collection's generations in an object store: published by one machine, followed by others."""
