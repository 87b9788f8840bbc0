"""What kind of question a question is."""
