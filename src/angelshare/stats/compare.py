"""Figures of several models on the same rows, turned into findings: the one road from numbers to outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from angelshare.findings import Estimate, Finding, Metric, Outcome
from angelshare.stats import intervals
from angelshare.stats.multiplicity import benjamini_hochberg, bonferroni, holm, max_t
from angelshare.stats.outcome import outcome

KEPT = 0.5
"""Share of the replicates that must be usable for an interval."""

Point: TypeAlias = Float[np.ndarray, "members stats"]
Replicates: TypeAlias = Float[np.ndarray, "draws members stats"]
Covariances: TypeAlias = Float[np.ndarray, "members members stats"]


def compare(
    *,
    suite: str,
    audit: str,
    point: Point,
    replicates: Replicates | None,
    members: Sequence[str],
    reference: str | None,
    metrics: Sequence[Metric],
    slices: Sequence[str],
    counts: Sequence[Mapping[str, int]],
    margins: Sequence[float | None],
    families: Sequence[str],
    n: int | Sequence[int],
    unit: str,
    level: float = 0.95,
    variance: Covariances | None = None,
    identical: Sequence[str] | None = None,
) -> list[Finding]:
    """Every figure with its interval, and its paired difference to the reference with an outcome.

    Differences are oriented so that positive is better; a target metric is judged by its distance from the target.
    Members of one name are seeds of one model: figures, distances and replicates are averaged over them, so intervals
    are conditional on the seeds, and a loss or gain whose sign is not the same in all seeds is inconclusive.

    Parameters
    ----------
    point : (members, stats) the figures; NaN where data is short.
    replicates : (draws, members, stats) on the same multiplicities for all members; a NaN is a discarded replicate.
    members : the model's name of each member.
    reference : the name that differences are taken to; None: figures only.
    metrics, slices, counts, margins, families : one a stat. Stats of one family share simultaneous intervals (max-t
        over the same replicates), which then decide the outcome, within each model. No margin: not judged.
    n : rows behind the figures, for all stats or for each.
    unit : what was resampled, "row" or "cluster".
    variance : (members, members, stats) covariances where an analytic form exists (DeLong): it replaces the
        replicates' standard errors.
    identical : models known to answer exactly as the reference does. None: those whose every figure and replicate
        here equals the reference's. Only they may have a difference without any width.

    Returns
    -------
    findings : models in the order of `members`, stats within each.
    """
    table = _Table(
        np.asarray(point, dtype=np.float64), replicates, variance, tuple(members), tuple(metrics), level, unit
    )
    sizes = [n] * len(metrics) if isinstance(n, int | np.integer) else list(n)
    cells = [_smallest(count, size) for count, size in zip(counts, sizes, strict=True)]
    found: list[Finding] = []
    for model in dict.fromkeys(members):
        figures = [
            Finding(
                suite=suite,
                audit=audit,
                model=model,
                metric=metric.name,
                slice=slices[s],
                better=metric.better,
                value=table.value(model, s, sizes[s], cells[s]),
                outcome=Outcome.NOT_JUDGED,
                reference=reference,
                margin=margins[s],
                target=metric.target,
                counts={**counts[s], **table.discarded(model, reference, s)},
                seeds=table.seeds(model, s),
                approximate=cells[s] < intervals.MEASURED_FROM,
            )
            for s, metric in enumerate(metrics)
        ]
        figures = [_missing(f, "The figure does not exist on these rows.") if f.value is None else f for f in figures]
        if reference is not None and model != reference and reference in members:
            same = model in identical if identical is not None else table.equal(model, reference)
            figures = _judge(table, figures, _Contrast(table, model, reference, cells, same), families)
        found += figures
    return found


def _missing(finding: Finding, note: str) -> Finding:
    return replace(finding, outcome=Outcome.NOT_ENOUGH_DATA, note=note)


def _smallest(counts: Mapping[str, int], n: int) -> int:
    """The size that an interval's coverage hangs on: the smallest class or set, or the number of clusters."""
    whole = ("clusters", "smallest_set")
    cells = [v for k, v in counts.items() if k.endswith(("positives", "negatives")) or k in whole]
    return int(min(cells, default=n))


