"""Audits of text classifiers, one file a question."""
