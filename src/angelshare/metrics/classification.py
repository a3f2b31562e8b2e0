"""Figures of decisions and probabilities. Each takes row weights; a weight of 2 equals the row twice.

Those that are functions of sums over rows say so: their bootstrap replicates come from `stats.resample.tallies`.
"""

import numpy as np
from jaxtyping import Float64, Int, Real, Shaped
from scipy.special import log_softmax

BINS = 15
"""Bins of the calibration error."""


def accuracy(
    decided: Shaped[np.ndarray, " rows"],
    truth: Shaped[np.ndarray, " rows"],
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Share of decisions that equal the truth, in [0, 1]."""
    return _mean(np.asarray(decided) == np.asarray(truth), weights)


def confusion(
    decided: Shaped[np.ndarray, " rows"],
    truth: Shaped[np.ndarray, " rows"],
    classes: int,
    weights: Real[np.ndarray, " rows"] | None = None,
) -> Float64[np.ndarray, "classes classes"]:
    """Weight of the rows of each truth (first axis) and decision (second axis)."""
    codes = confusion_codes(decided, truth, classes)
    return np.bincount(codes, weights, minlength=classes * classes).astype(np.float64).reshape(classes, classes)


def confusion_codes(
    decided: Shaped[np.ndarray, " rows"], truth: Shaped[np.ndarray, " rows"], classes: int
) -> Int[np.ndarray, " rows"]:
    """The cell of each row: truth x classes + decision."""
    return np.asarray(truth, dtype=np.int64) * classes + np.asarray(decided, dtype=np.int64)


def macro_f1(
    decided: Shaped[np.ndarray, " rows"],
    truth: Shaped[np.ndarray, " rows"],
    classes: int | None = None,
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Mean over classes of 2 TP / (2 TP + FP + FN), in [0, 1]."""
    return float(macro_f1_of(confusion(decided, truth, _classes(decided, truth, classes), weights)))


def mcc(
    decided: Shaped[np.ndarray, " rows"],
    truth: Shaped[np.ndarray, " rows"],
    classes: int | None = None,
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Matthews correlation of decision and truth for any number of classes (Gorodkin 2004), in [-1, 1]."""
    return float(mcc_of(confusion(decided, truth, _classes(decided, truth, classes), weights)))


def accuracy_of(table: Real[np.ndarray, "*any classes classes"]) -> Float64[np.ndarray, "*any"]:
    """`accuracy` of confusion matrices."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1)))


def macro_f1_of(table: Real[np.ndarray, "*any classes classes"]) -> Float64[np.ndarray, "*any"]:
    """`macro_f1` of confusion matrices; a class that is neither there nor decided is left out of the mean."""
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    both = table.sum(axis=-1) + table.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        scores = np.where(both > 0, 2 * hits / both, 0.0)
        return np.asarray(scores.sum(axis=-1) / (both > 0).sum(axis=-1))


def mcc_of(table: Real[np.ndarray, "*any classes classes"]) -> Float64[np.ndarray, "*any"]:
    """`mcc` of confusion matrices; 0 where all decisions or all truths are one class, as in scikit-learn."""
    total = table.sum(axis=(-2, -1))
    hits = np.trace(table, axis1=-2, axis2=-1)
    true, decided = table.sum(axis=-1), table.sum(axis=-2)
    covered = hits * total - (true * decided).sum(axis=-1)
    spread = (total**2 - (true**2).sum(axis=-1)) * (total**2 - (decided**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(total > 0, np.where(spread > 0, covered / np.sqrt(spread), 0.0), np.nan))


def log_losses(
    logits: Real[np.ndarray, "rows labels"], targets: Real[np.ndarray, "rows labels"], multilabel: bool = False
) -> Float64[np.ndarray, " rows"]:
    """Cross-entropy of each row in nats; with `multilabel` the mean over labels of binary ones; targets in [0, 1]."""
    logits = np.asarray(logits, dtype=np.float64)
    targets = np.asarray(targets, dtype=np.float64)
    if not multilabel:
        return np.asarray(-(targets * log_softmax(logits, axis=1)).sum(axis=1))
    return np.asarray((np.logaddexp(0, logits) - targets * logits).mean(axis=1))


def log_loss(
    logits: Real[np.ndarray, "rows labels"],
    targets: Real[np.ndarray, "rows labels"],
    multilabel: bool = False,
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Mean cross-entropy, nats."""
    return _mean(log_losses(logits, targets, multilabel), weights)


def calibration_bins(confidence: Real[np.ndarray, " rows"], bins: int = BINS) -> Int[np.ndarray, " rows"]:
    """The bin of each probability, of `bins` of equal width over [0, 1]."""
    return np.minimum((np.asarray(confidence, dtype=np.float64) * bins).astype(np.int64), bins - 1)


def calibration_error(
    confidence: Real[np.ndarray, " rows"],
    correct: Shaped[np.ndarray, " rows"],
    bins: int = BINS,
    weights: Real[np.ndarray, " rows"] | None = None,
) -> float:
    """Expected calibration error in [0, 1]: mean over bins, by weight, of |mean probability - rate|.

    `confidence` is the probability of what `correct` says: of the decided label, or of the positive one.
    """
    weight = np.ones(len(confidence)) if weights is None else np.asarray(weights, dtype=np.float64)
    codes = calibration_bins(confidence, bins)
    columns = (weight, weight * confidence, weight * np.asarray(correct))
    return float(calibration_error_of(np.stack([np.bincount(codes, c, minlength=bins) for c in columns], axis=-1)))


def calibration_error_of(sums: Real[np.ndarray, "*any bins 3"]) -> Float64[np.ndarray, "*any"]:
    """`calibration_error` of each bin's weight, sum of probabilities and weight of the correct."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1) / sums[..., 0].sum(axis=-1))


def _classes(decided: np.ndarray, truth: np.ndarray, classes: int | None) -> int:
    return int(max(np.max(decided), np.max(truth))) + 1 if classes is None else classes


def _mean(values: np.ndarray, weights: np.ndarray | None) -> float:
    if weights is None:
        return float(np.mean(values)) if len(values) else float("nan")
    total = float(np.sum(weights))
    return float(np.dot(np.asarray(values, dtype=np.float64), weights) / total) if total > 0 else float("nan")
