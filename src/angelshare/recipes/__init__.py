"""Whole runs under one name: the demo, and the papers done again, a package each."""
