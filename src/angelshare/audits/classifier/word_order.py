"""How much of what a model gets right hangs on the order of the words?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int

from angelshare.audits.base import (
    NO_LABELS,
    ROWS,
    WHOLE,
    Answers,
    AuditData,
    Judgement,
    Member,
    Request,
    ask_rows,
    no_figure,
)
from angelshare.audits.classifier.drawn import BLOCKS, SHUFFLES, Drawn, decisions, draw_rows
from angelshare.audits.classifier.material import material
from angelshare.audits.judging import Figured, Stat, shown
from angelshare.findings import Exhibit, Finding, Outcome
from angelshare.metrics.word_order import word_order_sensitivity
from angelshare.types import Predictions

FIGURES = ("wos", "wos_2", "wos_3")
"""One a length of blocks."""

BLOG = "wos_by_50"
"""(100 - p) / 50 however many labels there are."""

CHANGE = "wos_change"
"""The figure less the reference's, on the rows that both get right."""


class WordOrder:
    """Word-order sensitivity of each model on what it gets right; see docs/audits/word-order.md."""

    code = "word-order"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        if not data.labelled:
            return NO_LABELS
        return "" if data.multilabel or len(data.labels) > 1 else "There is one label only, which is always right."

    def ask(self, data: AuditData) -> list[Request]:
        return ask_rows(data)

    def follow(self, data: AuditData, first: Answers | None) -> list[list[Request]]:
        """The shuffled texts of the rows that a member got right; controls are not asked."""
        drawn = draw_rows(data)
        if first is None:
            return [_requests(data, drawn, np.arange(len(drawn)))]
        found = zip(first.members, first.predictions[ROWS], strict=True)
        return [
            [] if member.role == "control" else _requests(data, drawn, Right.of(data, drawn, answer).asked)
            for member, answer in found
        ]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        drawn = draw_rows(data)
        said = [Said.of(data, drawn, answers, at) for at in range(len(answers.members))]
        findings: list[Finding] = []
        rows = []
        for model in dict.fromkeys(answers.names):
            who = [at for at, name in enumerate(answers.names) if name == model]
            members, mine = [answers.members[at] for at in who], [said[at] for at in who]
            own = _own(data, drawn, members, mine)
            findings += own
            rows += _broken(drawn, own)
            if answers.reference not in (None, model):
                findings += _change(data, drawn, members, mine, said[answers.names.index(str(answers.reference))])
        made = Exhibit(data.suite, self.code, "material", [material(data)])
        return Judgement(findings, [Exhibit(data.suite, self.code, "order", rows), made])


def key_of(data: AuditData, block: int) -> str:
    return f"word-order/{data.suite}/{block}"


def _requests(data: AuditData, drawn: Drawn, asked: Int[np.ndarray, " asked"]) -> list[Request]:
    """One a length of blocks: what was scored before a run is killed is kept."""
    ids, out = data.table.ids, []
    for at, block in enumerate(BLOCKS):
        texts = [text for row in asked for text in drawn.shuffles[row][at]]
        names = [f"{ids[drawn.rows[row]]}/{block}-gram/{n}" for row in asked for n in range(SHUFFLES)]
        out.append(Request(key_of(data, block), np.array(names, dtype=object), texts))
    return out


@dataclass(frozen=True, eq=False)
class Right:
    """What a member got right of the rows drawn, and of each problem the balanced part of it."""

    right: Bool[np.ndarray, "rows problems"]
    own: Sequence[Int[np.ndarray, " chosen"]]

    @classmethod
    def of(cls, data: AuditData, drawn: Drawn, first: Predictions) -> "Right":
        right = decisions(data, first.take(drawn.rows)) == drawn.truth
        return cls(right, drawn.balanced(right, data.settings.min_cell))

    @property
    def asked(self) -> Int[np.ndarray, " asked"]:
        return np.unique(np.concatenate(self.own))


@dataclass(frozen=True, eq=False)
class Said:
    """What a member said of the shuffled texts; `kept` is the share of a row's shuffles that are still right."""

    rows: Right
    kept: Float64[np.ndarray, "rows problems blocks"]

    @classmethod
    def of(cls, data: AuditData, drawn: Drawn, answers: Answers, member: int) -> "Said":
        rows = Right.of(data, drawn, answers.predictions[ROWS][member])
        asked = rows.asked
        kept = np.full((*drawn.truth.shape, len(BLOCKS)), np.nan)
        for at, block in enumerate(BLOCKS):
            found = decisions(data, answers.predictions[key_of(data, block)][member])
            same = found.reshape(len(asked), SHUFFLES, len(drawn.slices)) == drawn.truth[asked, None]
            kept[asked, :, at] = same.mean(axis=1)
        return cls(rows, kept)


def _own(data: AuditData, drawn: Drawn, members: Sequence[Member], said: Sequence[Said]) -> list[Finding]:
    """A model's figures, of each seed on the rows that it got right itself."""
    parts = [Part(each.rows.own, each.kept) for each in said]
    found = _findings(data, drawn, members, parts, FIGURES)
    blog = 2 * (1 - 1 / drawn.classes)
    extra = [_scaled(each, BLOG, blog) for each in found if drawn.classes != 2 and each.metric == FIGURES[0]]
    return found + extra


