"""Geometry of the report's pictures."""
