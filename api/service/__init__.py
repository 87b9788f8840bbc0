"""The application layer that routes call: served collections, their syncs, their files."""
