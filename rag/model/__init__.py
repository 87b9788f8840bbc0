"""A chat model: its protocol, its prompts, its deadlines and its failures."""
