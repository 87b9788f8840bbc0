"""What routes call: the served collections, their syncs and their files."""
