"""What is not derivable from the articles, in SQLite."""
