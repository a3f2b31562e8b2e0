"""Audits: each asks one question, and answers it by arithmetic on predictions. No audit loads a model."""
