"""Whose texts does a switch send to its teacher, and what does that leave?"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from angelshare.audits.base import Answers, AuditData, Judgement, Request, Routes
from angelshare.audits.classifier.by_column import patterned
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.findings import Exhibit
from angelshare.metrics.deferral import errors, kept_costs, places
from angelshare.runs import rng
from angelshare.stats.intervals import normal_factor
from angelshare.stats.resample import Resampling, group_strata, tallies
from angelshare.types import Predictions

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8, 1.0)
"""Shares of the rows that might be deferred: the points of a curve."""

CHARACTERS = 2_048
"""Characters of a text that count: about as many as a teacher reads."""

ORACLE, RANDOM = "oracle", "random"


class Deferral:
    """Share deferred and error by identity, and the curve over thresholds; see docs/audits/deferral.md."""

    code = "deferral"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        return ""

    def ask(self, data: AuditData) -> list[Request]:
        return [Request("routes", data.table.ids, data.table.texts, kind="routes")]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        slices = Slices.of(data)
        positive = data.truth(data.positive) if data.labelled and data.positive is not None else np.zeros(slices.rows)
        resampling = data.resampling(group_strata(slices.groups, positive.astype(bool)))
        routed = [Routed.of(data, routes) for routes in answers.routes]
        found = [slices.figures(each, resampling) for each in routed]
        points, replicates = np.stack([point for point, _ in found]), np.stack([drawn for _, drawn in found], axis=1)
        table = Figured(slices.stats(routed[0]), points, replicates, resampling)
        curves = [
            row
            for member, each in zip(answers.members, routed, strict=True)
            if not member.seed
            for row in each.curves(member.model, slices, resampling, data.settings.level)
        ]
        exhibit = Exhibit(data.suite, self.code, "switch-curve", curves, each_is(routed[0]))
        return Judgement(judged(data, self.code, answers, table), [exhibit])


def each_is(routed: "Routed") -> str:
    """What a loss is, for the report."""
    if routed.truth is not None:
        return "accuracy lost against the teacher alone"
    return "decisions that are not the teacher's"


@dataclass(frozen=True, eq=False)
class Routed:
    """One switch on the rows: who goes to the teacher, and what keeping each row costs.

    Attributes
    ----------
    costs : (rows,) of the student's answer against the teacher's. lengths : (rows,) characters, as far as they count.
    """

    routes: Routes
    truth: Bool[np.ndarray, "rows labels"] | None
    hard: Bool[np.ndarray, " rows"]
    costs: Float64[np.ndarray, " rows"]
    lengths: Float64[np.ndarray, " rows"]
    errors: Float64[np.ndarray, " rows"] | None
    """Of the switch's own answers."""
    teacher_errors: Float64[np.ndarray, " rows"] | None

    @classmethod
    def of(cls, data: AuditData, routes: Routes) -> "Routed":
        student, teacher = (decided(data, found) for found in (routes.student, routes.teacher))
        truth = np.stack([data.truth(label) for label in data.labels], axis=1) if data.labelled else None
        hard = np.asarray(~(routes.hardness[routes.signal] <= routes.threshold))
        lengths = np.array([min(len(text), CHARACTERS) for text in data.table.texts], dtype=np.float64)
        own = after = None
        if truth is not None:
            after = errors(teacher, truth)
            own = np.where(hard, after, errors(student, truth))
        return cls(routes, truth, hard, kept_costs(student, teacher, truth), lengths, own, after)

    @cached_property
    def columns(self) -> Float64[np.ndarray, "rows columns"]:
        """One, deferred, what was kept costs, what all would cost; characters, those deferred; and the error."""
        one, hard = np.ones(len(self.hard)), self.hard.astype(np.float64)
        parts = [one, hard, self.costs * ~self.hard, self.costs, self.lengths, self.lengths * hard]
        return np.column_stack(parts if self.errors is None else [*parts, self.errors])

    def curves(self, model: str, slices: "Slices", resampling: Resampling, level: float) -> list[dict[str, Any]]:
        """A row a signal: the switch's own with all that a threshold decides, the others with what they win back."""
        own, order = self.routes.signal, [name for name in self.routes.hardness if name != self.routes.signal]
        rows = [self._curve(model, own, self.routes.hardness[own], resampling, level)]
        rows[0] |= {"own": True, "threshold": self.routes.threshold, "share": float(self.hard.mean())}
        for point, threshold in zip(rows[0]["points"], self._thresholds(self.routes.hardness[own]), strict=True):
            point |= self._at(threshold, slices)
        rows += [self._curve(model, name, self.routes.hardness[name], resampling, level) for name in order]
        rows.append(self._curve(model, ORACLE, self._ordered, resampling, level))
        whole = float(self.costs.mean())
        points = [{"share": share, "loss": whole * (1 - share), "recovered": share} for share in SHARES]
        return [*rows, {"model": model, "signal": RANDOM, "own": False, "points": points}]

    @cached_property
    def _ordered(self) -> Float64[np.ndarray, " rows"]:
        """The rows by what keeping them costs, the dearest highest; equals in an order that is drawn."""
        drawn = rng(0, "deferral", "ties").permutation(len(self.costs))
        order = np.empty(len(self.costs))
        order[np.lexsort((drawn, self.costs))] = np.arange(len(self.costs))
        return order

    def _thresholds(self, hardness: np.ndarray) -> list[float | None]:
        """Those that would defer the `SHARES`; None where all go or none."""
        known = np.sort(np.nan_to_num(hardness, nan=np.inf))
        at = [len(known) - round(share * len(known)) for share in SHARES]
        return [float(known[place - 1]) if place > 0 and np.isfinite(known[place - 1]) else None for place in at]

    def _at(self, threshold: float | None, slices: "Slices") -> dict[str, Any]:
        """What the switch would do at a threshold."""
        kept = np.zeros(len(self.hard), dtype=bool)
        if threshold is not None:
            kept = self.routes.hardness[self.routes.signal] <= threshold
        text = float((self.lengths * ~kept).sum() / max(self.lengths.sum(), 1))
        found: dict[str, Any] = {"threshold": threshold, "deferred": float((~kept).mean()), "text": text}
        if self.teacher_errors is not None:
            found["accuracy"] = 1 - float((self.teacher_errors + self.costs * kept).mean())
        named = slices.enough
        if named.any():
            losses = (self.costs * kept) @ slices.groups[:, named] / slices.groups[:, named].sum(axis=0)
            worst = int(np.argmax(losses))
            found |= {"worst": float(losses[worst]), "worst_group": np.array(slices.names)[named][worst]}
        spent = text + (self.routes.cost or 0)
        found["speed"] = 1 / spent if spent > 0 and self.routes.cost is not None else None
        return found

    def _curve(
        self, model: str, signal: str, hardness: np.ndarray, resampling: Resampling, level: float
    ) -> dict[str, Any]:
        """Loss and share won back at each of the `SHARES` at most, resampled with the thresholds as they are."""
        count = len(hardness)
        codes = np.searchsorted(np.round(np.array(SHARES) * count), places(hardness), side="left") - 1
        values = np.column_stack((np.ones(count), self.costs))
        sums = tallies(codes, len(SHARES), values, resampling)
        point = np.stack([np.bincount(codes, column, minlength=len(SHARES)) for column in values.T], axis=-1)
        losses, drawn_losses = _left(point), _left(sums)
        step = normal_factor(level)
        points = []
        for at, share in enumerate(SHARES):
            found: dict[str, Any] = {"share": share, "loss": float(losses[at])}
            found |= _ends("loss", losses[at], drawn_losses[:, at], step)
            if losses[0] > 0:
                with np.errstate(divide="ignore", invalid="ignore"):
                    won = 1 - drawn_losses[:, at] / drawn_losses[:, 0]
                found["recovered"] = float(1 - losses[at] / losses[0])
                found |= _ends("recovered", found["recovered"], won[drawn_losses[:, 0] > 0], step)
            points.append(found)
        return {"model": model, "signal": signal, "own": False, "points": points}


