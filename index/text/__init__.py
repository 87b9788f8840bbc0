"""Text → terms, sentences and chunks with exact offsets."""
