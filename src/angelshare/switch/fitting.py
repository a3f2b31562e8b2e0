"""Signals learnt from rows that both models answered, and the one that leaves least undone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from angelshare.errors import DataError
from angelshare.metrics.deferral import left
from angelshare.models.hardness import (
    CONFIDENCES,
    SIGNALS,
    Confidence,
    Distance,
    Predictor,
    Shuffle,
    Signal,
    View,
    clues,
)
from angelshare.progress import say
from angelshare.runs import rng
from angelshare.switch.rows import Answered
from angelshare.types import Predictions

__all__ = ["AUTO", "Learnt", "Moments", "chosen", "learn", "temperature"]

AUTO = "auto"
FOLDS = 5
STRENGTHS = (0.001, 0.01, 0.1)
"""C of the predictor's penalty: its inputs are standardised and often outnumber the disagreements."""

LEAST = 10
"""Disagreements, and agreements, from which a predictor is learnt."""

SHRINKAGE = 0.05
"""Share of the mean variance that is added to every direction, so that no rare one rules the distance."""

COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class Learnt:
    """Signals by name, and what each says of the rows it learnt from: of the predictor, by folds that it has not seen.

    Attributes
    ----------
    absent : why a signal does not apply to this student, by name.
    """

    signals: Mapping[str, Signal]
    hardness: Mapping[str, Float64[np.ndarray, " rows"]]
    absent: Mapping[str, str] = field(default_factory=dict)


def temperature(found: Predictions, wanted: Float64[np.ndarray, "rows labels"]) -> float:
    """The temperature at which the answers fit best (log-loss) to `wanted`: golden labels, or another's probabilities.

    Guo et al. 2017 (https://arxiv.org/abs/1706.04599). Rounded to four digits; 1 where nothing can be learnt.
    """
    logits = found.logits
    if not len(logits):
        return 1.0

    def loss(log: float) -> float:
        scaled = logits * np.exp(-log)
        if found.multilabel:
            return float(-(wanted * log_expit(scaled) + (1 - wanted) * log_expit(-scaled)).mean())
        return float(-(wanted * log_softmax(scaled, axis=1)).sum(axis=1).mean())

    best = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(f"{np.exp(best.x):.4g}") if loss(best.x) < loss(0.0) else 1.0


def probabilities(found: Predictions, heat: float) -> Float64[np.ndarray, "rows labels"]:
    return np.asarray(expit(found.logits / heat) if found.multilabel else softmax(found.logits / heat, axis=1))


class Moments:
    """Sums of features by the class that the student decides; rows may come in parts."""

    def __init__(self) -> None:
        self.counts: np.ndarray = np.zeros(0)
        self.sums: np.ndarray = np.zeros((0, 0))
        self.products: np.ndarray = np.zeros((0, 0))

    def add(self, view: View) -> None:
        features = np.asarray(view.features, dtype=np.float64)
        codes = classes(view)
        kinds = 2 if view.multilabel else view.logits.shape[1]
        if not len(self.counts):
            width = features.shape[1]
            self.counts, self.sums = np.zeros(kinds), np.zeros((kinds, width))
            self.products = np.zeros((width, width))
        self.counts += np.bincount(codes, minlength=kinds)
        np.add.at(self.sums, codes, features)
        self.products += features.T @ features

    def distance(self) -> Distance | None:
        """None where there are no features, or too few rows to tell their spread."""
        there = self.counts > 1
        width = self.products.shape[0]
        total = self.counts.sum()
        if not width or not there.any() or total < 2 * len(self.counts):
            return None
        means = self.sums[there] / self.counts[there, None]
        within = self.products - (self.sums[there].T @ means)
        covariance = (within + within.T) / 2 / total
        spread = np.trace(covariance) / width
        if not spread > 0:
            return None
        values, vectors = np.linalg.eigh(covariance + SHRINKAGE * spread * np.eye(width))
        return Distance(means.astype(np.float32), (vectors / np.sqrt(values)).astype(np.float32))


def classes(view: View) -> np.ndarray:
    """The label decided; of several that may hold, whether any is given."""
    if view.multilabel:
        return np.asarray((view.logits >= 0).any(axis=1).astype(np.int64))
    return np.asarray(view.logits.argmax(axis=1))


