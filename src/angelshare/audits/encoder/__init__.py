"""Audits of encoders, one file a question."""
