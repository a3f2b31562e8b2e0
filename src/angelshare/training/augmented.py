"""A distillation's texts augmented, and labelled by the teacher."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from angelshare.data.augmentation import AugmentOptions, augment
from angelshare.data.augmentation.methods import ready
from angelshare.data.tables import Columns, Table
from angelshare.training.label import LabelOptions, label
from angelshare.training.rows import Rows, joined
from angelshare.types import Classifier

__all__ = ["Augmentation", "augmented"]

NotIn = Sequence[tuple[Table | str | Path, Columns | None]]


@dataclass(frozen=True)
class Augmentation:
    """What is made of each text that a student learns from.

    Attributes
    ----------
    model : for masked and generate, a `Guesser` or a `LanguageModel`.
    """

    options: AugmentOptions
    model: object = None

    def facts(self) -> dict[str, Any]:
        return {**self.options.facts(), "model": getattr(self.model, "fingerprint", None)}

    def check(self) -> None:
        """Raise for a model that does not fit and for parts that are missing, before the teacher labels anything."""
        self.options.check(self.model)
        ready(self.options.method)


def augmented(rows: Rows, held: Rows, teacher: Classifier, wanted: Augmentation, not_in: NotIn, student: Path) -> Rows:
    """Copies of the rows with the teacher's logits and without golden labels; none equals a dev row's text.

    They are kept beside the student, as `NAME.augmented.parquet` and `NAME.augmented.transfer`.

    Raises
    ------
    DataError : no row gave a copy, or those files were made of other texts or options.
    """
    file = student.parent / f"{student.name}.augmented.parquet"
    guards = [(source, which or Columns()) for source, which in not_in]
    dev = Table("dev rows", "dev rows", _names(held), held.texts)
    mask = getattr(getattr(teacher, "tokenizer", None), "mask_token", None) or wanted.options.mask
    options = replace(wanted.options, mask=str(mask), originals=False, not_in=[(dev, None), *guards])
    augment(_said(rows), file, options=options, model=wanted.model)
    columns = Columns(id="id", weight="weight")
    transfer = label(teacher, file, file.with_suffix(".transfer"), columns=columns, options=LabelOptions(not_in=guards))
    return joined(transfer.read(), rows.labels, rows.multilabel, None)


def _said(rows: Rows) -> Table:
    """The rows with what people said of them, or else what the teacher decides: generated texts follow it."""
    assert rows.logits is not None  # the teacher labelled them
    if rows.multilabel:
        decided = (rows.logits >= 0).astype(np.float32)
    else:
        decided = np.eye(len(rows.labels), dtype=np.float32)[rows.logits.argmax(axis=1)]
    targets = np.where(rows.golden[:, None], rows.targets, decided)
    weights = rows.weights.astype(np.float64)
    return Table(
        "rows",
        "the rows",
        _names(rows),
        rows.texts,
        rows.labels,
        rows.multilabel,
        targets.astype(np.float32),
        weights=weights,
    )


def _names(rows: Rows) -> np.ndarray:
    """The rows' ids; their positions where two parts of the rows share some."""
    if len(set(rows.ids)) == len(rows):
        return rows.ids
    return np.array([str(at) for at in range(len(rows))], dtype=object)
