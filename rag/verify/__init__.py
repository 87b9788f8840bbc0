"""A cited sentence → its verdict."""