def learn(rows: Answered, *, seed: int, transfer: Iterable[View] | None = None, wanted: str = AUTO) -> Learnt:
    """Learn every signal that applies to the student, or the one that is wanted.

    Parameters
    ----------
    rows : the view at its calibrated temperature.
    transfer : the texts that the student learnt from, in parts; `rows` stand in where None.

    Raises
    ------
    DataError : the signal wanted does not apply; says why.
    """
    names = SIGNALS if wanted == AUTO else tuple(dict.fromkeys((*CONFIDENCES, wanted)))
    signals: dict[str, Signal] = {name: Confidence(name) for name in CONFIDENCES}
    hardness = {name: signal.hardness(rows.view) for name, signal in signals.items()}
    absent: dict[str, str] = {}
    makers: dict[str, Callable[[], tuple[Signal, np.ndarray] | str]] = {
        "predictor": lambda: _predictor(rows, seed),
        "distance": lambda: _distance(rows.view, transfer),
        "shuffle": lambda: _shuffle(rows.view),
    }
    for name, make in makers.items():
        if name not in names:
            continue
        found = make()
        if isinstance(found, str):
            absent[name] = found
        else:
            signals[name], hardness[name] = found
    if wanted in absent:
        raise DataError(f"The signal '{wanted}' does not apply: {absent[wanted]} Name another, or auto.")
    return Learnt(signals, hardness, absent)


def chosen(learnt: Learnt, rows: Answered) -> str:
    """The signal after which least is lost, on average over deferring up to half of the rows; of equals the first."""
    scores = {name: round(left(found, rows.costs), 9) for name, found in learnt.hardness.items()}
    return min(scores, key=lambda name: scores[name])


def _shuffle(view: View) -> tuple[Signal, np.ndarray] | str:
    signal = Shuffle()
    moved = signal.hardness(view)
    if not (moved > 1e-5).any():
        return "the student answers the same in whatever order the words come."
    return signal, moved


def _distance(view: View, transfer: Iterable[View] | None) -> tuple[Signal, np.ndarray] | str:
    moments = Moments()
    for part in (view,) if transfer is None else transfer:
        moments.add(part)
    signal = moments.distance()
    if signal is None:
        return "the student has no features that vary."
    return signal, signal.hardness(view)


def _predictor(rows: Answered, seed: int) -> tuple[Signal, np.ndarray] | str:
    differs = rows.differs
    fewest = int(min(differs.sum(), (~differs).sum()))
    if fewest < LEAST:
        return f"student and teacher differ on {int(differs.sum())} of {len(rows)} rows, too few to learn from."
    inputs = clues(rows.view)
    folds = rng(seed, "folds").permutation(len(rows)) % FOLDS
    tried = [_by_folds(inputs, differs, folds, strength) for strength in STRENGTHS]
    best = int(np.argmin([_log_loss(found, differs) for found in tried]))
    return _fitted(inputs, differs, STRENGTHS[best]), tried[best]


def _by_folds(inputs: np.ndarray, differs: Bool[np.ndarray, " rows"], folds: np.ndarray, strength: float) -> np.ndarray:
    out = np.zeros(len(inputs))
    for fold in range(FOLDS):
        held = folds == fold
        if len(np.unique(differs[~held])) < 2:
            continue
        found = _fitted(inputs[~held], differs[~held], strength)
        out[held] = (inputs[held] - found.centre) / found.scale @ found.weights + found.intercept[0]
    return out


def _log_loss(log_odds: np.ndarray, differs: np.ndarray) -> float:
    return float(-(np.where(differs, log_expit(log_odds), log_expit(-log_odds))).mean())


def _fitted(inputs: np.ndarray, differs: np.ndarray, strength: float) -> Predictor:
    centre, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    standard = np.clip((inputs - centre) / scale, -50, 50)
    found = LogisticRegression(C=strength, max_iter=2_000, tol=1e-5).fit(standard, differs)
    return Predictor(
        centre.astype(np.float32),
        scale.astype(np.float32),
        found.coef_[0].astype(np.float32),
        found.intercept_.astype(np.float32),
    )


def tell(learnt: Learnt) -> None:
    for name, why in learnt.absent.items():
        say(f"The signal '{name}' does not apply: {why}")