def _left(sums: Float64[np.ndarray, "*draws shares 2"]) -> Float64[np.ndarray, "*draws shares"]:
    """Mean cost that remains when the rows of the first bins, one more a share, are deferred."""
    costs = sums[..., 1]
    before = np.cumsum(costs, axis=-1) - costs
    return np.asarray((costs.sum(axis=-1, keepdims=True) - before) / sums[..., 0].sum(axis=-1, keepdims=True))


def _ends(name: str, value: float, drawn: np.ndarray, step: float) -> dict[str, float | None]:
    """Normal ends of the standard error of the replicates; none where too many replicates lost what it needs."""
    if len(drawn) < 50:
        return {f"{name}_low": None, f"{name}_high": None}
    error = float(np.std(drawn, ddof=1))
    return {f"{name}_low": float(value - step * error), f"{name}_high": float(value + step * error)}


def decided(data: AuditData, found: Predictions) -> np.ndarray:
    """Decisions at the audit's threshold where several labels may hold."""
    return found.probabilities >= data.settings.threshold if data.multilabel else np.asarray(found.decisions())


@dataclass(frozen=True, eq=False)
class Slices:
    """All rows, and every group beside its background."""

    names: tuple[str, ...]
    groups: Bool[np.ndarray, "rows groups"]
    background: Bool[np.ndarray, "rows groups"]
    least: int

    @classmethod
    def of(cls, data: AuditData) -> "Slices":
        found = data.identities
        others = ~found.groups if found.annotated is None else found.annotated & ~found.groups
        return cls(found.names, found.groups, others, data.settings.min_cell)

    @property
    def rows(self) -> int:
        return len(self.groups)

    @property
    def enough(self) -> Bool[np.ndarray, " groups"]:
        return np.asarray((self.groups.sum(axis=0) >= self.least) & (self.background.sum(axis=0) >= self.least))

    def stats(self, routed: Routed) -> list[Stat]:
        """In the order of `figures`."""
        found = [Stat(metric) for metric in ("deferred", "deferred_text", "teacher_loss", "recovered")]
        for at, name in enumerate(self.names):
            sizes = {"rows": int(self.groups[:, at].sum()), "background": int(self.background[:, at].sum())}
            note = "" if self.enough[at] else f"Fewer than {self.least} rows in the group or outside of it."
            metrics = ["deferred", "deferred_gap", "teacher_loss"]
            metrics += [] if routed.errors is None else ["error", "error_gap"]
            found += [Stat(metric, name, sizes, f"deferral/{metric}", note) for metric in metrics]
        return found

    def figures(self, routed: Routed, resampling: Resampling) -> tuple[np.ndarray, np.ndarray]:
        """(stats,) of the rows as they are, and (draws, stats)."""
        whole = np.ones((self.rows, 1), dtype=bool)
        codes, patterns = patterned(np.concatenate([whole, self.groups, self.background], axis=1))
        sums = tallies(codes, len(patterns), routed.columns, resampling)
        flat = np.stack([np.bincount(codes, column, minlength=len(patterns)) for column in routed.columns.T], axis=-1)
        kinds = patterns.astype(np.float64)
        return (
            self._figures(np.einsum("pk,pc->kc", kinds, flat)),
            self._figures(np.einsum("pk,dpc->dkc", kinds, sums)),
        )

    def _figures(self, sums: Float64[np.ndarray, "*draws slices columns"]) -> Float64[np.ndarray, "*draws stats"]:
        """From (1 + 2 groups) slices of `Routed.columns` to the stats."""
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums / sums[..., :1]
            text = sums[..., 0, 5] / sums[..., 0, 4]
            won = np.where(sums[..., 0, 3] > 0, 1 - sums[..., 0, 2] / sums[..., 0, 3], np.nan)
        out = [means[..., 0, 1], text, means[..., 0, 2], won]
        for at in range(len(self.names)):
            mine, others = means[..., 1 + at, :], means[..., 1 + len(self.names) + at, :]
            figures = [mine[..., 1], mine[..., 1] - others[..., 1], mine[..., 2]]
            if sums.shape[-1] > 6:
                figures += [mine[..., 6], mine[..., 6] - others[..., 6]]
            out += figures if self.enough[at] else [np.full_like(figure, np.nan) for figure in figures]
        return np.stack(out, axis=-1)
