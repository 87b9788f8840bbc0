"""A generation as tables of LanceDB's format: a sync writes only what changed."""
