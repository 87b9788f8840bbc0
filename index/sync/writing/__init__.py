"""The parts of a generation, written or shared with the last one: catalog, terms, vectors."""
