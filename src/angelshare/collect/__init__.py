"""The only meeting of models and audits: collects what each model answers, and lets the audits judge."""

from angelshare.collect.advising import advise
from angelshare.collect.auditing import audit
from angelshare.collect.export import export_texts

__all__ = ["advise", "audit", "export_texts"]