def _change(
    data: AuditData, drawn: Drawn, members: Sequence[Member], said: Sequence[Said], base: Said
) -> list[Finding]:
    """How a model's figure differs from the reference's, on rows that are right for both and were shuffled for both."""
    parts = []
    for each in said:
        shuffled = np.zeros(len(drawn), dtype=bool)
        shuffled[np.intersect1d(each.rows.asked, base.rows.asked)] = True
        both = each.rows.right & base.rows.right & shuffled[:, None]
        parts.append(Part(drawn.balanced(both, data.settings.min_cell), each.kept[..., :1], base.kept[..., :1]))
    found = _findings(data, drawn, members, parts, (CHANGE,))
    return [finding for finding in found if finding.slice == WHOLE]


@dataclass(frozen=True, eq=False)
class Part:
    """Of each problem the rows that count, and what a member kept of them; less what another kept, if there is one."""

    rows: Sequence[Int[np.ndarray, " chosen"]]
    kept: Float64[np.ndarray, "rows problems figures"]
    other: Float64[np.ndarray, "rows problems figures"] | None = None

    def figures(self, drawn: Drawn, every: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """([draws,] problems, figures); `weights` are of the rows `every`, which hold all that count."""
        out = []
        for problem, rows in enumerate(self.rows):
            mine = None if weights is None else weights[:, np.searchsorted(every, rows)]
            truth = drawn.truth[rows, problem]
            figure = word_order_sensitivity(self.kept[rows, problem], truth, drawn.classes, mine)
            if self.other is not None:
                figure = figure - word_order_sensitivity(self.other[rows, problem], truth, drawn.classes, mine)
            out.append(figure)
        return np.stack(out, axis=-2)


def _findings(
    data: AuditData, drawn: Drawn, members: Sequence[Member], parts: Sequence[Part], metrics: Sequence[str]
) -> list[Finding]:
    """Findings of one model's members; of several labels that may hold, their plain mean comes first."""
    every = np.unique(np.concatenate([rows for part in parts for rows in part.rows]))
    sizes = [min(len(part.rows[at]) for part in parts) // drawn.classes for at in range(len(drawn.slices))]
    both = " for both models" if CHANGE in metrics else ""
    short = f"Fewer than {data.settings.min_cell} rows of a label can be shuffled and are right{both}."
    if not any(sizes):
        name, why = members[0].model, Outcome.NOT_ENOUGH_DATA
        found = [no_figure(data, WordOrder.code, name, why, short, metric=metric) for metric in metrics]
        return [replace(finding, better="neutral") for finding in found]
    table = data.table.take(drawn.rows[every])
    several = len(drawn.slices) > 1
    strata = np.zeros(len(every), dtype=np.int64) if several else drawn.truth[every, 0]
    resampling = replace(data, table=table).resampling(strata)
    weights = resampling.weights()
    point = np.stack([part.figures(drawn, every) for part in parts])
    replicates = np.stack([part.figures(drawn, every, weights) for part in parts], axis=1)
    stats = [
        Stat(metric, name, _counts(size, several=several), note=drawn.note if size else short)
        for name, size in zip(drawn.slices, sizes, strict=True)
        for metric in metrics
    ]
    if several:
        known = np.array(sizes) > 0
        point, replicates = (np.concatenate((_mean(each, known), each), axis=-2) for each in (point, replicates))
        used = f"Mean over {known.sum()} of {len(known)} labels. {drawn.note}".strip()
        stats = [Stat(metric, WHOLE, {"labels": int(known.sum())}, note=used) for metric in metrics] + stats
    flat = Figured(stats, point.reshape(len(parts), -1), replicates.reshape(len(weights), len(parts), -1), resampling)
    return shown(data, WordOrder.code, members, flat)


def _counts(size: int, *, several: bool) -> dict[str, int]:
    return {"positives": size, "negatives": size} if several else {"of_each_label": size}


def _mean(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.asarray(values[..., known, :].mean(axis=-2, keepdims=True))


def _scaled(finding: Finding, metric: str, factor: float) -> Finding:
    """The same figure in another unit."""
    value = finding.value
    if value is not None:
        ends = [None if end is None else end * factor for end in (value.low, value.high)]
        value = replace(value, value=value.value * factor, low=ends[0], high=ends[1])
    return replace(finding, metric=metric, value=value, seeds=tuple(seed * factor for seed in finding.seeds))


def _broken(drawn: Drawn, found: Sequence[Finding]) -> list[dict[str, object]]:
    """For the report: which share of what a model gets right its shuffles break, by the length of blocks."""
    values = {finding.metric: finding.value for finding in found if finding.slice == WHOLE}
    known = [values[name] for name in FIGURES]
    shares = [(1 - 1 / drawn.classes) * value.value for value in known if value is not None]
    if len(shares) < len(FIGURES):
        return []
    return [
        {"model": found[0].model, "broken": shares, "rows": known[0].n if known[0] else 0, "several": drawn.several}
    ]
