"""Rules on a text: what is asked for, numbers, names, negation."""
