"""The questions that were asked: listed, grouped, counted and exported."""
