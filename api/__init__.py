"""HTTP, pages and terminal: the ways in to the answers, and the only reader of the environment."""
