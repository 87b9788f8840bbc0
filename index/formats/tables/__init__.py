"""Tables and records: CSV, TSV, JSON, and the rule that finds a table's header."""
