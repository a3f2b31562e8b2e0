"""Which model to take: quality, size, speed and the worst group's loss, and who is beaten in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from angelshare.findings import Finding, Subject
from angelshare.report.charts import Scatter, cost_rows, quality, scatter
from angelshare.report.charts import axis as along
from angelshare.report.summary import Summary
from angelshare.report.views import primary, to_reference
from angelshare.report.words import is_whole

LEAST = 3
"""Models from which there is something to choose."""

GROUPS = {
    "identity-auc": ("subgroup_auc", "bpsn_auc", "bnsp_auc"),
    "by-column": ("accuracy",),
}
"""Figures of one group of rows, by audit."""


@dataclass(frozen=True)
class Choice:
    """What a model offers, and the names of those that are at least as good in everything and better in something.

    Attributes
    ----------
    size : bytes on disk. rate : texts a second, in batches.
    loss : the most that a group loses against the reference, as a fraction; None where no audit looked at groups.
    """

    model: str
    role: str
    quality: Finding
    size: float
    rate: float
    loss: float | None = None
    group: str = ""
    beaten_by: tuple[str, ...] = ()

    @property
    def merits(self) -> tuple[float, ...]:
        assert self.quality.value is not None
        return (self.quality.value.value, -self.size, self.rate, -(self.loss or 0.0))


def choices(summary: Summary) -> list[Choice]:
    """Every model whose quality, size and speed are known; none where there are fewer than `LEAST`."""
    if primary(summary) is None:
        return []
    found, costs = quality(summary), {row["model"]: row for row in cost_rows(summary)}
    listed = []
    for subject in summary.subjects:
        row = costs.get(subject.name, {})
        size, rate = row.get("size_bytes"), row.get("texts_per_second_batch")
        if subject.name in found and size and rate:
            loss, group = _worst(summary, subject)
            listed.append(Choice(subject.name, subject.role, found[subject.name], size, rate, loss, group))
    if len(listed) < LEAST:
        return []
    if any(each.loss is None for each in listed):
        listed = [replace(each, loss=None, group="") for each in listed]
    return [replace(each, beaten_by=_better(each, listed)) for each in listed]


def _worst(summary: Summary, subject: Subject) -> tuple[float | None, str]:
    """The largest drop of one group, and which; of the reference none."""
    drops = [
        (-finding.delta.value, finding.slice)
        for finding in to_reference(summary)
        if finding.model == subject.name
        and finding.delta is not None
        and finding.metric in GROUPS.get(finding.audit, ())
        and not is_whole(finding)
    ]
    if subject.role == "reference":
        return 0.0, ""
    return max(drops) if drops else (None, "")


def _better(each: Choice, others: Sequence[Choice]) -> tuple[str, ...]:
    return tuple(other.model for other in others if beats(other.merits, each.merits))


def beats(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere worse, and somewhere better."""
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def by_group(found: Sequence[Choice]) -> list[Scatter]:
    """Quality against the worst group's loss in points."""
    losses = {each.model: 100 * each.loss for each in found if each.loss is not None}
    if len(set(losses.values())) < 2:
        return []
    rows = [{"model": model, "loss": loss} for model, loss in losses.items()]
    roles, figures = {each.model: each.role for each in found}, {each.model: each.quality for each in found}
    cost = ("loss", "the worst group’s loss, points", "count")
    return [scatter(roles, figures, rows, cost, along(losses.values()))]
