"""From arrays of figures to findings: names, directions, margins and families, in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64

from angelshare.audits.base import WHOLE, Answers, AuditData, Member
from angelshare.findings import Finding, Metric, Outcome
from angelshare.stats.compare import compare
from angelshare.stats.resample import Resampling

INFINITE = float("inf")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("mcc", low=-1.0),
        Metric("log_loss", "lower", high=INFINITE),
        Metric("calibration_error", "lower"),
        Metric("kl", "lower", high=INFINITE),
        Metric("rank_correlation", low=-1.0),
        Metric("flips_up", "lower"),
        Metric("flips_down", "lower"),
        Metric("false_positive_rate", "lower"),
        Metric("aeg_neg", "target", target=0.0, low=-0.5, high=0.5),
        Metric("aeg_pos", "target", target=0.0, low=-0.5, high=0.5),
        Metric("score_sens", "target", target=0.0, low=-1.0),
        Metric("score_dev", "lower"),
        Metric("score_range", "lower"),
        Metric("flips", "lower"),
        Metric("deferred", "lower"),
        Metric("deferred_text", "lower"),
        Metric("deferred_gap", "target", target=0.0, low=-1.0),
        Metric("error", "lower"),
        Metric("error_gap", "target", target=0.0, low=-1.0),
        Metric("teacher_loss", "lower", low=-1.0),
        Metric("recovered", low=-INFINITE, high=INFINITE),
        *(Metric(name, low=-1.0) for name in ("pearson", "spearman", "task_score", "glue_average")),
        *(Metric(name, "neutral", high=2.0) for name in ("wos", "wos_2", "wos_3")),
        Metric("wos_change", "neutral", low=-2.0, high=2.0),
        *(Metric(name, "target", target=0.0, low=-2.0, high=2.0) for name in ("effect_size", "mean_effect")),
        Metric("mean_effect_size", "lower", high=2.0),
        Metric("pseudo_perplexity", "lower", low=1.0, high=INFINITE),
        *(
            Metric(name, "lower", high=INFINITE)
            for name in ("swap_divergence", "swap_divergence_others", "swap_divergence_words")
        ),
    )
}
"""The figures that are not "higher is better, from 0 to 1"."""


@dataclass(frozen=True)
class Stat:
    """One column of the figures: a metric on a slice.

    Stats of one `family` share simultaneous intervals; without a name a stat is a family of its own.
    """

    metric: str
    slice: str = WHOLE
    counts: Mapping[str, int] = field(default_factory=dict)
    family: str = ""
    note: str = ""
    rows: int | None = None
    """Rows behind it; all that are resampled where None."""

    @property
    def described(self) -> Metric:
        name = self.metric.partition("@")[0]
        return replace(METRICS.get(name, Metric(name)), name=self.metric)


@dataclass(frozen=True, eq=False)
class Figured:
    """The figures of an audit: a column a stat, and how they vary.

    Attributes
    ----------
    variance : the members' covariances where an analytic form exists (DeLong), NaN elsewhere.
    """

    stats: Sequence[Stat]
    point: Float64[np.ndarray, "members stats"]
    replicates: Float64[np.ndarray, "draws members stats"]
    resampling: Resampling
    variance: Float64[np.ndarray, "members members stats"] | None = None


def judged(data: AuditData, audit: str, answers: Answers, table: Figured) -> list[Finding]:
    """A finding for each model and stat, with its paired difference to the reference under the budget's margin."""
    budget = data.settings.budget
    margins = [budget.margin(audit, stat.metric) for stat in table.stats]
    found = _compared(data, audit, answers, table, range(len(answers.members)), answers.reference, margins)
    return _all_noted(found, table)


def shown(data: AuditData, audit: str, members: Sequence[Member], table: Figured) -> list[Finding]:
    """Figures of these members with their intervals, compared with nobody: neither more nor less of them is better."""
    everyone = range(len(members))
    found = _compared(data, audit, Answers(members), table, everyone, None, [None] * len(table.stats))
    return _all_noted(found, table)


def steps(data: AuditData, audit: str, answers: Answers, table: Figured) -> list[Finding]:
    """From gold to hard, and from hard to the student: paired differences over all rows, shown and never judged."""
    whole = [at for at, stat in enumerate(table.stats) if stat.slice == WHOLE]
    table = Figured(
        [table.stats[at] for at in whole],
        table.point[:, whole],
        table.replicates[:, :, whole],
        table.resampling,
        None if table.variance is None else table.variance[:, :, whole],
    )
    found = []
    for model, base in _pairs(answers):
        members = [at for name in (base, model) for at, each in enumerate(answers.names) if each == name]
        compared = _compared(data, audit, answers, table, members, base, [None] * len(whole))
        found += [finding for finding in compared if finding.model == model]
    return found


def _pairs(answers: Answers) -> list[tuple[str, str]]:
    names = set(answers.names)
    students = dict.fromkeys(member.model for member in answers.members if member.role == "student")
    pairs = [pair for name in students for pair in ((f"{name}:hard", f"{name}:gold"), (name, f"{name}:hard"))]
    return [pair for pair in pairs if names.issuperset(pair)]


def _compared(
    data: AuditData,
    audit: str,
    answers: Answers,
    table: Figured,
    members: Sequence[int],
    reference: str | None,
    margins: Sequence[float | None],
) -> list[Finding]:
    at = list(members)
    return compare(
        suite=data.suite,
        audit=audit,
        point=table.point[at],
        replicates=table.replicates[:, at],
        members=[answers.names[member] for member in at],
        reference=reference,
        metrics=[stat.described for stat in table.stats],
        slices=[stat.slice for stat in table.stats],
        counts=[stat.counts for stat in table.stats],
        margins=margins,
        families=[stat.family or f"{stat.metric}/{stat.slice}" for stat in table.stats],
        n=[len(table.resampling) if stat.rows is None else stat.rows for stat in table.stats],
        unit=table.resampling.unit,
        level=data.settings.level,
        variance=None if table.variance is None else table.variance[np.ix_(at, at)],
    )


def _all_noted(found: Sequence[Finding], table: Figured) -> list[Finding]:
    notes = {(stat.metric, stat.slice): stat.note for stat in table.stats}
    return [_noted(finding, notes[finding.metric, finding.slice]) for finding in found]


def _noted(finding: Finding, note: str) -> Finding:
    """Our reason for a missing figure is the nearer one; elsewhere what the comparison says of itself comes first."""
    if not note or (finding.note and finding.outcome is not Outcome.NOT_ENOUGH_DATA):
        return finding
    return replace(finding, note=note)
