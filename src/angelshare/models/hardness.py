"""How hard a text looks to a student, from the student alone: no teacher is asked. More is harder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy.special import expit, logsumexp, softmax

from angelshare import runs
from angelshare.errors import ModelError

__all__ = ["CONFIDENCES", "SIGNALS", "Confidence", "Distance", "Predictor", "Shuffle", "Signal", "View", "read_signal"]

CONFIDENCES = ("maximum", "margin", "entropy", "energy")
SIGNALS = (*CONFIDENCES, "predictor", "distance", "shuffle")

CHARACTERS = 16_384
"""Characters of a text whose words are shuffled: what a student of 512 tokens may read."""


@dataclass(frozen=True, eq=False)
class View:
    """What the student says of some texts.

    Attributes
    ----------
    logits : (rows, labels) at the student's calibrated temperature, nats.
    features : (rows, width); no columns where the student has none.
    again : the student's logits of other texts, at the same temperature.
    """

    texts: Sequence[str]
    logits: Float[np.ndarray, "rows labels"]
    features: Float[np.ndarray, "rows width"]
    multilabel: bool
    again: Callable[[Sequence[str]], Float[np.ndarray, "rows labels"]]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> "View":
        return replace(
            self,
            texts=[self.texts[row] for row in rows.tolist()],
            logits=self.logits[rows],
            features=self.features[rows],
        )

    def at(self, temperature: float) -> "View":
        """The same answers at a temperature; decisions stay."""
        again = self.again
        return replace(self, logits=self.logits / temperature, again=lambda texts: again(texts) / temperature)


class Signal(Protocol):
    """One way to tell hard texts from easy ones.

    Attributes
    ----------
    reads_features : whether it needs more than the student's logits.
    """

    reads_features: ClassVar[bool]

    @property
    def name(self) -> str: ...
    def hardness(self, view: View) -> Float64[np.ndarray, " rows"]: ...
    def tensors(self) -> dict[str, Float32[np.ndarray, "..."]]:
        """All that was learnt, for saving."""
        ...


@dataclass(frozen=True)
class Confidence:
    """The student's own doubt: one of `CONFIDENCES`."""

    name: str
    reads_features: ClassVar[bool] = False

    def hardness(self, view: View) -> Float64[np.ndarray, " rows"]:
        return doubts(view)[CONFIDENCES.index(self.name)]

    def tensors(self) -> dict[str, np.ndarray]:
        return {}


def doubts(view: View) -> Float64[np.ndarray, "4 rows"]:
    """The `CONFIDENCES` of each row, turned so that more is harder.

    Where several labels may hold, `maximum` and `margin` are those of the label that is least sure, `entropy` and
    `energy` the sums over labels; a label's two outcomes have the logits +z/2 and -z/2. Energy: Liu et al. 2020
    (https://arxiv.org/abs/2010.03759).
    """
    logits = np.asarray(view.logits, dtype=np.float64)
    if view.multilabel:
        yes = expit(logits)
        unsure = np.minimum(yes, 1 - yes)
        each = np.stack([yes, 1 - yes])
        entropy = -(each * np.log(np.maximum(each, 1e-300))).sum(axis=(0, 2))
        energy = -np.logaddexp(logits / 2, -logits / 2).sum(axis=1)
        return np.stack([unsure.max(axis=1), 2 * unsure.max(axis=1), entropy, energy])
    shares = softmax(logits, axis=1)
    ranked = np.sort(shares, axis=1)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
    margin = ranked[:, -1] - ranked[:, -2]
    return np.stack([1 - ranked[:, -1], 1 - margin, entropy, -logsumexp(logits, axis=1)])


def clues(view: View) -> Float64[np.ndarray, "rows clues"]:
    """What the predictor reads: the features, the logits without their common offset, and the doubts."""
    logits = np.asarray(view.logits, dtype=np.float64)
    centred = logits if view.multilabel else logits - logits.mean(axis=1, keepdims=True)
    return np.concatenate([np.asarray(view.features, dtype=np.float64), centred, doubts(view).T], axis=1)


