"""How closely a student follows its reference, whatever the truth is."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float64, Int, Real, Shaped
from scipy.special import log_softmax

from angelshare.metrics.classification import _mean
from angelshare.stats.resample import Resampling, replicate

Row: TypeAlias = Real[np.ndarray, " rows"]


def agreement(
    reference: Shaped[np.ndarray, " rows"], student: Shaped[np.ndarray, " rows"], weights: Row | None = None
) -> float:
    """Share of rows decided alike, in [0, 1]."""
    return _mean(np.asarray(reference) == np.asarray(student), weights)


def flips(
    reference: Shaped[np.ndarray, " rows"], student: Shaped[np.ndarray, " rows"], weights: Row | None = None
) -> tuple[float, float]:
    """Share of rows that only the student decides positive (up), and that only the reference does (down)."""
    reference, student = np.asarray(reference, dtype=bool), np.asarray(student, dtype=bool)
    return _mean(student & ~reference, weights), _mean(reference & ~student, weights)


def kl_rows(
    reference: Real[np.ndarray, "rows labels"], student: Real[np.ndarray, "rows labels"], multilabel: bool = False
) -> Float64[np.ndarray, " rows"]:
    """KL(reference || student) of each row from logits, nats; with `multilabel` the mean over labels of binary ones."""
    reference, student = np.asarray(reference, dtype=np.float64), np.asarray(student, dtype=np.float64)
    if not multilabel:
        p, q = log_softmax(reference, axis=1), log_softmax(student, axis=1)
        return np.asarray((np.exp(p) * (p - q)).sum(axis=1))
    yes, no = -np.logaddexp(0, -reference), -np.logaddexp(0, reference)
    gaps = np.exp(yes) * (yes + np.logaddexp(0, -student)) + np.exp(no) * (no + np.logaddexp(0, student))
    return np.asarray(gaps.mean(axis=1))


def kl(
    reference: Real[np.ndarray, "rows labels"],
    student: Real[np.ndarray, "rows labels"],
    multilabel: bool = False,
    weights: Row | None = None,
) -> float:
    """Mean KL(reference || student) from logits, nats, at least 0."""
    return _mean(kl_rows(reference, student, multilabel), weights)


def rank_correlation(reference: Row, student: Row, weights: Row | None = None) -> float:
    """Spearman's correlation with midranks, in [-1, 1]; weights count as repetitions. NaN where one is constant."""
    weight = np.ones(len(reference)) if weights is None else np.asarray(weights, dtype=np.float64)
    return _of_levels(_levels(reference), _levels(student), weight)


def _levels(values: Row) -> Int[np.ndarray, " rows"]:
    return np.unique(np.asarray(values), return_inverse=True)[1].reshape(-1)


def _of_levels(
    reference: Int[np.ndarray, " rows"], student: Int[np.ndarray, " rows"], weight: Float64[np.ndarray, " rows"]
) -> float:
    gaps = [_midranks(level, weight) - weight.sum() / 2 for level in (reference, student)]
    spread = np.sqrt((weight * gaps[0] ** 2).sum() * (weight * gaps[1] ** 2).sum())
    return float((weight * gaps[0] * gaps[1]).sum() / spread) if spread > 0 else float("nan")


def rank_correlation_replicates(reference: Row, student: Row, resampling: Resampling) -> Float64[np.ndarray, " draws"]:
    """`rank_correlation` of every bootstrap replicate, ranked anew in each: exact, for rows are sorted only once."""
    levels = _levels(reference), _levels(student)
    return replicate(lambda weights: np.array([_of_levels(*levels, weights)]), resampling)[:, 0]


def _midranks(level: Int[np.ndarray, " rows"], weight: Float64[np.ndarray, " rows"]) -> Float64[np.ndarray, " rows"]:
    """The weight below each row and half of the weight of its ties; their weighted mean is half of the total."""
    tied = np.bincount(level, weight)
    return np.asarray((np.cumsum(tied) - tied / 2)[level])
