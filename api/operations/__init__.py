"""What the people who run the service do, from the terminal and over HTTP alike."""
