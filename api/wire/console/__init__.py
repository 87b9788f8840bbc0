"""The JSON shapes of the routes of those who run the service."""
