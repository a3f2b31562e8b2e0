"""A model that answers requests: loaded once for each use, its labels brought to the data's names and order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from angelshare.audits.base import Member, Request, Role
from angelshare.collect import readings
from angelshare.collect.cache import Cache, key
from angelshare.data.readers import is_table
from angelshare.data.tables import Table
from angelshare.errors import ModelError, WrongKind
from angelshare.findings import Subject
from angelshare.models.loading import PredictionsFile, load, load_as, wrap, wrap_as
from angelshare.models.predictions import label_columns
from angelshare.models.switched import SETTINGS as SWITCH
from angelshare.models.switched import Switch
from angelshare.progress import progress
from angelshare.types import Predictions, Readings, Scale, Sort

STEP = 4096
"""Texts scored between two signs of progress."""


class Voice:
    """One member of an audit, and the model or file behind it.

    Parameters
    ----------
    source : a path, a hub id, `module:object`, a predictions file, or an object that scores texts.
    """

    def __init__(
        self, member: Member, source: Any, *, allow_code: bool = False, scores: Scale = "probabilities"
    ) -> None:
        self.member = member
        self.source = source
        self.allow_code = allow_code
        self.scores = scores
        self.table: Table | None = None
        """Whose labels a predictions file has; without one, all of its columns are labels."""
        self._models: dict[Sort, Any] = {}
        self._misfits: dict[Sort, str] = {}

    @property
    def is_file(self) -> bool:
        return isinstance(self.source, PredictionsFile) or (
            isinstance(self.source, str | Path) and is_table(str(self.source))
        )

    @property
    def is_switch(self) -> bool:
        """Told without loading it."""
        if isinstance(self.source, str | Path):
            return (Path(self.source) / SWITCH).is_file()
        return isinstance(self.source, Switch)

    @property
    def model(self) -> Any:
        """The classifier."""
        return self.model_as("classifier")

    def model_as(self, sort: Sort) -> Any:
        """The model, loaded once for each use.

        Raises
        ------
        WrongKind
            Where it is something else.
        ModelError
            Where it cannot be loaded.
        """
        if sort not in self._models:
            self._models[sort] = self._classifier() if sort == "classifier" else self._reader(sort)
        return self._models[sort]

    def misfit(self, sort: Sort) -> str:
        """Why it cannot be asked as one of these; an empty string where it can."""
        if sort not in self._misfits:
            try:
                self.model_as(sort)
                self._misfits[sort] = ""
            except WrongKind as error:
                self._misfits[sort] = str(error)
        return self._misfits[sort]

    @property
    def any_model(self) -> Any:
        """As whatever it was loaded first; None where it fits nothing that was asked."""
        return next(iter(self._models.values()), None)

    def _reader(self, sort: Sort) -> Any:
        if isinstance(self.source, str | Path):
            return load_as(sort, self.source, allow_code=self.allow_code)
        return wrap_as(sort, self.source)

    def _classifier(self) -> Any:
        if not isinstance(self.source, str | Path):
            return self.source if isinstance(self.source, PredictionsFile) else wrap(self.source)
        if not self.is_file:
            return load(self.source, allow_code=self.allow_code)
        table = self.table
        named = table is not None and table.labels and set(table.labels) <= set(label_columns(Path(self.source)))
        if table is None or not named:
            return load(self.source, scores=self.scores)
        return load(self.source, labels=table.labels, multilabel=table.multilabel, scores=self.scores)

    @property
    def fingerprint(self) -> str:
        """Of the model's files; of an object that has none, unknown: its answers are then not kept."""
        return str(getattr(self.model, "fingerprint", ""))

    @property
    def title(self) -> str:
        return self.member.model if not self.member.seed else f"{self.member.model} (seed {self.member.seed})"

    def answer(self, ids: np.ndarray, texts: Sequence[str], cache: Cache) -> Predictions:
        """Scores of the texts, from the cache where the same model has answered the same texts before.

        Raises
        ------
        DataError
            For ids that a predictions file does not have.
        """
        if self.is_file:
            found: Predictions = self.model.predictions(ids, model=self.member.model)
            return found
        name = key(self.fingerprint, self.model.labels, texts)
        known = cache.get(name, ids) if self.fingerprint else None
        if isinstance(known, Predictions):
            return replace(known, model=self.member.model)
        predictions = Predictions(
            self.member.model, ids, tuple(self.model.labels), bool(self.model.multilabel), self._score(texts),
            fingerprint=self.fingerprint,
        )  # fmt: skip
        if self.fingerprint:
            cache.put(name, predictions)
        return predictions

    def read(self, request: Request, cache: Cache) -> Readings:
        """What the encoder or masked model makes of the texts, from the cache where it has read them before."""
        model = self.model_as(readings.READERS[request.kind].sort)
        marked = bool(getattr(model, "fingerprint", ""))
        name = readings.key(model, request) if marked else ""
        known = cache.get(name, request.ids) if marked else None
        if not isinstance(known, Readings):
            known = readings.read(model, request, self.title)
            if marked:
                cache.put(name, known)
        return replace(known, model=self.member.model)

    def _score(self, texts: Sequence[str]) -> np.ndarray:
        if not len(texts):
            return np.zeros((0, len(self.model.labels)), dtype=np.float32)
        parts = []
        with progress(f"{self.title} scores", len(texts)) as advance:
            for start in range(0, len(texts), STEP):
                part = texts[start : start + STEP]
                parts.append(np.asarray(self.model.predict_logits(part)))
                advance(len(part))
        found = np.concatenate(parts)
        if not np.isfinite(found).all():
            row = int(np.argwhere(~np.isfinite(found))[0, 0])
            raise ModelError(f"'{self.title}' gave a score that is not finite for row {row + 1}. Train it again.")
        return found


