"""How closely a student follows its reference, whatever the truth is."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from typing import TypeAlias

import numpy as np
from jaxtyping import Float64, Real, Shaped
from scipy.special import log_softmax

from angelshare.metrics.classification import _mean
from angelshare.metrics.order import ascending
from angelshare.stats.abreast import LANES
from angelshare.stats.compiled import compiled, side_by_side
from angelshare.stats.resample import Resampling

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
    weight = np.ones((1, len(reference))) if weights is None else np.asarray(weights, dtype=np.float64)[None]
    return float(_correlations(np.asarray(reference), np.asarray(student), weight)[0])


def rank_correlation_replicates(reference: Row, student: Row, resampling: Resampling) -> Float64[np.ndarray, " draws"]:
    """`rank_correlation` of every bootstrap replicate, ranked anew in each."""
    blocks = resampling.blocks(LANES)

    def work(block: tuple[int, int]) -> np.ndarray:
        return _correlations(np.asarray(reference), np.asarray(student), resampling.weights(*block).astype(np.float64))

    return np.concatenate(side_by_side(work, blocks))


def _correlations(reference: np.ndarray, student: np.ndarray, weights: np.ndarray) -> np.ndarray:
    pairs = [np.ascontiguousarray(values, dtype=np.float64) for values in (reference, student)]
    out = np.empty(len(weights))
    _spearman(pairs[0], ascending(pairs[0]), pairs[1], ascending(pairs[1]), np.ascontiguousarray(weights), out)
    return out


@compiled
def _midranks(scores, order, weight, ranks):
    """Weight below each row plus half of the weight of its ties."""
    below = 0.0
    first = 0
    while first < len(order):
        stop = first
        tied = 0.0
        while stop < len(order) and scores[order[stop]] == scores[order[first]]:
            tied += weight[order[stop]]
            stop += 1
        for i in range(first, stop):
            ranks[order[i]] = below + tied / 2
        below += tied
        first = stop


@compiled
def _spearman(x, x_order, y, y_order, weights, out):
    x_ranks = np.empty(len(x))
    y_ranks = np.empty(len(x))
    for at in range(len(out)):
        weight = weights[at]
        _midranks(x, x_order, weight, x_ranks)
        _midranks(y, y_order, weight, y_ranks)
        half = weight.sum() / 2  # the weighted mean of midranks is half of the total weight
        xx = yy = xy = 0.0
        for row in range(len(x)):
            x_gap, y_gap = x_ranks[row] - half, y_ranks[row] - half
            xx += weight[row] * x_gap * x_gap
            yy += weight[row] * y_gap * y_gap
            xy += weight[row] * x_gap * y_gap
        out[at] = xy / np.sqrt(xx * yy) if xx > 0 and yy > 0 else np.nan
