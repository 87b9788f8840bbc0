"""A run's results → what people and machines read: HTML, markdown, JUnit."""
