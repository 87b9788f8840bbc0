"""A file's bytes → its text with headings and pages; one module a format."""
