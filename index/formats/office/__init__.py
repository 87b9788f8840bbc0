"""Workbooks and presentations of office programs."""
