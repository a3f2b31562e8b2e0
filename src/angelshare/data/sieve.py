"""What must not enter a transfer set: texts of audit sets (the leakage guard), near-duplicates, and empty texts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from angelshare.data.likeness import BANDS, band_keys, normalised
from angelshare.data.seen import Seen, keys
from angelshare.data.stream import Source, Texts
from angelshare.errors import DataError

__all__ = ["Sieve"]


class Sieve:
    """Drops rows of a stream, and counts them by reason.

    Parameters
    ----------
    audits : sets whose texts are dropped: exactly, or the same after normalising. 16 bytes are held of each text.
    distinct : drop near-duplicates of texts that came before; 32 bytes are held of each text.
    empty : drop empty texts, of sources that were opened so that they let them through.

    Attributes
    ----------
    counts : rows dropped: "empty", "in_audit_exactly", "in_audit_normalised" (and not exactly), "near_duplicate".

    Raises
    ------
    DataError : an audit set has no rows, so that nothing would be kept out.
    """

    def __init__(self, audits: Sequence[Source] = (), distinct: bool = False, empty: bool = False) -> None:
        self.guards, self.distinct, self.empty = bool(audits), distinct, empty
        self.counts: dict[str, int] = {"empty": 0} if empty else {}
        if audits:
            self.counts |= {"in_audit_exactly": 0, "in_audit_normalised": 0}
        if distinct:
            self.counts["near_duplicate"] = 0
        self._exact, self._normalised = Seen(), Seen()
        self._bands = [Seen() for _ in range(BANDS)]
        for audit in audits:
            rows = 0
            for part in audit.open():
                rows += len(part.texts)
                self._exact.add(keys(part.texts))
                self._normalised.add(keys(map(normalised, part.texts)))
            if not rows:
                raise DataError(f"{audit.where} has no rows: no text would be kept out. Name the audit set's own file.")

    @property
    def active(self) -> bool:
        return self.guards or self.distinct or self.empty

    def keep(self, rows: Texts) -> Texts:
        """The rows that stay."""
        if not self.active:
            return rows
        if self.empty:
            there = np.array([bool(text) for text in rows.texts], dtype=bool)
            self.counts["empty"] += int((~there).sum())
            rows = rows.take(there)
        tidy = [normalised(text) for text in rows.texts]
        kept = np.ones(len(rows), dtype=bool)
        if self.guards:
            exact = self._exact.has(keys(rows.texts))
            likened = self._normalised.has(keys(tidy)) & ~exact
            self.counts["in_audit_exactly"] += int(exact.sum())
            self.counts["in_audit_normalised"] += int(likened.sum())
            kept &= ~(exact | likened)
        if self.distinct:
            again = self._again([text for text, stays in zip(tidy, kept, strict=True) if stays])
            self.counts["near_duplicate"] += int(again.sum())
            kept[np.flatnonzero(kept)[again]] = False
        return rows.take(kept)

    def _again(self, tidy: list[str]) -> Bool[np.ndarray, " texts"]:
        """Texts that share a key with an earlier one, whether that one was itself dropped or not."""
        found = band_keys(tidy)
        again = np.zeros(len(tidy), dtype=bool)
        for seen, band in zip(self._bands, found.T, strict=True):
            again |= ~seen.add(np.ascontiguousarray(band))
        return again
