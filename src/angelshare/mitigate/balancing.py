"""Identity-balanced data (Dixon et al. 2018, https://doi.org/10.1145/3278721.3278729): how many rows, and which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int

__all__ = ["Tally", "draw", "wanted"]


@dataclass(frozen=True)
class Tally:
    """How many rows, and positive rows, a set has, and how many of them mention each identity.

    Attributes
    ----------
    whole : (rows, positives) of the set.
    identities : (rows, positives) by identity.
    """

    whole: tuple[int, int] = (0, 0)
    identities: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def plus(self, marks: Mapping[str, np.ndarray], positive: Bool[np.ndarray, " rows"]) -> "Tally":
        """With more rows; `marks` is above 0 where a row mentions the identity."""
        found = dict(self.identities)
        for identity, mark in marks.items():
            rows, positives = found.get(identity, (0, 0))
            found[identity] = (rows + int((mark > 0).sum()), positives + int((positive & (mark > 0)).sum()))
        return Tally((self.whole[0] + len(positive), self.whole[1] + int(positive.sum())), found)

    def facts(self) -> dict[str, dict[str, Any]]:
        """Rows, positives and their rate: of the whole set as `all`, and of every identity that some row mentions."""
        counts = {"all": self.whole, **{name: count for name, count in self.identities.items() if count[0]}}
        return {name: {"rows": n, "positive": k, "rate": k / n} for name, (n, k) in counts.items() if n}


def wanted(tally: Tally) -> dict[str, int]:
    """Rows without the positive label that bring each identity's rate down to the whole set's; only those above it.

    The rate to match is that of the set as it was, the prior of Dixon et al.: the rows that are added lower it a little
    further.
    """
    rows, positives = tally.whole
    found = {}
    for identity, (mine, positive) in tally.identities.items():
        if positive * rows > positives * mine:  # in whole numbers: equal rates want nothing
            found[identity] = -(-positive * rows // positives) - mine
    return {identity: count for identity, count in found.items() if count > 0}


def draw(
    marks: Bool[np.ndarray, "rows identities"],
    keys: Float64[np.ndarray, " rows"],
    counts: Int[np.ndarray, " identities"],
) -> Int[np.ndarray, " drawn"]:
    """Rows in the order of `keys`, each taken if it mentions an identity that still wants some.

    A row that mentions several counts for all of them, so an identity may get more than it wants. It gets fewer only
    where no row is left.

    Parameters
    ----------
    keys : a random number a row, so that neither the rows' order nor how they are cut into files decides.
    counts : rows wanted by each identity.
    """
    left = counts.astype(np.int64).copy()
    taken = []
    for row in np.argsort(keys, kind="stable").tolist():
        if (left[marks[row]] > 0).any():
            left[marks[row]] -= 1
            taken.append(row)
        if (left <= 0).all():
            break
    return np.array(taken, dtype=np.int64)
