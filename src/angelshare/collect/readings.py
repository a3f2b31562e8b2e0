"""What models make of texts where that is no label: an encoder its vectors, a masked model how well it guesses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from angelshare import runs
from angelshare.audits.base import Request
from angelshare.errors import ModelError
from angelshare.progress import progress
from angelshare.types import Encoder, MaskedModel, Readings, Sort

STEP = 256
"""Texts read between two signs of progress."""

HIDDEN = ("log_prob", "right", "hidden")
"""Of each text: the sum of its hidden tokens' log probabilities (nats), how many were guessed, how many were hidden."""


SWAPPED = ("divergence_others", "others", "divergence_words", "words")
"""Of each text and its twin: how far apart the answers are, summed over the tokens that stay (nats), and how many these
are; the same of the tokens swapped."""


class Reader(NamedTuple):
    """Who answers a kind of request, and how.

    Attributes
    ----------
    settings : what of the request decides the answer, beside its texts.
    read : (model, request, first row, texts) to numbers (rows, columns).
    """

    sort: Sort
    columns: tuple[str, ...]
    settings: Callable[[Request], tuple[object, ...]]
    read: Callable[[Any, Request, int, Sequence[str]], np.ndarray]


def _vectors(model: Encoder, request: Request, start: int, texts: Sequence[str]) -> np.ndarray:
    return np.asarray(model.encode(texts, pooling=request.pooling))


def _guessed(model: MaskedModel, request: Request, start: int, texts: Sequence[str]) -> np.ndarray:
    """Which tokens are hidden hangs on the seed, the row and how many it has: models of one vocabulary share them."""
    positions = []
    for row, count in enumerate(model.token_counts(texts).tolist(), start):
        hidden = int(np.ceil(request.share * count))
        positions.append(np.sort(runs.rng(request.seed, "hidden", row).choice(count, hidden, replace=False)))
    log_probs, right = model.token_log_probs(texts, positions)
    rows = np.repeat(np.arange(len(texts)), [len(at) for at in positions])
    sums = [np.bincount(rows, weights, len(texts)) for weights in (log_probs, right.astype(np.float64), None)]
    return np.stack(sums, axis=1).astype(np.float64)


def _swapped(model: MaskedModel, request: Request, start: int, texts: Sequence[str]) -> np.ndarray:
    if not hasattr(model, "swap_divergences"):
        raise ModelError("The audit pair-swaps asks for swap_divergences, which this object has not. Give a directory.")
    return np.asarray(model.swap_divergences(texts, request.twins[start : start + len(texts)]))


READERS: Mapping[str, Reader] = {
    "encode": Reader("encoder", (), lambda request: (request.pooling,), _vectors),
    "mask": Reader("masked model", HIDDEN, lambda request: (request.share, request.seed), _guessed),
    "swap": Reader("masked model", SWAPPED, lambda request: request.twins, _swapped),
}
"""By the kind of request."""


def key(model: Any, request: Request) -> str:
    """What a file of readings is of."""
    settings = map(str, READERS[request.kind].settings(request))
    return runs.digest("readings 1", str(model.fingerprint), request.kind, *settings, "", *request.texts)


def read(model: Any, request: Request, title: str) -> Readings:
    """What the model makes of the texts.

    Raises
    ------
    ModelError
        Where it gives another shape, or a number that is not finite.
    """
    reader = READERS[request.kind]
    parts = []
    with progress(f"{title} reads", len(request.texts)) as advance:
        for start in range(0, max(len(request.texts), 1), STEP):
            texts = request.texts[start : start + STEP]
            parts.append(reader.read(model, request, start, texts))
            if parts[-1].ndim != 2 or len(parts[-1]) != len(texts):
                shape = parts[-1].shape
                raise ModelError(f"'{title}' must give one row a text. Got {shape} for {len(texts)} texts instead.")
            advance(len(texts))
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise ModelError(f"'{title}' gave a number that is not finite for text {row + 1}. Train it again.")
    vocabulary = str(getattr(model, "vocabulary", "")) if reader.columns else ""
    return Readings(title, request.ids, values, reader.columns, str(getattr(model, "fingerprint", "")), vocabulary)
