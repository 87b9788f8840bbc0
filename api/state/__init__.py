"""What cannot be rebuilt from the articles, in SQLite."""
