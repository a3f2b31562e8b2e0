"""SEAT: how much nearer one set of sentences stands to an attribute than another set does (May et al. 2019)."""

import numpy as np
from jaxtyping import Float, Float64

NOISE = 1e-12
"""Deviations of s below this are rounding: cosines are of the order of 1."""


def unit(vectors: Float[np.ndarray, "sentences width"]) -> Float64[np.ndarray, "sentences width"]:
    """Vectors of length 1; a zero vector has no direction and becomes NaN."""
    found = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(lengths > 0, lengths, np.nan)


def associations(
    targets: Float64[np.ndarray, "targets width"],
    first: Float64[np.ndarray, "first width"],
    second: Float64[np.ndarray, "second width"],
    first_weights: Float64[np.ndarray, "*draws first"] | None = None,
    second_weights: Float64[np.ndarray, "*draws second"] | None = None,
) -> Float64[np.ndarray, "*draws targets"]:
    """s(w, A, B): a target's mean cosine with the first attribute's sentences less that with the second's.

    All vectors have length 1, so it is one product with the difference of two means: no matrix of cosines is made.

    Parameters
    ----------
    first_weights, second_weights : how often each sentence of an attribute counts, in each replicate.
    """
    return np.asarray((_mean(first, first_weights) - _mean(second, second_weights)) @ targets.T)


def _mean(vectors: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if weights is None:
        return np.asarray(vectors.mean(axis=0))
    return np.asarray(weights @ vectors / weights.sum(axis=-1, keepdims=True))


def effect_size(
    scores: Float64[np.ndarray, "*draws targets"],
    first: int,
    weights: Float64[np.ndarray, "*draws targets"] | None = None,
) -> Float64[np.ndarray, "*draws"]:
    """d: the difference of the two sets' mean s over the deviation of s over both (ddof 1); NaN where all s are one.

    Parameters
    ----------
    first : targets of the first set, which come first.
    weights : how often each target counts, in each replicate.
    """
    weights = np.ones(scores.shape) if weights is None else weights
    count = weights.sum(axis=-1)
    middle = (weights * scores).sum(axis=-1) / count
    spread = (weights * (scores - middle[..., None]) ** 2).sum(axis=-1) / (count - 1)
    sides = [
        (weights[..., part] * scores[..., part]).sum(axis=-1) / weights[..., part].sum(axis=-1)
        for part in (slice(None, first), slice(first, None))
    ]
    known = spread > NOISE**2
    return np.asarray(np.where(known, (sides[0] - sides[1]) / np.sqrt(np.where(known, spread, 1)), np.nan))


def standardised(scores: Float64[np.ndarray, " targets"]) -> Float64[np.ndarray, " targets"]:
    """Scores in units of their deviation over both sets: sums over the first set then order partitions as d does."""
    deviation = float(scores.std(ddof=1))
    return np.asarray(scores / deviation if deviation > NOISE else np.full(scores.shape, np.nan))
