"""One generation on disk: written once, verified, opened read-only."""
