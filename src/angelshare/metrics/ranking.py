"""How well a score orders positives above negatives."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from jaxtyping import Bool, Float64, Real

from angelshare.metrics.order import ascending
from angelshare.stats.abreast import AHEAD, LANES, add, add_product, add_share, fetch, widen
from angelshare.stats.compiled import compiled, side_by_side
from angelshare.stats.resample import Resampling, sweep_lanes


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


WEIGHT, HITS, MISSES, ABOVE, GAIN, PAIRS, PRECISION, FACTOR, REGISTERS = range(9)
"""Registers: of the row; of the positives (doubled, as in sweeps.py), the negatives, both above it; of the sums."""


@compiled
def _sweep(order, scores, positive, where, drawn, flat):
    """Down the scores, LANES replicates abreast; a negative weighs `flat[FACTOR]` in the precision."""
    last = len(order) - 1
    while last >= 0:
        first = last
        while first > 0 and scores[order[first - 1]] == scores[order[last]]:
            first -= 1
        for step in range(3):
            for i in range(last, first - 1, -1):
                if step == 0 and i >= AHEAD:
                    fetch(drawn, where[i - AHEAD])
                if step == 0 or last > first:
                    widen(flat, WEIGHT, drawn, where[i])
                if positive[order[i]]:
                    if step == 0:
                        add(flat, ABOVE, WEIGHT)
                        add(flat, GAIN, WEIGHT)
                    if step != 1:
                        add(flat, HITS, WEIGHT)
                elif step == 1:
                    add(flat, MISSES, WEIGHT)
                    add_product(flat, ABOVE, WEIGHT, FACTOR)
                    add_product(flat, PAIRS, WEIGHT, HITS)
        if last > first or positive[order[last]]:
            add_share(flat, PRECISION, GAIN, HITS, ABOVE)
            for lane in range(LANES):
                flat[GAIN * LANES + lane] = 0.0
        last = first - 1


def _abreast(
    order: np.ndarray, scores: np.ndarray, positive: np.ndarray, where: np.ndarray, drawn: np.ndarray, factor: float
) -> tuple[Float64[np.ndarray, " lanes"], Float64[np.ndarray, " lanes"]]:
    registers = np.zeros((REGISTERS, LANES))
    registers[FACTOR] = factor
    _sweep(order, scores, positive, where, drawn, registers.reshape(-1))
    hits, misses = registers[HITS] / 2, registers[MISSES]
    with np.errstate(divide="ignore", invalid="ignore"):
        both = np.where(hits * misses > 0, 1.0, np.nan)
        return both * registers[PAIRS] / (2 * hits * misses), both * registers[PRECISION] / (2 * hits)


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
    places = [resampling.plan.position[order] for order in orders]
    roc, pr = np.zeros((2, resampling.draws, len(columns)))

    def work(drawn: np.ndarray, start: int, stop: int) -> None:
        def one(model: int) -> None:
            found = _abreast(orders[model], columns[model], truth, places[model], drawn, factor)
            roc[start:stop, model], pr[start:stop, model] = (values[: stop - start] for values in found)

        side_by_side(one, range(len(columns)))

    sweep_lanes(work, resampling)
    return roc, pr
