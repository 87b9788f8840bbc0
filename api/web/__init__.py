"""Web pages into the corpus folder: which addresses may be fetched, politely, and where they go."""
