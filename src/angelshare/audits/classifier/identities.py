"""Who is mentioned: from the data's own columns, or by the words of the built-in lexicon."""

from collections.abc import Sequence

import numpy as np

from angelshare.audits.base import Background, Identities, IdentityFinder
from angelshare.data.identities import LEXICON_VERSION, mentions
from angelshare.data.tables import Table
from angelshare.errors import DataError


def from_columns(table: Table, names: Sequence[str], background: Background = "all") -> Identities:
    """Groups where at least half of the raters saw the identity; a row nobody was asked about mentions none.

    Raises
    ------
    DataError
        For a name that is not among the table's identities.
    """
    for name in names:
        if name not in table.identities:
            known = ", ".join(table.identities) or "none"
            raise DataError(f"{table.source} has no identity column '{name}'. Its identity columns: {known}.")
    shares = np.stack([np.asarray(table.identities[name], dtype=np.float64) for name in names], axis=1)
    unknown = np.isnan(shares)
    annotated = ~unknown if background == "annotated" and unknown.any() else None
    return Identities(tuple(names), np.nan_to_num(shares) >= 0.5, annotated, "columns")


def from_lexicon(table: Table) -> Identities:
    found = mentions(table.texts)
    groups = np.stack([np.asarray(column) >= 0.5 for column in found.values()], axis=1)
    return Identities(tuple(found), groups, None, f"lexicon {LEXICON_VERSION}")


def finder(wanted: str | Sequence[str] | None, background: Background = "all") -> IdentityFinder:
    """How to find identities: "lexicon", names of columns, or None for the table's columns, else the lexicon."""

    def find(table: Table) -> Identities:
        if wanted is None:
            return from_columns(table, list(table.identities), background) if table.identities else from_lexicon(table)
        if wanted == "lexicon":
            return from_lexicon(table)
        return from_columns(table, [wanted] if isinstance(wanted, str) else list(wanted), background)

    return find