@dataclass(frozen=True, eq=False)
class Predictor:
    """Logistic regression: the log-odds that the teacher would decide otherwise.

    Attributes
    ----------
    centre, scale, weights : (clues,) of standardising, and the coefficients. intercept : (1,).
    """

    centre: Float32[np.ndarray, " clues"]
    scale: Float32[np.ndarray, " clues"]
    weights: Float32[np.ndarray, " clues"]
    intercept: Float32[np.ndarray, " 1"]
    name: ClassVar[str] = "predictor"
    reads_features: ClassVar[bool] = True

    def hardness(self, view: View) -> Float64[np.ndarray, " rows"]:
        standard = (clues(view) - self.centre) / self.scale.astype(np.float64)
        return np.asarray(standard @ self.weights.astype(np.float64) + float(self.intercept[0]))

    def tensors(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in ("centre", "scale", "weights", "intercept")}


@dataclass(frozen=True, eq=False)
class Distance:
    """Mahalanobis distance to the nearest class of the texts that the student learnt from (Lee et al. 2018,
    https://arxiv.org/abs/1807.03888).

    Attributes
    ----------
    means : (classes, width) of each class the student decides. whitening : (width, width), of their common covariance.
    """

    means: Float32[np.ndarray, "classes width"]
    whitening: Float32[np.ndarray, "width width"]
    name: ClassVar[str] = "distance"
    reads_features: ClassVar[bool] = True

    def hardness(self, view: View) -> Float64[np.ndarray, " rows"]:
        whitening = self.whitening.astype(np.float64)
        white = np.asarray(view.features, dtype=np.float64) @ whitening
        gaps = [((white - mean @ whitening) ** 2).sum(axis=1) for mean in self.means.astype(np.float64)]
        return np.sqrt(np.min(gaps, axis=0))

    def tensors(self) -> dict[str, np.ndarray]:
        return {"means": self.means, "whitening": self.whitening}


@dataclass(frozen=True)
class Shuffle:
    """How far the student's answer moves when the words change places: mean total variation over `rounds` orders."""

    rounds: int = 3
    name: ClassVar[str] = "shuffle"
    reads_features: ClassVar[bool] = False

    def hardness(self, view: View) -> Float64[np.ndarray, " rows"]:
        before = _shares(view.logits, view.multilabel)
        moved = np.zeros(len(view))
        for turn in range(self.rounds):
            after = _shares(view.again([shuffled(text, turn) for text in view.texts]), view.multilabel)
            gaps = np.abs(after - before)
            moved += gaps.mean(axis=1) if view.multilabel else gaps.sum(axis=1) / 2
        return moved / self.rounds

    def tensors(self) -> dict[str, np.ndarray]:
        return {}


def _shares(logits: np.ndarray, multilabel: bool) -> np.ndarray:
    logits = np.asarray(logits, dtype=np.float64)
    return np.asarray(expit(logits) if multilabel else softmax(logits, axis=1))


def shuffled(text: str, turn: int) -> str:
    """The words in another order, which the text and `turn` alone decide: no other text can change it."""
    words = text[:CHARACTERS].split()
    order = runs.rng(turn, "shuffled", runs.digest(text)).permutation(len(words))
    return " ".join(words[at] for at in order.tolist())


def read_signal(name: str, tensors: Mapping[str, np.ndarray]) -> Signal:
    """A signal out of its tensors; raises ModelError for a name that is none."""
    if name in CONFIDENCES:
        return Confidence(name)
    if name == Shuffle.name:
        return Shuffle()
    learnt: dict[str, type[Predictor] | type[Distance]] = {"predictor": Predictor, "distance": Distance}
    if name not in learnt:
        raise ModelError(f"A signal of hardness must be one of {', '.join(SIGNALS)}. Got '{name}' instead.")
    return learnt[name](**tensors)
