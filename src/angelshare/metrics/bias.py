"""Bias AUCs of overlapping groups (Borkan et al. 2019, "Nuanced metrics for measuring unintended bias").

Positives and negatives that mention a group are compared with each other and with the background: the rows outside it,
other identities among them. All areas count ties half.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, Real

from angelshare.metrics import sweeps
from angelshare.metrics.order import ascending_and_tied
from angelshare.stats.resample import Resampling, sweep_lanes

JIGSAW_IDENTITIES = (
    "male",
    "female",
    "homosexual_gay_or_lesbian",
    "christian",
    "jewish",
    "muslim",
    "black",
    "white",
    "psychiatric_or_mental_illness",
)
"""The nine identities of Jigsaw's final score."""

FIGURES = ("subgroup", "bpsn", "bnsp", "aeg_neg", "aeg_pos")


@dataclass(frozen=True, eq=False)
class BiasAucs:
    """Bias AUCs of models x groups; replicates put their axis in front of each array. NaN where a cell is empty.

    Attributes
    ----------
    overall : (models,) area under the ROC curve over all rows, annotated or not.
    subgroup : (models, groups) within the group.
    bpsn : (models, groups) background positives against subgroup negatives.
    bnsp : (models, groups) background negatives against subgroup positives.
    aeg_neg, aeg_pos : (models, groups) average equality gap on negatives and on positives, in [-0.5, 0.5]; positive:
        the subgroup scores higher than the background.
    counts : (groups, 4) subgroup positives and negatives, background positives and negatives.
    """

    overall: Float64[np.ndarray, "*draws models"]
    subgroup: Float64[np.ndarray, "*draws models groups"]
    bpsn: Float64[np.ndarray, "*draws models groups"]
    bnsp: Float64[np.ndarray, "*draws models groups"]
    aeg_neg: Float64[np.ndarray, "*draws models groups"]
    aeg_pos: Float64[np.ndarray, "*draws models groups"]
    counts: Int[np.ndarray, "groups 4"]


def bias_aucs(
    scores: Real[np.ndarray, "rows *models"],
    positive: Bool[np.ndarray, " rows"],
    groups: Bool[np.ndarray, "rows groups"],
    annotated: Bool[np.ndarray, "rows *groups"] | None = None,
) -> BiasAucs:
    """The bias AUCs of every group in one pass over the sorted scores.

    Parameters
    ----------
    scores : (rows,) or (rows, models) float64; logits rather than rounded probabilities, which tie heavily.
    groups : rows that mention each group; a row may mention several.
    annotated : (rows,) or (rows, groups); rows not annotated are left out of groups and background. None: all rows are
        annotated, as in the paper's code, where a missing annotation counts as not mentioned.
    """
    table = _Table(scores, positive, groups, annotated)
    out = _empty((), table.models, table.groups)
    for model, part, codes, _ in table.sorted_parts():
        sums, totals = sweeps.once(codes, len(part))
        _fill(out, (model,), part, sums, totals)
        _count(out, part, sums, totals)
    return out


def bias_auc_replicates(
    scores: Real[np.ndarray, "rows *models"],
    positive: Bool[np.ndarray, " rows"],
    groups: Bool[np.ndarray, "rows groups"],
    resampling: Resampling,
    annotated: Bool[np.ndarray, "rows *groups"] | None = None,
) -> BiasAucs:
    """`bias_aucs` of every bootstrap replicate, draws in front; all models see the same replicates."""
    table = _Table(scores, positive, groups, annotated)
    draws = resampling.draws
    out = _empty((draws,), table.models, table.groups)
    jobs = []
    for model, part, codes, order in table.sorted_parts():
        jobs.append((model, part, codes, resampling.plan.position[order]))
        _count(out, part, *sweeps.once(codes, len(part)))
        del codes, order

    def work(drawn: np.ndarray, start: int, stop: int) -> None:
        for model, part, codes, where in jobs:
            sums, totals = sweeps.abreast(codes, where, drawn, len(part))
            at = (slice(start, stop), model)
            _fill(out, at, part, sums[: stop - start], totals[: stop - start])

    sweep_lanes(work, resampling)
    return out


