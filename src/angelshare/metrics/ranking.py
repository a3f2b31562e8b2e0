"""How well a score orders positives above negatives."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from jaxtyping import Bool, Float64, Real

from angelshare.metrics.order import ascending
from angelshare.stats.abreast import LANES
from angelshare.stats.compiled import compiled, side_by_side
from angelshare.stats.resample import Resampling, lanes


def auc_roc(
    scores: Real[np.ndarray, " rows"],
    positive: Bool[np.ndarray, " rows"],
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Share of pairs (a positive, a negative) that the score orders rightly, ties counting half. NaN for one class."""
    hits, misses = _cumulated(scores, positive, weights)
    pairs = hits[-1] * misses[-1]
    if pairs == 0:
        return float("nan")
    before = np.concatenate([[0.0], hits[:-1]])
    return float(np.sum(np.diff(misses, prepend=0.0) * (before + hits)) / 2 / pairs)


def auc_pr(
    scores: Real[np.ndarray, " rows"],
    positive: Bool[np.ndarray, " rows"],
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Average precision: the sum over thresholds of (gain in recall) x precision. NaN for one class."""
    hits, misses = _cumulated(scores, positive, weights)
    if hits[-1] == 0 or misses[-1] == 0:
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(hits + misses > 0, hits / (hits + misses), 0.0)
    return float(np.sum(np.diff(hits, prepend=0.0) * precision) / hits[-1])


def rate_weights(positive: Bool[np.ndarray, " rows"], rate: float) -> Float64[np.ndarray, " rows"]:
    """Row weights that make positives the share `rate` (in (0, 1)) of the total."""
    positive = np.asarray(positive, dtype=bool)
    share = positive.mean()
    return np.where(positive, rate / share, (1 - rate) / (1 - share))


def _cumulated(
    scores: np.ndarray, positive: np.ndarray, weights: np.ndarray | None
) -> tuple[Float64[np.ndarray, " thresholds"], Float64[np.ndarray, " thresholds"]]:
    """Weight of positives and of negatives at or above each distinct score, from the highest down."""
    scores = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(positive, dtype=bool)
    weight = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.cumsum(np.where(truth, weight, 0.0)[order])[ends]
    misses = np.cumsum(np.where(truth, 0.0, weight)[order])[ends]
    return hits, misses


@compiled
def _sweep(order, scores, positive, position, drawn, factor, roc, pr):
    """Down the scores, LANES replicates abreast; a negative weighs `factor` in the precision."""
    hits = np.zeros(LANES)
    misses = np.zeros(LANES)
    hits_before = np.zeros(LANES)
    misses_before = np.zeros(LANES)
    at = len(order) - 1
    while at >= 0:
        score = scores[order[at]]
        while at >= 0 and scores[order[at]] == score:
            row = drawn[position[order[at]]]
            if positive[order[at]]:
                for lane in range(LANES):
                    hits[lane] += row[lane]
            else:
                for lane in range(LANES):
                    misses[lane] += row[lane]
            at -= 1
        for lane in range(LANES):
            roc[lane] += (misses[lane] - misses_before[lane]) * (hits_before[lane] + hits[lane])
            gain = hits[lane] - hits_before[lane]
            if gain > 0:
                pr[lane] += gain * hits[lane] / (hits[lane] + factor * misses[lane])
            hits_before[lane] = hits[lane]
            misses_before[lane] = misses[lane]
    for lane in range(LANES):
        pairs = hits[lane] * misses[lane]
        roc[lane] = roc[lane] / 2 / pairs if pairs > 0 else np.nan
        pr[lane] = pr[lane] / hits[lane] if pairs > 0 else np.nan


def ranking_replicates(
    scores: Real[np.ndarray, "rows *models"],
    positive: Bool[np.ndarray, " rows"],
    resampling: Resampling,
    rate: float | None = None,
) -> tuple[Float64[np.ndarray, "draws models"], Float64[np.ndarray, "draws models"]]:
    """`auc_roc` and `auc_pr` of every bootstrap replicate, for all models on the same replicates.

    Parameters
    ----------
    rate : the share of positives that `auc_pr` is re-weighted to, as by `rate_weights`.
    """
    scores = np.asarray(scores, dtype=np.float64).reshape(len(positive), -1)
    truth = np.asarray(positive, dtype=bool)
    share = truth.mean()
    factor = 1.0 if rate is None or share in (0, 1) else float((1 - rate) / (1 - share) * share / rate)
    columns = [np.ascontiguousarray(scores[:, model]) for model in range(scores.shape[1])]
    orders = [ascending(column) for column in columns]
    roc, pr = np.zeros((2, resampling.draws, len(columns)))

    def work(start: int) -> None:
        drawn = lanes(resampling, start)
        stop = min(start + LANES, resampling.draws)
        for model, (column, order) in enumerate(zip(columns, orders, strict=True)):
            found = np.zeros((2, LANES))
            _sweep(order, column, truth, resampling.plan.position, drawn, factor, found[0], found[1])
            roc[start:stop, model], pr[start:stop, model] = found[:, : stop - start]

    side_by_side(work, range(0, resampling.draws, LANES))
    return roc, pr