@dataclass(frozen=True, eq=False)
class _Table:
    """The figures of all members, and what is known of their spread."""

    point: Point
    replicates: Replicates | None
    variance: Covariances | None
    members: tuple[str, ...]
    metrics: tuple[Metric, ...]
    level: float
    unit: str

    def rows(self, model: str) -> list[int]:
        return [i for i, name in enumerate(self.members) if name == model]

    def seeds(self, model: str, s: int) -> tuple[float, ...]:
        rows = self.rows(model)
        values = tuple(float(v) for v in self.point[rows, s] if np.isfinite(v))
        return values if len(rows) > 1 else ()

    def merit(self, values: np.ndarray, s: int) -> np.ndarray:
        """The figure oriented so that more is better."""
        metric = self.metrics[s]
        if metric.better == "target":
            return -np.abs(values - (metric.target or 0.0))
        return values if metric.better == "higher" else -values

    def slope(self, values: np.ndarray, s: int) -> np.ndarray:
        """Derivative of `merit`."""
        metric = self.metrics[s]
        if metric.better == "target":
            return -np.sign(values - (metric.target or 0.0))
        return np.full(values.shape, 1.0 if metric.better == "higher" else -1.0)

    def usable(self, rows: Sequence[int], s: int) -> np.ndarray | None:
        """Replicates (draws,) in which none of the members lost what the stat needs."""
        if self.replicates is None:
            return None
        return np.asarray(np.isfinite(self.replicates[:, rows, s]).all(axis=1))

    def discarded(self, model: str, reference: str | None, s: int) -> dict[str, int]:
        rows = self.rows(model) + (self.rows(reference) if reference else [])
        usable = self.usable(rows, s)
        return {} if usable is None else {"discarded": int((~usable).sum())}

    def spread(self, weights: dict[int, float], values: np.ndarray | None, s: int) -> tuple[float, str]:
        """Standard error of a weighted sum of members, or of its replicates `values`, and where it comes from."""
        rows = list(weights)
        if self.variance is not None:
            block = self.variance[np.ix_(rows, rows, [s])][:, :, 0]
            if np.isfinite(block).all():
                w = np.array(list(weights.values()))
                return float(np.sqrt(max(0.0, w @ block @ w))), "delong"
        if values is None:
            return float("nan"), "none"
        kept = values[np.isfinite(values)]
        if len(kept) < max(2, KEPT * len(values)):
            return float("nan"), "none"
        return float(np.std(kept, ddof=1)) if np.ptp(kept) > 0 else 0.0, "bootstrap"

    def unseen(self, s: int, cell: int) -> float:
        """A standard error where no replicate moved: as wide as the rule of three leaves room for."""
        metric = self.metrics[s]
        width = metric.high - metric.low if np.isfinite(metric.high - metric.low) else 1.0
        return width * intervals.rule_of_three(cell, self.level) / intervals.normal_factor(self.level)

    def value(self, model: str, s: int, n: int, cell: int) -> Estimate | None:
        rows = self.rows(model)
        value = float(self.point[rows, s].mean())
        if not np.isfinite(value):
            return None
        drawn = None if self.replicates is None else self.replicates[:, rows, s].mean(axis=1)
        error, source = self.spread(dict.fromkeys(rows, 1 / len(rows)), drawn, s)
        metric = self.metrics[s]
        if error < 1e-12 and metric.low < value < metric.high:
            error, source = self.unseen(s, cell), "rule_of_three"
        low, high = intervals.bounded(value, error, cell, metric.low, metric.high, self.level)
        if not np.isfinite(low):
            return Estimate(value, None, None, n, "none", self.level, self.unit)
        method = source if source == "rule_of_three" else f"{source}_{intervals.VALUE_METHOD}"
        return Estimate(value, low, high, n, method, self.level, self.unit)

    def equal(self, model: str, reference: str) -> bool:
        """Whether every seed of the model gives the reference's figures, in every replicate."""
        first = self.rows(reference)[0]
        rows = self.rows(model) + self.rows(reference)
        same = np.array_equal(self.point[rows], self.point[[first] * len(rows)], equal_nan=True)
        if self.replicates is None or not same:
            return same and self.replicates is not None
        return all(np.array_equal(self.replicates[:, i], self.replicates[:, first], equal_nan=True) for i in rows)


