"""Who may call what, how often, and from which host and page."""
