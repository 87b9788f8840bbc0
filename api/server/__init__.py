"""uvicorn: limits, graceful shutdown and worker processes."""
