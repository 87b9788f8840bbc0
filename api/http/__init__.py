"""HTTP machinery around the routes."""
