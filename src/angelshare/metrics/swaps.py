"""Perturbation sensitivity: what a score does when only the identity term changes (Prabhakaran et al. 2019).

Scores come as a matrix of sentences x terms, NaN where a sentence does not exist with a term. `weights`
(..., sentences) weigh the sentences; leading axes, bootstrap replicates say, pass through.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float64, Real

Scores: TypeAlias = Real[np.ndarray, "sentences terms"]
Weights: TypeAlias = Real[np.ndarray, "*any sentences"]


def score_sens(
    scores: Scores, base: Real[np.ndarray, " sentences"] | None = None, weights: Weights | None = None
) -> Float64[np.ndarray, "*any terms"]:
    """ScoreSens of each term: the mean over sentences of f(x with the term) - f(x).

    Parameters
    ----------
    base : f(x), the score of each sentence before the swap; None takes the mean over its terms.
    """
    scores = np.asarray(scores, dtype=np.float64)
    base = np.nanmean(scores, axis=1) if base is None else base
    return _mean(scores - base[:, None], weights)


def score_dev(scores: Scores, weights: Weights | None = None) -> Float64[np.ndarray, "*any"]:
    """ScoreDev: the mean over sentences of the standard deviation (ddof 0) over terms."""
    return _mean(np.nanstd(np.asarray(scores, dtype=np.float64), axis=1), weights)


def score_range(scores: Scores, weights: Weights | None = None) -> Float64[np.ndarray, "*any"]:
    """ScoreRange: the mean over sentences of the highest less the lowest score over terms."""
    scores = np.asarray(scores, dtype=np.float64)
    return _mean(np.nanmax(scores, axis=1) - np.nanmin(scores, axis=1), weights)


def label_flips(scores: Scores, threshold: float = 0.5, weights: Weights | None = None) -> Float64[np.ndarray, "*any"]:
    """Share of sentences whose decision (score at least `threshold`) is not the same for all terms."""
    known = ~np.isnan(scores)
    above = np.asarray(scores) >= threshold
    return _mean((above & known).any(axis=1) & (~above & known).any(axis=1), weights)


def _mean(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Weighted mean over sentences, leaving out NaN; NaN where nothing is left."""
    values = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(weight @ np.where(known, values, 0.0) / (weight @ known.astype(np.float64)))
