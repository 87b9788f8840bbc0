"""The HTTP routes, thin: read the request, call the service, present what it says."""
