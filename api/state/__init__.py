"""What cannot be rebuilt from the articles: keys, jobs, feedback; in SQLite or PostgreSQL."""
