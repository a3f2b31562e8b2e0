"""Rows chosen by score out of a stream of unknown length: the same ones for any number of workers.

The scores' range is cut into bins, each with a number of rows it wants: two bins at the threshold balance the classes,
twenty follow another set's distribution. Each bin keeps the rows with the smallest hash of their id: a uniform sample
of all its rows that were seen, not the first ones, and a rule that knows neither order nor workers. Scoring ends
with the first shard after which every bin has seen as many rows as it wants.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int
from scipy.special import expit, softmax

from angelshare.data.tables import hashed
from angelshare.data.transfer import TransferSet
from angelshare.errors import DataError, ModelError
from angelshare.types import positive_label

__all__ = ["HISTOGRAM", "Sample", "Selection", "probability"]

HISTOGRAM = 100
"""Bins of equal width in [0, 1] that count every score seen."""

MATCHED = 20
"""Bins of equal width in which a sample follows another set's scores."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which rows of a pool are wanted.

    Attributes
    ----------
    count : rows in all.
    balance : share of positives among them.
    match : a transfer set of the same teacher whose distribution of scores is followed instead.
    threshold : a score (probability) of at least this is positive.
    positive : the label whose score decides; the only one, or the second of two, where None.
    """

    count: int
    balance: float = 0.5
    match: TransferSet | None = None
    threshold: float = 0.5
    positive: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise DataError(f"The count of rows to choose must be at least 1. Got {self.count} instead.")
        if not 0 <= self.balance <= 1:
            raise DataError(f"The balance is the positives' share, in [0, 1]. Got {self.balance} instead.")
        if not 0 < self.threshold < 1:
            raise DataError(f"The threshold must be a probability in (0, 1). Got {self.threshold} instead.")

    def label(self, labels: Sequence[str], multilabel: bool) -> str:
        """The label whose score decides; raises ModelError where it must be named."""
        found = positive_label(labels, multilabel, self.positive)
        if found is None:
            raise ModelError(f"Choosing by score needs one label. Name --positive, one of {', '.join(labels)}.")
        return found

    def facts(self) -> dict[str, Any]:
        """What decides the rows, as JSON values."""
        following = None if self.match is None else [self.match.teacher, self.match.plan]
        plain = {name: value for name, value in vars(self).items() if name != "match"}
        return plain | {"match": following, "balance": None if following else self.balance}


def probability(logits: Float32[np.ndarray, "rows labels"], at: int, multilabel: bool) -> Float64[np.ndarray, " rows"]:
    """The probability of label `at`."""
    wide = logits.astype(np.float64)
    found: np.ndarray = expit(wide[:, at]) if multilabel else softmax(wide, axis=1)[:, at]
    return found


class Sample:
    """Chooses rows as shards of scores come by, in their order.

    Parameters
    ----------
    teacher : the teacher's fingerprint: a matched set must be of the same one.
    """

    def __init__(self, wanted: Selection, labels: Sequence[str], multilabel: bool, teacher: str) -> None:
        self.wanted, self.multilabel = wanted, multilabel
        self.label = wanted.label(labels, multilabel)
        self.at = list(labels).index(self.label)
        if wanted.match is None:
            self.edges = np.array([0.0, wanted.threshold, 1.0])
            shares = np.array([1 - wanted.balance, wanted.balance])
        else:
            self.edges = np.linspace(0, 1, MATCHED + 1)
            shares = self._shares(wanted.match, teacher)
        self.quotas = apportioned(wanted.count, shares)
        self.seen = np.zeros(len(self.quotas), dtype=np.int64)
        self.histogram = np.zeros(HISTOGRAM, dtype=np.int64)
        self.positive = 0
        self._hashes = [np.empty(0) for _ in self.quotas]

    def _shares(self, match: TransferSet, teacher: str) -> Float64[np.ndarray, " bins"]:
        if match.teacher != teacher or self.label not in match.labels:
            raise ModelError(
                f"{match.directory} holds another teacher's scores. Label the set to follow with this teacher first."
            )
        counts = np.zeros(MATCHED)
        for part in match.chunks():
            found = self._bins(self.scores(part.logits))
            counts += np.bincount(found, minlength=MATCHED)
        return counts / counts.sum()

    def scores(self, logits: Float32[np.ndarray, "rows labels"]) -> Float64[np.ndarray, " rows"]:
        """The probability that decides, one a row."""
        return probability(logits, self.at, self.multilabel)

    def _bins(self, scores: Float64[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
        found: np.ndarray = np.searchsorted(self.edges[1:-1], scores, side="right")
        return found

    def _limits(self) -> Float64[np.ndarray, " bins"]:
        """The largest hash that each bin still keeps."""
        return np.array(
            [
                -np.inf if quota == 0 else hashes.max() if len(hashes) >= quota else np.inf
                for quota, hashes in zip(self.quotas, self._hashes, strict=True)
            ]
        )

    def offer(
        self, ids: Iterable[str], scores: Float64[np.ndarray, " rows"]
    ) -> tuple[Bool[np.ndarray, " rows"], dict[str, Any]]:
        """(rows that may be chosen, what was seen) of the next shard; `add` both before the next offer."""
        bins = self._bins(scores)
        bounds = np.minimum((scores * HISTOGRAM).astype(np.int64), HISTOGRAM - 1)
        tally = {
            "seen": np.bincount(bins, minlength=len(self.quotas)).tolist(),
            "histogram": np.bincount(bounds, minlength=HISTOGRAM).tolist(),
            "positive": int((scores >= self.wanted.threshold).sum()),
        }
        return self.keep(ids, scores), tally

    def keep(self, ids: Iterable[str], scores: Float64[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"]:
        """The rows that are chosen, as far as can be said by now; the final word after the last shard."""
        hashes = np.array([hashed(name) for name in ids])
        kept: np.ndarray = hashes <= self._limits()[self._bins(scores)]
        return kept

    def add(self, ids: Iterable[str], scores: Float64[np.ndarray, " rows"], tally: Mapping[str, Any]) -> None:
        """Take in a shard's rows that may be chosen, and what was seen in all of it."""
        self.seen += np.array(tally["seen"], dtype=np.int64)
        self.histogram += np.array(tally["histogram"], dtype=np.int64)
        self.positive += int(tally["positive"])
        bins, hashes = self._bins(scores), np.array([hashed(name) for name in ids])
        for at in np.unique(bins):
            found = np.sort(np.concatenate([self._hashes[at], hashes[bins == at]]))
            self._hashes[at] = found[: self.quotas[at]]

    @property
    def full(self) -> bool:
        return bool((self.seen >= self.quotas).all())

    @property
    def missing(self) -> dict[str, int]:
        """How many rows each range of scores lacks, those that lack none left out."""
        lacking = np.maximum(self.quotas - self.seen, 0)
        spans = [f"{low:g} to {high:g}" for low, high in zip(self.edges[:-1], self.edges[1:], strict=True)]
        return {span: int(count) for span, count in zip(spans, lacking, strict=True) if count}

    def facts(self) -> dict[str, Any]:
        """For the manifest: what was wanted, what the pool was like, and what is missing."""
        scored = int(self.seen.sum())
        return {
            "selection": {
                **self.wanted.facts(),
                "positive": self.label,
                "edges": self.edges.tolist(),
                "wanted": self.quotas.tolist(),
                "missing": self.missing,
            },
            "pool": {
                "scored": scored,
                "positive": self.positive,
                "rate": self.positive / scored if scored else None,
                "histogram": self.histogram.tolist(),
            },
        }


def apportioned(count: int, shares: Float64[np.ndarray, " bins"]) -> Int[np.ndarray, " bins"]:
    """Whole numbers that sum to `count` in the ratio of the shares; the largest remainders are rounded up."""
    exact = count * shares
    found = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - found), kind="stable")
    found[order[: count - int(found.sum())]] += 1
    return found