def subject(name: str, role: Role, of: str, voices: Sequence[Voice]) -> Subject:
    """What a report says of a model."""
    model = voices[0].any_model
    return Subject(
        name=name,
        role=role,
        source=_source(voices[0]),
        fingerprints=tuple(str(getattr(voice.any_model, "fingerprint", "")) for voice in voices),
        labels=tuple(getattr(model, "labels", ())),
        kind="" if model is None else str(getattr(model, "kind", type(model).__name__)),
        parameters=getattr(model, "parameters", None),
        size_bytes=getattr(model, "size_bytes", None),
        of=of,
    )


def _source(voice: Voice) -> str:
    """The name of the folder or file, not where it lies on this machine."""
    given = voice.source if isinstance(voice.source, str | Path) else getattr(voice.source, "source", "")
    path = Path(str(given))
    return path.name if path.is_absolute() else str(given)


@dataclass(frozen=True)
class Labels:
    """The labels of a suite: the reference's names and order."""

    names: tuple[str, ...]
    multilabel: bool

    def of_table(self, table: Table) -> Table:
        """The table with its targets in this order and under these names."""
        if table.targets is None or table.labels == self.names:
            return table
        if len(table.labels) == len(self.names) == 1:
            return replace(table, labels=self.names)
        order = [table.labels.index(name) for name in self.names]
        return replace(table, labels=self.names, targets=table.targets[:, order])

    def of_predictions(self, found: Predictions) -> Predictions:
        """The answers with their columns in this order; one label of several becomes a score of its own,
        and the one score of a model of two labels tells the other's.

        Raises
        ------
        ModelError
            For a model with other labels.
        """
        names = self.names
        if found.labels == names and found.multilabel == self.multilabel:
            return found
        if set(found.labels) == set(names) and found.multilabel == self.multilabel:
            order = [found.labels.index(name) for name in names]
            return replace(found, labels=names, scores=found.scores[:, order])
        if self.multilabel and len(names) == 1:
            if len(found.labels) == 1:
                return replace(found, labels=names)
            if names[0] in found.labels:
                scores = found.ranking(names[0])[:, None]
                return replace(found, labels=names, multilabel=True, scores=scores)
        if not self.multilabel and len(names) == 2 and len(found.labels) == 1 and found.labels[0] in names:
            score = found.scores[:, 0]
            other = 1 - score if found.scale == "probabilities" else np.zeros_like(score)
            pair = (score, other) if found.labels[0] == names[0] else (other, score)
            return replace(found, labels=names, multilabel=False, scores=np.stack(pair, axis=1))
        raise ModelError(
            f"The labels of '{found.model}' are {_listed(found.labels, found.multilabel)}, those of the reference and "
            f"the data {_listed(names, self.multilabel)}. They must be the same, in any order."
        )


def _listed(labels: Sequence[str], multilabel: bool) -> str:
    return f"{', '.join(labels)}{' (several may hold)' if multilabel else ''}"


def _alike(one: str, other: str) -> bool:
    """Whether one name begins with the other."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return bool(short) and long.startswith(short)


def agreed(table: Table, labels: Sequence[str], multilabel: bool, positive: str | None) -> Labels:
    """The labels on which the data and the reference agree.

    A table with one label (a toxicity, say) goes with any reference that has a positive label: the one named, the only
    one whose name begins alike (toxic), the only one, or the second of two.

    Raises
    ------
    ModelError
        Where they do not.
    """
    mine = tuple(labels)
    if not table.labels or (set(table.labels) == set(mine) and table.multilabel == multilabel):
        return Labels(mine, multilabel)
    if len(table.labels) == 1:
        alike = [name for name in mine if _alike(name, table.labels[0])]
        wanted = positive if positive in mine else table.labels[0] if table.labels[0] in mine else None
        if wanted is None and len(alike) == 1:
            wanted = alike[0]
        if wanted is None and len(mine) < 3 and not (multilabel and len(mine) == 2):
            wanted = mine[-1]
        if wanted is not None:
            return Labels((wanted,), True)
    raise ModelError(
        f"The labels of the reference are {_listed(mine, multilabel)}, those of {table.source} "
        f"{_listed(table.labels, table.multilabel)}. They must be the same, in any order; "
        "of one label, name the reference's with --positive."
    )
