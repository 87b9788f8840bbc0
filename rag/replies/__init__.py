"""Answers that no search for a sentence gives: to a greeting, about the service, its articles."""
