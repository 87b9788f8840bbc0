"""What of a short question the conversation has to add, in the languages of the interface."""
