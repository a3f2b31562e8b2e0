"""What must not enter a transfer set: texts of audit sets (the leakage guard), and near-duplicates of earlier texts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from angelshare.data.likeness import BANDS, band_keys, normalised
from angelshare.data.seen import Seen, keys
from angelshare.data.stream import Source, Texts

__all__ = ["Sieve"]


class Sieve:
    """Drops rows of a stream, and counts them by reason.

    Parameters
    ----------
    audits : sets whose texts are dropped: exactly, or the same after normalising. 16 bytes are held of each text.
    distinct : drop near-duplicates of texts that came before; 32 bytes are held of each text.

    Attributes
    ----------
    counts : rows dropped: "in_audit_exactly", "in_audit_normalised" (and not exactly), "near_duplicate".
    """

    def __init__(self, audits: Sequence[Source] = (), distinct: bool = False) -> None:
        self.guards, self.distinct = bool(audits), distinct
        self.counts: dict[str, int] = {}
        if audits:
            self.counts |= {"in_audit_exactly": 0, "in_audit_normalised": 0}
        if distinct:
            self.counts["near_duplicate"] = 0
        self._exact, self._normalised = Seen(), Seen()
        self._bands = [Seen() for _ in range(BANDS)]
        for audit in audits:
            for part in audit.open():
                self._exact.add(keys(part.texts))
                self._normalised.add(keys(map(normalised, part.texts)))

    @property
    def active(self) -> bool:
        return self.guards or self.distinct

    def keep(self, rows: Texts) -> Texts:
        """The rows that stay."""
        if not self.active:
            return rows
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
