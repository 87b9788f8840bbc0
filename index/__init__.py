"""Files in, a searchable generation out. Knows no question and no HTTP."""
