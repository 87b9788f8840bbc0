"""Evaluation cases that people accepted, and the evaluations that are run with them."""
