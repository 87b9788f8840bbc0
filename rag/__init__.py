"""A question in, a cited answer out. Knows no HTTP and reads no environment."""
