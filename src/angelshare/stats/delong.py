"""AUCs of several models on the same rows, with their covariance (DeLong et al. 1988; Sun and Xu 2014)."""

import numpy as np
from jaxtyping import Bool, Float64, Real
from scipy.stats import rankdata


def delong(
    scores: Real[np.ndarray, "rows *any"], positive: Bool[np.ndarray, " rows"]
) -> tuple[Float64[np.ndarray, " models"], Float64[np.ndarray, "models models"]]:
    """Areas under the ROC curve, ties counting half, and the covariance of their estimates.

    Only where rows are independent: rows that share a template are not. NaN where a class has fewer than two rows (of
    the covariance) or none (of the area).

    Returns
    -------
    aucs : (models,)
    covariance : (models, models)
    """
    scores = np.asarray(scores, dtype=np.float64)
    scores = scores.reshape(len(scores), -1)
    truth = np.asarray(positive, dtype=bool)
    models, p = scores.shape[1], int(truth.sum())
    n = len(truth) - p
    if p == 0 or n == 0:
        return np.full(models, np.nan), np.full((models, models), np.nan)
    above, below = placements(scores, truth)
    aucs = above.mean(axis=0)
    if p < 2 or n < 2:
        return aucs, np.full((models, models), np.nan)
    covariance = np.cov(above, rowvar=False) / p + np.cov(below, rowvar=False) / n
    return aucs, np.asarray(covariance).reshape(models, models)


def placements(
    scores: Float64[np.ndarray, "rows models"], positive: Bool[np.ndarray, " rows"]
) -> tuple[Float64[np.ndarray, "positives models"], Float64[np.ndarray, "negatives models"]]:
    """For each positive the share of negatives below it; for each negative the share of positives above it."""
    p, n = int(positive.sum()), int((~positive).sum())
    all_ranks = rankdata(scores, axis=0)
    own_positive = rankdata(scores[positive], axis=0)
    own_negative = rankdata(scores[~positive], axis=0)
    return (all_ranks[positive] - own_positive) / n, 1 - (all_ranks[~positive] - own_negative) / p
