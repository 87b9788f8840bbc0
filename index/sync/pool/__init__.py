"""The tasks of a sync that workers on other machines can do: reading files and embedding."""
