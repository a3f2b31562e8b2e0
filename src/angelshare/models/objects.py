"""Python objects as classifiers: scikit-learn pipelines, and whatever has `predict_proba`."""

import importlib
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from jaxtyping import Float32, Float64

from angelshare import runs
from angelshare.errors import ModelError, WrongKind
from angelshare.types import CLIP, Classifier, Predictions, Sort


class Wrapped:
    """An object with `predict_proba`: log-odds are taken in float64 of probabilities clipped to [1e-6, 1 - 1e-6].

    Attributes
    ----------
    clipped : how many probabilities were clipped so far.
    """

    kind = "object"
    size_bytes: int | None = None
    parameters: int | None = None

    def __init__(self, inner: Any, labels: tuple[str, ...], multilabel: bool, source: str) -> None:
        self.inner, self.labels, self.multilabel, self.source = inner, labels, multilabel, source
        self.clipped = 0
        try:
            self.fingerprint = runs.digest("object", type(inner).__qualname__, joblib.hash(inner), *labels)
        except Exception:  # whatever its parts refuse: no cached answer may ever be taken for this object's
            self.fingerprint = runs.digest("object", uuid.uuid4().hex)

    def predict_proba(self, texts: Sequence[str]) -> Float64[np.ndarray, "rows labels"]:
        """Probabilities (rows, labels), as the object gives them.

        Raises
        ------
        ModelError : they have another shape, or are no probabilities.
        """
        if not len(texts):
            return np.zeros((0, len(self.labels)))
        answer = self.inner.predict_proba(list(texts))
        if isinstance(answer, list):  # scikit-learn's multi-output models: one (rows, 2) a label
            answer = np.stack([np.asarray(part)[:, -1] for part in answer], axis=1)
        found = np.asarray(answer, dtype=np.float64)
        if self.multilabel and len(self.labels) == 1 and found.ndim == 1:
            found = found[:, None]
        if self.multilabel and len(self.labels) == 1 and found.shape[1:] == (2,):
            found = found[:, 1:]
        if found.shape != (len(texts), len(self.labels)):
            raise ModelError(
                f"{self.source}.predict_proba must give {len(texts)} rows x {len(self.labels)} labels. "
                f"Got the shape {found.shape} instead."
            )
        if not ((found >= 0) & (found <= 1)).all():
            raise ModelError(f"{self.source}.predict_proba gave a value outside [0, 1]. Give probabilities.")
        return found

    def predict_logits(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows labels"]:
        rows = np.arange(len(texts)).astype(str).astype(object)
        found = self.predict_proba(texts)
        answer = Predictions(self.source, rows, self.labels, self.multilabel, found, "probabilities")
        self.clipped += answer.clipped
        return answer.logits.astype(np.float32)


def wrap(
    inner: Any, *, labels: Sequence[str] | None = None, multilabel: bool | None = None, source: str = ""
) -> Classifier:
    """Make a Classifier of any object that scores texts.

    Parameters
    ----------
    inner : something with `predict_proba(texts)`, or a Classifier, which is returned as it is.
    labels : names of its columns; `classes_` where None.
    multilabel : whether each is decided alone; what the object says of itself (`multilabel_`) where None.

    Raises
    ------
    WrongKind : it cannot score.
    ModelError : its labels are unknown.
    """
    if hasattr(inner, "predict_logits") and hasattr(inner, "labels") and hasattr(inner, "multilabel"):
        found: Classifier = inner
        return found
    name = source or type(inner).__name__
    if not hasattr(inner, "predict_proba"):
        raise WrongKind(f"{name} has neither predict_logits nor predict_proba. Give an object that scores texts.")
    if labels is None:
        classes = getattr(inner, "classes_", None)
        if classes is None:
            raise ModelError(f"{name} does not say what its labels are (classes_). Name them: labels=[...].")
        labels = [str(label) for label in classes]
    if multilabel is None:
        last = inner.steps[-1][1] if hasattr(inner, "steps") else inner
        multilabel = bool(getattr(last, "multilabel_", False)) or len(labels) == 1
    return Wrapped(inner, tuple(map(str, labels)), multilabel, name)


READS: Mapping[Sort, str] = {"encoder": "encode", "masked model": "token_log_probs"}
"""What an object must have to be one."""


def wrap_as(sort: Sort, inner: Any, source: str = "") -> Any:
    """The object itself, which must be what is asked for.

    Raises
    ------
    WrongKind : it is not.
    """
    if not callable(getattr(inner, READS[sort], None)):
        name = source or type(inner).__name__
        raise WrongKind(f"{name} is no {sort}: it has no {READS[sort]}. Give an object that has it.")
    return inner


def from_module(spec: str, *, labels: Sequence[str] | None, multilabel: bool | None) -> Classifier:
    """Import `module:object` as a Classifier; an object that cannot score is called once to make one that can.

    Raises
    ------
    ModelError : no such module or object, or it fails.
    """
    return wrap(imported(spec, ("predict_logits", "predict_proba")), labels=labels, multilabel=multilabel, source=spec)


def imported(spec: str, methods: Sequence[str]) -> Any:
    """The object of `module:object`, or what it gives when called, where it has none of the methods itself.

    Raises
    ------
    ModelError : no such module or object, or it fails.
    """
    module_name, _, path = spec.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
        if not any(hasattr(found, method) for method in methods) or isinstance(found, type):
            found = found()
    except Exception as error:
        raise ModelError(
            f"'{spec}' cannot be loaded: {type(error).__name__}: {error}. Give MODULE:OBJECT, importable from here."
        ) from error
    finally:
        if added:
            sys.path.remove(here)
    return found


LOWEST = float(np.log(CLIP))
"""The log-odds that a clipped probability of zero has, nats."""
