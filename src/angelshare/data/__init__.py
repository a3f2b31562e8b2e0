"""Data in: tables, public sets, identity words, swap sentences, transfer sets. No torch."""

from angelshare.data.tables import Columns, Table, read, read_scores, require_classes

__all__ = ["Columns", "Table", "read", "read_scores", "require_classes"]
