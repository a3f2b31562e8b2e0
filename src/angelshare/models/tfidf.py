"""TF-IDF and logistic regression: the cheap model that everything should beat. Needs no torch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from angelshare import runs
from angelshare.errors import ModelError
from angelshare.models.card import CardFacts, write_card
from angelshare.models.objects import LOWEST

SETTINGS, WEIGHTS = "tfidf.json", "model.safetensors"
VERSION = 1
MAX_FEATURES = 50_000
MAX_CHARACTERS = 100_000
"""Characters read of a text."""


@dataclass(frozen=True, eq=False)
class Tfidf:
    """A linear model over word and word-pair counts.

    Attributes
    ----------
    vocabulary : the (features,) words and word pairs, in alphabetical order.
    idf : (features,). coefficients : (labels, features), nats a unit of TF-IDF. intercepts : (labels,), nats.
    """

    labels: tuple[str, ...]
    multilabel: bool
    vocabulary: tuple[str, ...]
    idf: Float32[np.ndarray, " features"]
    coefficients: Float32[np.ndarray, "labels features"]
    intercepts: Float32[np.ndarray, " labels"]
    source: str = ""

    kind = "tfidf"

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        targets: Float[np.ndarray, "rows labels"],
        *,
        labels: Sequence[str],
        multilabel: bool,
        weights: Float[np.ndarray, " rows"] | None = None,
        strength: float = 5.0,
    ) -> "Tfidf":
        """Fit to golden labels: the largest target of a row, or each label at 0.5; the same input gives the same model.

        Parameters
        ----------
        targets : one-hot, or fractions in [0, 1] where several labels may hold.
        strength : C, the inverse of the L2 penalty.

        Raises
        ------
        ModelError : no text has a word.
        """
        vectorizer = _vectorizer()
        try:
            rows = vectorizer.fit_transform([text[:MAX_CHARACTERS] for text in texts])
        except ValueError as error:
            raise ModelError("No text to fit TF-IDF to has a word in it. Give texts in words.") from error
        if multilabel:
            parts = [_binary(rows, column, weights, strength) for column in (targets >= 0.5).T]
        else:
            parts = _multinomial(rows, np.argmax(targets, axis=1), len(labels), weights, strength)
        return cls(
            tuple(labels),
            multilabel,
            tuple(vectorizer.get_feature_names_out().tolist()),
            vectorizer.idf_.astype(np.float32),
            np.stack([coefficients for coefficients, _ in parts]).astype(np.float32),
            np.array([intercept for _, intercept in parts], dtype=np.float32),
        )

    def predict_logits(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows labels"]:
        """Log-odds (nats), one row a text."""
        if not len(texts):
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        rows = self._transform.transform([text[:MAX_CHARACTERS] for text in texts])
        scores = rows @ self.coefficients.T.astype(np.float64) + self.intercepts.astype(np.float64)
        found: np.ndarray = np.asarray(scores).astype(np.float32)
        return found

    @cached_property
    def _transform(self) -> TfidfVectorizer:
        vectorizer = _vectorizer(self.vocabulary)
        vectorizer.idf_ = self.idf.astype(np.float64)
        return vectorizer

    @property
    def parameters(self) -> int:
        """Coefficients and intercepts."""
        return int(self.coefficients.size + self.intercepts.size)

    @property
    def size_bytes(self) -> int:
        """Bytes of its two files."""
        return sum(len(content) for content in self._files.values())

    @property
    def fingerprint(self) -> str:
        """sha256 of its two files."""
        return runs.digest(*(part for name, content in self._files.items() for part in (name, content)))

    @cached_property
    def _files(self) -> dict[str, bytes]:
        settings = {
            "angelshare": "tfidf",
            "version": VERSION,
            "labels": self.labels,
            "multilabel": self.multilabel,
            "vocabulary": self.vocabulary,
        }
        tensors = {"idf": self.idf, "coefficients": self.coefficients, "intercepts": self.intercepts}
        return {
            SETTINGS: json.dumps(settings, ensure_ascii=False, indent=0).encode("utf-8"),
            WEIGHTS: to_bytes({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}),
        }

    def save(self, directory: str | Path, facts: CardFacts | None = None) -> Path:
        """Write vocabulary, weights, card and manifest; the directory appears whole."""
        with runs.atomic_directory(Path(directory)) as aside:
            self.write(aside, facts)
        return Path(directory)

    def write(self, directory: Path, facts: CardFacts | None = None) -> None:
        """Write the files alone, into a directory that the caller makes appear later."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (directory / name).write_bytes(content)
        write_card(directory, facts or CardFacts("tf-idf", self.kind, self.labels, self.multilabel, role="baseline"))

    @classmethod
    def load(cls, directory: str | Path) -> "Tfidf":
        """Read what `save` wrote.

        Raises
        ------
        ModelError : a file is missing or is not what it should be.
        """
        directory = Path(directory)
        try:
            settings = json.loads((directory / SETTINGS).read_text(encoding="utf-8"))
            tensors = load_file(directory / WEIGHTS)
            model = cls(
                tuple(settings["labels"]),
                bool(settings["multilabel"]),
                tuple(settings["vocabulary"]),
                tensors["idf"],
                tensors["coefficients"],
                tensors["intercepts"],
                str(directory),
            )
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelError(f"{directory} is not a whole tf-idf model: {error}. Make it again.") from error
        if settings.get("version") != VERSION or model.coefficients.shape != (len(model.labels), len(model.vocabulary)):
            raise ModelError(f"{directory} was written by another version of angelshare. Make it again.")
        return model


def _vectorizer(vocabulary: Sequence[str] | None = None) -> TfidfVectorizer:
    return TfidfVectorizer(
        lowercase=True,
        token_pattern=r"(?u)\w+(?:'\w+)*",
        ngram_range=(1, 2),
        min_df=2 if vocabulary is None else 1,
        max_features=MAX_FEATURES,
        sublinear_tf=True,
        vocabulary=None if vocabulary is None else {word: index for index, word in enumerate(vocabulary)},
        decode_error="replace",
    )


def _regression(strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=2_000, solver="lbfgs", tol=1e-4)


def _binary(
    rows: csr_matrix, positive: np.ndarray, weights: np.ndarray | None, strength: float
) -> tuple[np.ndarray, float]:
    """One label's coefficients and intercept; with one class only, its smoothed log-odds."""
    if positive.all() or not positive.any():
        return np.zeros(rows.shape[1]), float(np.log((positive.sum() + 0.5) / ((~positive).sum() + 0.5)))
    fitted = _regression(strength).fit(rows, positive, sample_weight=weights)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _multinomial(
    rows: csr_matrix, classes: np.ndarray, labels: int, weights: np.ndarray | None, strength: float
) -> list[tuple[np.ndarray, float]]:
    """A row of coefficients a label; a label without rows gets the lowest log-odds that is ever given."""
    present = np.unique(classes)
    parts = [(np.zeros(rows.shape[1]), LOWEST) for _ in range(labels)]
    if len(present) == 1:
        parts[present[0]] = (np.zeros(rows.shape[1]), 0.0)
        return parts
    fitted = _regression(strength).fit(rows, classes, sample_weight=weights)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(present) == 2:
        coefficients, intercepts = np.concatenate([-coefficients, coefficients]) / 2, np.r_[-intercepts, intercepts] / 2
    for place, label in enumerate(present):
        parts[label] = (coefficients[place], float(intercepts[place]))
    return parts
