"""What a model is and what it answered: the first of the two narrow waists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int
from scipy.special import expit, log_softmax, logit, logsumexp, softmax

from angelshare.errors import ModelError

CLIP = 1e-6
"""Probabilities are clipped to [CLIP, 1 - CLIP] before logits are taken of them; clips are counted."""

Scale = Literal["logits", "probabilities"]

Sort = Literal["classifier", "encoder", "masked model"]
"""What audits ask. A model may be several: one that guesses words has vectors for texts too."""

Pooling = Literal["cls", "mean", "first-word"]
"""Which token states make a text's vector: that of the opening token, the mean of all, or that of the text's first."""


@runtime_checkable
class Classifier(Protocol):
    """Anything that scores texts: a hub model, a student, a pipeline, a file of predictions.

    Attributes
    ----------
    labels : names of the k columns of the scores.
    multilabel : True when each label is decided alone (sigmoid), False when exactly one holds (softmax).
        A toxicity score in [0, 1] is the multi-label case with one label.
    """

    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def multilabel(self) -> bool: ...
    def predict_logits(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows labels"]:
        """Unnormalised log-odds (nats), one row a text."""
        ...


class Encoder(Protocol):
    """A model that makes a vector of a text.

    Attributes
    ----------
    fingerprint : sha256 of what decides its vectors.
    """

    @property
    def fingerprint(self) -> str: ...
    def encode(self, texts: Sequence[str], pooling: Pooling) -> Float32[np.ndarray, "rows width"]:
        """One vector a text, not normalised."""
        ...


class MaskedModel(Protocol):
    """A model that guesses hidden tokens.

    Attributes
    ----------
    fingerprint : sha256 of what decides its guesses.
    vocabulary : sha256 of how it cuts texts into tokens: figures a token compare only where it is the same.
    """

    @property
    def fingerprint(self) -> str: ...
    @property
    def vocabulary(self) -> str: ...
    def token_counts(self, texts: Sequence[str]) -> Int[np.ndarray, " rows"]:
        """How many tokens of each text can be hidden: those it reads, but for special and unknown ones."""
        ...

    def token_log_probs(
        self, texts: Sequence[str], positions: Sequence[Int[np.ndarray, " _"]]
    ) -> tuple[Float64[np.ndarray, " hidden"], Bool[np.ndarray, " hidden"]]:
        """Of each hidden token, text after text: the log of its probability (nats), and whether it is the likeliest.

        Parameters
        ----------
        positions : which tokens of each text are hidden, counted among those that can be. One is hidden at a time: all
            others of its text can be seen.
        """
        ...

    def swap_divergences(self, texts: Sequence[str], twins: Sequence[str]) -> Float64[np.ndarray, "rows 4"]:
        """How far apart the answers to a text and to its twin are, by tokens that stay and tokens that are swapped.

        At each token the mean of KL(text || twin) and KL(twin || text), nats. A twin of another length has no token for
        each token of its text: its row is zero.

        Returns
        -------
        A row a text: the sum over the tokens that stay, how many these are, and both of the tokens swapped.
        """
        ...


@runtime_checkable
class Guesser(Protocol):
    """A model that guesses hidden words.

    Attributes
    ----------
    fingerprint : sha256 of its files.
    """

    @property
    def fingerprint(self) -> str: ...
    def guesses(
        self, texts: Sequence[Sequence[str]], hidden: Sequence[Sequence[int]], count: int
    ) -> list[list[list[tuple[str, float]]]]:
        """The `count` likeliest words, with their probabilities, for each hidden place of each text.

        Parameters
        ----------
        texts : each as its words; marks may stand at their ends.
        hidden : positions of the words to guess, ascending. Those the model cannot read so far as are left out.
        """
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """A model that writes on where a text ends.

    Attributes
    ----------
    fingerprint : sha256 of its files.
    """

    @property
    def fingerprint(self) -> str: ...
    def generate(self, prompts: Sequence[str], draws: Float64[np.ndarray, "rows tokens"]) -> list[str]:
        """What it writes after each prompt, up to the end of the line and at most as many tokens as there are draws.

        Parameters
        ----------
        draws : numbers in [0, 1) that decide each token: the same draws, the same text.
        """
        ...


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model answered to one list of texts; collected once, cached on disk.

    Attributes
    ----------
    ids : (rows,) names of the rows, unique.
    scores : (rows, labels) as the model gave them, never rounded: ranking uses the raw column.
    scale : what `scores` are.
    fingerprint : sha256 of the model's files, or of the predictions file.
    """

    model: str
    ids: np.ndarray
    labels: tuple[str, ...]
    multilabel: bool
    scores: Float[np.ndarray, "rows labels"]
    scale: Scale = "logits"
    fingerprint: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def clipped(self) -> int:
        """How many probabilities `logits` had to clip."""
        if self.scale == "logits":
            return 0
        return int(((self.scores < CLIP) | (self.scores > 1 - CLIP)).sum())

    @property
    def logits(self) -> Float64[np.ndarray, "rows labels"]:
        scores = np.asarray(self.scores, dtype=np.float64)
        if self.scale == "logits":
            return scores
        clipped = np.clip(scores, CLIP, 1 - CLIP)
        return logit(clipped) if self.multilabel else np.log(clipped)

    @property
    def probabilities(self) -> Float64[np.ndarray, "rows labels"]:
        scores = np.asarray(self.scores, dtype=np.float64)
        if self.scale == "probabilities":
            return scores
        return expit(scores) if self.multilabel else softmax(scores, axis=1)

    @property
    def log_probabilities(self) -> Float64[np.ndarray, "rows labels"]:
        """Log of each label's probability, nats."""
        logits = self.logits
        return -np.logaddexp(0, -logits) if self.multilabel else log_softmax(logits, axis=1)

    def column(self, label: str) -> int:
        if label not in self.labels:
            raise ModelError(f"Model '{self.model}' has no label '{label}'. Its labels: {', '.join(self.labels)}.")
        return self.labels.index(label)

    def ranking(self, label: str) -> Float64[np.ndarray, " rows"]:
        """A score that orders rows by `label`: the raw column, or its log-odds where the scores are logits."""
        at = self.column(label)
        scores = np.asarray(self.scores, dtype=np.float64)
        if self.multilabel or self.scale == "probabilities":
            return scores[:, at]
        return scores[:, at] - logsumexp(np.delete(scores, at, axis=1), axis=1)

    def decisions(self) -> Int[np.ndarray, " rows"] | Bool[np.ndarray, "rows labels"]:
        """The label's index where one holds; a True a label (probability at least 0.5) where several may."""
        return self.probabilities >= 0.5 if self.multilabel else np.argmax(self.scores, axis=1)

    def take(self, index: np.ndarray) -> "Predictions":
        return Predictions(
            self.model, self.ids[index], self.labels, self.multilabel, self.scores[index], self.scale, self.fingerprint
        )


@dataclass(frozen=True, eq=False)
class Readings:
    """What one model made of a list of texts where that is no label: some numbers a text, or a vector.

    Attributes
    ----------
    columns : names of the numbers; none of a vector's.
    vocabulary : of the model, where the numbers are about its tokens.
    """

    model: str
    ids: np.ndarray
    values: Float[np.ndarray, "rows columns"]
    columns: tuple[str, ...] = ()
    fingerprint: str = ""
    vocabulary: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Float64[np.ndarray, " rows"]:
        return np.asarray(self.values[:, self.columns.index(name)], dtype=np.float64)


Answer = Predictions | Readings


def positive_label(labels: Sequence[str], multilabel: bool, named: str | None) -> str | None:
    """The label whose score AUC audits rank: the one named, else the only or the second of two.

    None when more than two labels leave the choice open: such audits are `not_applicable`.
    """
    if named is not None:
        if named not in labels:
            raise ModelError(f"The positive label must be one of {', '.join(labels)}. Got '{named}' instead.")
        return named
    if len(labels) == 1:
        return labels[0]
    return labels[1] if len(labels) == 2 and not multilabel else None
