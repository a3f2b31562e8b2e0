"""The rows whose words are shuffled: drawn once for all models, and of these each model's own, which it gets right."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

from angelshare.audits.base import WHOLE, AuditData
from angelshare.data.shuffles import Sentence, can_move, sentences, shuffled
from angelshare.runs import rng
from angelshare.types import Predictions

BLOCKS = (1, 2, 3)
"""Words that stay together while they are shuffled."""

SHUFFLES = 10
"""Of each row and length of blocks: the ten seeds of the paper."""

ROWS = 1_000
"""Rows drawn at most, shared alike by the labels (where several may hold: by each label's positives and negatives)."""

WORDS = 30_000
"""Words of all drawn rows at most: every model reads each thirty times, and long texts would take hours."""

CELLS = 3
"""Yet as many for each as this many times the smallest cell: of many labels, few rows would be left that are right."""

LEAST_WORDS = 4
LONGEST = 10_000
"""Characters of a text that is shuffled: models read no further, and thirty copies of a book are no test."""

SAMPLE, FEW = 1_000, 0.1
"""Where of the first SAMPLE texts fewer than FEW are a single sentence, all texts are taken, sentence by sentence: a
figure of so few would speak for nobody."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows in the order in which they were drawn.

    Attributes
    ----------
    rows : positions in the data's table.
    texts : each row's sentences.
    truth : (rows, problems) the class of each: of the labels, or whether each of several labels holds.
    classes : of each problem. slices : each problem's name.
    several : whether texts of several sentences are among them.
    """

    rows: Int[np.ndarray, " rows"]
    texts: Sequence[Sequence[Sentence]]
    truth: Int[np.ndarray, "rows problems"]
    classes: int
    slices: tuple[str, ...]
    several: bool
    seed: int

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def shuffles(self) -> list[list[list[str]]]:
        """Of each row and length of blocks, `SHUFFLES` texts, all out of one random stream."""
        draw = rng(self.seed, "word-order", "shuffles")
        return [[[shuffled(text, n, draw) for _ in range(SHUFFLES)] for n in BLOCKS] for text in self.texts]

    @property
    def note(self) -> str:
        return "Most texts have several sentences: words changed places within each." if self.several else ""

    def balanced(self, right: Bool[np.ndarray, "rows problems"], least: int) -> list[Int[np.ndarray, " chosen"]]:
        """Of each problem the first rows of each class that are right, as many as the rarest class has.

        None where that has fewer than `least`.
        """
        out = []
        for truth, mine in zip(self.truth.T, right.T, strict=True):
            found = [np.flatnonzero(mine & (truth == label)) for label in range(self.classes)]
            size = min(map(len, found))
            out.append(np.sort(np.concatenate([rows[: size if size >= least else 0] for rows in found])))
        return out


def draw_rows(data: AuditData) -> Drawn:
    """At most `ROWS` rows of more than three words, all of which can move, whatever any model makes of them.

    No row is begun once `WORDS` words are drawn.
    """
    settings, truth = data.settings, truths(data)
    classes = 2 if data.multilabel else len(data.labels)
    order = rng(settings.seed, "word-order", "rows").permutation(len(data.table))
    several = _mostly_several([data.table.texts[row] for row in order[:SAMPLE]])
    cells = classes * truth.shape[1]
    left = np.full((truth.shape[1], classes), max(ROWS // cells, CELLS * settings.min_cell))
    problems = np.arange(truth.shape[1])
    rows: list[int] = []
    texts: list[list[Sentence]] = []
    words = 0
    for row in order:
        if not left.any() or words >= WORDS:
            break
        mine = problems, truth[row]
        text = data.table.texts[row] if left[mine].any() else ""
        found = sentences(text) if 0 < len(text) <= LONGEST else []
        if _fits(found, several=several):
            left[mine] = np.maximum(left[mine] - 1, 0)
            rows.append(int(row))
            texts.append(found)
            words += sum(len(one.words) for one in found)
    at = np.array(rows, dtype=np.int64)
    slices = data.labels if truth.shape[1] > 1 else (WHOLE,)
    return Drawn(at, texts, truth[at], classes, slices, several, settings.seed)


def _fits(found: Sequence[Sentence], *, several: bool) -> bool:
    enough = sum(len(one.words) for one in found) >= LEAST_WORDS
    alone = several or sum(bool(one.words) for one in found) == 1
    return enough and alone and all(any(can_move(one, block) for one in found) for block in BLOCKS)


def _mostly_several(texts: Sequence[str]) -> bool:
    alone = [sum(bool(one.words) for one in sentences(text[:LONGEST])) == 1 for text in texts]
    return bool(np.mean(alone) < FEW) if alone else False


def truths(data: AuditData) -> Int[np.ndarray, "rows problems"]:
    if data.multilabel:
        return np.stack([data.truth(label) for label in data.labels], axis=1).astype(np.int64)
    return data.table.classes[:, None]


def decisions(data: AuditData, found: Predictions) -> Int[np.ndarray, "rows problems"]:
    """What was decided, in the codes of `truths`."""
    if data.multilabel:
        return np.asarray(found.probabilities >= data.settings.threshold).astype(np.int64)
    return np.argmax(found.log_probabilities, axis=1)[:, None]