class _Contrast:
    """Paired differences of one model to the reference: (stats,) deltas, their errors and their replicates."""

    def __init__(self, table: _Table, model: str, reference: str, cells: Sequence[int], same: bool) -> None:
        self.rows, self.base = table.rows(model), table.rows(reference)
        stats = range(len(table.metrics))
        merits = np.stack([table.merit(table.point[:, s], s) for s in stats], axis=1)
        base = merits[self.base].mean(axis=0)
        self.by_seed = merits[self.rows] - base
        self.delta = self.by_seed.mean(axis=0)
        self.replicates: np.ndarray | None = None
        if table.replicates is not None:
            drawn = np.stack([table.merit(table.replicates[:, :, s], s) for s in stats], axis=2)
            self.replicates = drawn[:, self.rows].mean(axis=1) - drawn[:, self.base].mean(axis=1)
        self.errors = np.empty(len(stats))
        self.sources: list[str] = []
        for s in stats:
            drawn_s = None if self.replicates is None else self.replicates[:, s]
            error, source = table.spread(self._weights(table, s), drawn_s, s)
            if error < 1e-12:
                # No replicate moved it. Unless the answers are the same, that is luck: widen by the rule of three.
                error, source = (0.0, source) if same else (table.unseen(s, cells[s]), "rule_of_three")
            self.errors[s] = error
            self.sources.append(source)
        self.delta[np.isfinite(self.delta) & same] = 0.0

    def _weights(self, table: _Table, s: int) -> dict[int, float]:
        slope = table.slope(table.point[:, s], s)
        ours = {i: slope[i] / len(self.rows) for i in self.rows}
        return ours | {i: -slope[i] / len(self.base) for i in self.base}

    def signs_differ(self, s: int) -> bool:
        signs = np.sign(self.by_seed[:, s])
        return bool((signs > 0).any() and (signs < 0).any())


def _judge(table: _Table, figures: list[Finding], contrast: _Contrast, families: Sequence[str]) -> list[Finding]:
    judged = list(figures)
    for family in dict.fromkeys(families):
        at = np.array([s for s, name in enumerate(families) if name == family and np.isfinite(contrast.delta[s])])
        if not len(at):
            continue
        delta, errors = contrast.delta[at], contrast.errors[at]
        p = intervals.p_values(delta, errors)
        p_holm, p_bh = holm(p), benjamini_hochberg(p)
        wide = _family_factor(contrast, at, table.level)
        for i, s in enumerate(at):
            finding = _with_delta(table, figures[s], contrast, int(s), len(at), wide)
            known = np.isfinite(p[i])
            judged[s] = replace(
                finding,
                p=float(p[i]) if known else None,
                p_holm=float(p_holm[i]) if known else None,
                p_bh=float(p_bh[i]) if known else None,
            )
    for s, finding in enumerate(judged):
        if finding.value is not None and finding.delta is None:
            judged[s] = _missing(finding, "The reference has no figure on these rows.")
    return judged


def _family_factor(contrast: _Contrast, at: np.ndarray, level: float) -> float:
    if len(at) < 2:
        return intervals.normal_factor(level)
    if contrast.replicates is None:
        return bonferroni(len(at), level)
    return max_t(contrast.replicates[:, at], contrast.delta[at], contrast.errors[at], level)


def _with_delta(
    table: _Table, finding: Finding, contrast: _Contrast, s: int, size: int, family_factor: float
) -> Finding:
    delta, error = float(contrast.delta[s]), float(contrast.errors[s])
    assert finding.value is not None
    if not np.isfinite(error):
        estimate = Estimate(delta, None, None, finding.value.n, "none", table.level, table.unit)
        if table.replicates is None and table.variance is None:
            return replace(finding, delta=estimate, family_size=size, note="Nothing was resampled: no interval.")
        return _missing(replace(finding, delta=estimate), "Too many resamples lost a class for an interval.")
    plain = intervals.normal_factor(table.level) * error
    wide = family_factor * error
    source = contrast.sources[s]
    method = source if source == "rule_of_three" else f"{source}_{intervals.DELTA_METHOD}"
    disagree = contrast.signs_differ(s)
    verdict = outcome(delta - wide, delta + wide, finding.margin, seeds_disagree=disagree)
    note = "No resample moved the difference: its interval is the rule of three." if source == "rule_of_three" else ""
    if disagree:
        note = "The seeds disagree in sign, so neither a loss nor a gain is one of the method."
    return replace(
        finding,
        delta=Estimate(delta, delta - plain, delta + plain, finding.value.n, method, table.level, table.unit),
        family_low=delta - wide,
        family_high=delta + wide,
        family_size=size,
        outcome=verdict,
        seeds_disagree=disagree,
        approximate=finding.approximate or source == "rule_of_three",
        note=note,
    )
