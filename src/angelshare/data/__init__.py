"""Data in: tables, public sets, identity words, swap sentences, transfer sets. No torch."""

from angelshare.data.tables import Columns, Table, read, read_scores, require_classes
from angelshare.data.transfer import TransferRows, TransferSet, TransferWriter, open_transfer

__all__ = [
    "Columns",
    "Table",
    "TransferRows",
    "TransferSet",
    "TransferWriter",
    "open_transfer",
    "read",
    "read_scores",
    "require_classes",
]
