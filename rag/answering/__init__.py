"""Hits → cited sentences, written by a model or quoted."""
