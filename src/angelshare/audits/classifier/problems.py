"""A table's labels as decision problems: one where one label holds, one a label where several may."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int

from angelshare.audits.base import WHOLE, AuditData
from angelshare.metrics import classification as metrics
from angelshare.metrics.ranking import auc_pr, auc_roc, ranking_replicates, rate_weights
from angelshare.stats.resample import Resampling, tallies
from angelshare.types import Predictions

FIGURES = ("accuracy", "macro_f1", "mcc", "auc_roc", "auc_pr", "log_loss", "calibration_error")


@dataclass(frozen=True, eq=False)
class Problem:
    """What was true and what each member said, for one decision between `classes`.

    Attributes
    ----------
    truth : index of the true class. decisions : of the class each member chose.
    losses : minus the log of the probability given to what was true, nats.
    confidence, hits : what calibration compares: P(positive) with being positive, or P(chosen) with being right.
    ranked : for each class that is ranked, who is positive and each member's score.
    macro : F1 over all classes; False: of the positive class alone, as multi-label figures have it.
    rate : share of positives to re-weight to; None counts every row once.
    """

    slice: str
    classes: int
    truth: Int[np.ndarray, " rows"]
    decisions: Int[np.ndarray, "rows members"]
    losses: Float64[np.ndarray, "rows members"]
    confidence: Float64[np.ndarray, "rows members"]
    hits: Bool[np.ndarray, "rows members"]
    ranked: Sequence[tuple[Bool[np.ndarray, " rows"], Float64[np.ndarray, "rows members"]]]
    macro: bool = True
    rate: float | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def members(self) -> int:
        return int(self.decisions.shape[1])

    def name(self, figure: str) -> str:
        """`macro_f1` is `f1` for one label of several; a stated class rate stands behind: `auc_pr@0.08`."""
        named = "f1" if figure == "macro_f1" and not self.macro else figure
        return named if self.rate is None else f"{named}@{self.rate:g}"

    def rows(self, member: int) -> tuple[np.ndarray, np.ndarray]:
        """The cell (truth, decision, bin) of each row, and its weight, loss, probability and hit, weighted."""
        cells = metrics.confusion_codes(self.decisions[:, member], self.truth, self.classes)
        codes = cells * metrics.BINS + metrics.calibration_bins(self.confidence[:, member])
        values = np.stack(
            (np.ones(len(codes)), self.losses[:, member], self.confidence[:, member], self.hits[:, member]), axis=1
        )
        if self.rate is not None:
            values *= rate_weights(self.ranked[0][0], self.rate)[:, None]
        return codes, values

    @property
    def cells(self) -> int:
        return self.classes**2 * metrics.BINS

    def point(self) -> Float64[np.ndarray, "members 7"]:
        """(members, 7) of the rows as they are, in the order of FIGURES; NaN where undefined."""
        found = []
        for member in range(self.members):
            codes, values = self.rows(member)
            sums = [np.bincount(codes, column, minlength=self.cells) for column in values.T]
            found.append(self._figures(np.stack(sums, axis=-1)))
        out = np.stack(found)
        weights = None if self.rate is None else rate_weights(self.ranked[0][0], self.rate)
        areas = [
            [(auc_roc(column, positive, weights), auc_pr(column, positive, weights)) for column in scores.T]
            for positive, scores in self._rankable()
        ]
        if areas:
            out[:, 3:5] = np.mean(areas, axis=0)
        return out

    def replicates(self, resampling: Resampling) -> Float64[np.ndarray, "draws members 7"]:
        """(draws, members, 7)"""
        found = []
        for member in range(self.members):
            codes, values = self.rows(member)
            found.append(self._figures(tallies(codes, self.cells, values, resampling)))
        out = np.stack(found, axis=1)
        areas = [
            np.stack(ranking_replicates(scores, positive, resampling, self.rate), axis=-1)
            for positive, scores in self._rankable()
        ]
        if areas:
            out[:, :, 3:5] = np.mean(areas, axis=0)
        return out

    def _rankable(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Classes that have rows in and out of them; the others are left out of the mean, and counted."""
        return [(positive, scores) for positive, scores in self.ranked if 0 < positive.sum() < len(positive)]

    def _figures(self, sums: Float64[np.ndarray, "*draws cells 4"]) -> Float64[np.ndarray, "*draws 7"]:
        table = sums.reshape(*sums.shape[:-2], self.classes, self.classes, metrics.BINS, 4)
        confusion = table[..., 0].sum(axis=-1)
        out = np.full((*confusion.shape[:-2], len(FIGURES)), np.nan)
        total = confusion.sum(axis=(-2, -1))
        out[..., 0] = metrics.accuracy_of(confusion)
        out[..., 1] = metrics.macro_f1_of(confusion) if self.macro else f1_of(confusion)
        several = (confusion.sum(axis=-1) > 0).sum(axis=-1) > 1
        out[..., 2] = np.where(several, metrics.mcc_of(confusion), np.nan)
        out[..., 5] = table[..., 1].sum(axis=(-3, -2, -1)) / total
        out[..., 6] = metrics.calibration_error_of(table[..., [0, 2, 3]].sum(axis=(-4, -3)))
        return out


def f1_of(confusion: Float64[np.ndarray, "*any classes classes"]) -> Float64[np.ndarray, "*any"]:
    """F1 of the last class; NaN where it is neither true nor chosen."""
    both = confusion[..., -1, :].sum(axis=-1) + confusion[..., :, -1].sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * confusion[..., -1, -1] / both)


def problems(data: AuditData, members: Sequence[Predictions]) -> Iterator[Problem]:
    """Every decision problem of the table, in the order of its labels."""
    if not data.multilabel:
        yield single(data, members)
        return
    for at, label in enumerate(data.labels):
        truth = data.truth(label)
        probabilities = np.stack([member.probabilities[:, at] for member in members], axis=1)
        logits = np.stack([member.logits[:, at] for member in members], axis=1)
        yield Problem(
            slice=WHOLE if len(data.labels) == 1 else label,
            classes=2,
            truth=truth.astype(np.int64),
            decisions=(probabilities >= data.settings.threshold).astype(np.int64),
            losses=np.logaddexp(0, np.where(truth[:, None], -logits, logits)),
            confidence=probabilities,
            hits=np.broadcast_to(truth[:, None], probabilities.shape),
            ranked=[(truth, np.stack([member.ranking(label) for member in members], axis=1))],
            macro=len(data.labels) == 1,
            counts={"positives": int(truth.sum()), "negatives": int((~truth).sum())},
        )


def single(data: AuditData, members: Sequence[Predictions]) -> Problem:
    truth = data.table.classes
    rows = np.arange(len(truth))
    logs = np.stack([member.log_probabilities for member in members], axis=1)
    decisions = np.argmax(logs, axis=2)
    counts = {label: int((truth == at).sum()) for at, label in enumerate(data.labels)}
    ranked = data.labels
    if data.positive is not None:
        ranked, there = (data.positive,), int(data.truth(data.positive).sum())
        counts = {"positives": there, "negatives": len(truth) - there}
    return Problem(
        slice=WHOLE,
        classes=len(data.labels),
        truth=truth,
        decisions=decisions,
        losses=-logs[rows, :, truth],
        confidence=np.clip(np.exp(logs.max(axis=2)), 0, 1),
        hits=decisions == truth[:, None],
        ranked=[(data.truth(label), np.stack([m.ranking(label) for m in members], axis=1)) for label in ranked],
        counts=counts,
    )