class _Table:
    """Rows checked and packed: a bit a group, the label, and whether the row is annotated."""

    def __init__(
        self, scores: np.ndarray, positive: np.ndarray, groups: np.ndarray, annotated: np.ndarray | None
    ) -> None:
        scores = np.asarray(scores, dtype=np.float64)
        self.scores = scores[:, None] if scores.ndim == 1 else scores
        self.rows, self.models = self.scores.shape
        self.positive = np.asarray(positive, dtype=bool)
        self.member = np.asarray(groups, dtype=bool)
        if self.member.ndim != 2 or len(self.member) != self.rows or self.positive.shape != (self.rows,):
            raise ValueError("Bias AUCs need one label and one line of groups a row of scores.")
        if np.isnan(self.scores.sum()) and np.isnan(self.scores).any():
            raise ValueError("Bias AUCs need scores without NaN.")
        self.groups = self.member.shape[1]
        self.annotated = None if annotated is None else np.asarray(annotated, dtype=bool)

    def parts(self) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Groups that share their annotated rows, at most GROUPS at a time, and those rows (None: all)."""
        if self.annotated is None or self.annotated.ndim == 1:
            kinds = np.zeros(self.groups, dtype=np.int64)
        else:
            kinds = np.unique(self.annotated, axis=1, return_inverse=True)[1].reshape(-1)
        for kind in range(int(kinds.max(initial=0)) + 1):
            columns = np.flatnonzero(kinds == kind)
            seen = self.annotated
            if seen is not None and seen.ndim == 2:
                seen = np.ascontiguousarray(seen[:, columns[0]])
            for first in range(0, max(len(columns), 1), sweeps.GROUPS):
                yield columns[first : first + sweeps.GROUPS], seen

    def sorted_parts(self) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        """For each model and part of the groups: the packed rows in ascending order of score, and that order."""
        packed: list[tuple[np.ndarray, np.ndarray]] = []
        for model in range(self.models):
            column = np.ascontiguousarray(self.scores[:, model])
            order, tied = ascending_and_tied(column)
            # Packed after the first sorting, which takes twice the memory while it lasts.
            packed = packed or [(p, sweeps.pack(self.member, p, self.positive, seen)) for p, seen in self.parts()]
            for part, codes in packed:
                yield model, part, sweeps.arrange(codes, order, tied), order


def _empty(leading: tuple[int, ...], models: int, groups: int) -> BiasAucs:
    arrays = {name: np.full((*leading, models, groups), np.nan) for name in FIGURES}
    counts = np.zeros((groups, 4), dtype=np.int64)
    return BiasAucs(overall=np.full((*leading, models), np.nan), **arrays, counts=counts)


def _count(out: BiasAucs, part: np.ndarray, sums: np.ndarray, totals: np.ndarray) -> None:
    inside = sums[:, [1, 0]]
    out.counts[part] = np.concatenate([inside, totals[[1, 0]] - inside], axis=1)


def _fill(out: BiasAucs, at: tuple, part: np.ndarray, sums: np.ndarray, totals: np.ndarray) -> None:  # type: ignore[type-arg]
    """Turn a sweep's sums into figures. `sums` (..., groups, 7) and `totals` (..., 5) are described in sweeps.py."""
    negatives, positives, all_negatives, all_positives, all_pairs = np.moveaxis(totals, -1, 0)
    sn, sp, ss, positives_below, negatives_below, among_negatives, among_positives = np.moveaxis(sums, -1, 0)
    bn, bp = negatives[..., None] - sn, positives[..., None] - sp
    with np.errstate(divide="ignore", invalid="ignore"):
        out.overall[at] = all_pairs / (2 * all_negatives * all_positives)
        figures = (
            ss / (2 * sp * sn),
            (2 * sn * positives[..., None] - positives_below - ss) / (2 * bp * sn),
            (negatives_below - ss) / (2 * sp * bn),
            (among_negatives - sn * sn) / (2 * sn * bn) - 0.5,
            (among_positives - sp * sp) / (2 * sp * bp) - 0.5,
        )
    for name, values in zip(FIGURES, figures, strict=True):
        getattr(out, name)[(*at, part)] = values


def power_mean(values: Real[np.ndarray, "*any groups"], power: float = -5.0) -> Float64[np.ndarray, "*any"]:
    """Generalised mean over the last axis, leaving NaN groups out; NaN where none is left."""
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        raised = np.where(known, np.where(known, values, 1.0) ** power, 0.0)
        return np.asarray((raised.sum(axis=-1) / known.sum(axis=-1)) ** (1 / power))


def jigsaw_final(
    overall: Real[np.ndarray, "*any"] | float,
    subgroup: Real[np.ndarray, "*any groups"],
    bpsn: Real[np.ndarray, "*any groups"],
    bnsp: Real[np.ndarray, "*any groups"],
    power: float = -5.0,
) -> Float64[np.ndarray, "*any"]:
    """Jigsaw's final score: a quarter each of the overall AUC and of the power means of the three bias AUCs.

    The official score is over `JIGSAW_IDENTITIES`; the caller picks the columns. NaN groups are left out.
    """
    means = [power_mean(values, power) for values in (subgroup, bpsn, bnsp)]
    return np.asarray((np.asarray(overall, dtype=np.float64) + means[0] + means[1] + means[2]) / 4)


def mean_over_groups(values: Real[np.ndarray, "*any groups"]) -> Float64[np.ndarray, "*any"]:
    """Arithmetic mean over the last axis, leaving NaN groups out; NaN where none is left."""
    known = ~np.isnan(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1))


__all__: Sequence[str] = (
    "JIGSAW_IDENTITIES",
    "BiasAucs",
    "bias_auc_replicates",
    "bias_aucs",
    "jigsaw_final",
    "mean_over_groups",
    "power_mean",
)
