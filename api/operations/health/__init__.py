"""Checks of what answers depend on."""
