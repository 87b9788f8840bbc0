"""What is measured, and how it is computed from one sample."""
