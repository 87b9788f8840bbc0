"""Metrics: a sample in, its values by metric id out; `registry` defines them all."""
