"""Does a model rank comments that mention an identity as well as the others?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from angelshare.audits.base import (
    NO_LABELS,
    NO_POSITIVE,
    ROWS,
    Answers,
    AuditData,
    Identities,
    Judgement,
    Request,
    ask_rows,
)
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.findings import Exhibit
from angelshare.metrics.bias import (
    JIGSAW_IDENTITIES,
    BiasAucs,
    bias_auc_replicates,
    bias_aucs,
    mean_over_groups,
    power_mean,
)
from angelshare.stats.resample import group_strata

AUCS = {"subgroup_auc": (0, 1), "bpsn_auc": (2, 1), "bnsp_auc": (0, 3)}
"""Each metric with the cells it needs: subgroup positives 0 and negatives 1, background positives 2 and negatives 3."""

GAPS = {"aeg_neg": (1, 3), "aeg_pos": (0, 2)}
CELLS = ("positives", "negatives", "background_positives", "background_negatives")
MEANS = (("mean", mean_over_groups), ("power_mean", power_mean))


class IdentityAuc:
    """Subgroup, BPSN and BNSP AUC, AEG, their means and Jigsaw's final score; see docs/audits/identity-auc.md."""

    code = "identity-auc"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        if not data.labelled:
            return NO_LABELS
        return "" if data.positive is not None else NO_POSITIVE

    def ask(self, data: AuditData) -> list[Request]:
        return ask_rows(data)

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        assert data.positive is not None
        found, positive = data.identities, data.truth(data.positive)
        scores = np.stack([member.ranking(data.positive) for member in answers.predictions[ROWS]], axis=1)
        resampling = data.resampling(group_strata(found.groups, positive))
        point = bias_aucs(scores, positive, found.groups, found.annotated)
        layout = Layout.of(found, point, data.settings.min_cell)
        replicates = bias_auc_replicates(scores, positive, found.groups, resampling, found.annotated)
        table = Figured(layout.stats, layout.figures(point), layout.figures(replicates), resampling)
        findings = judged(data, self.code, answers, table)
        return Judgement(findings, [_counts(data, found, point)])


@dataclass(frozen=True, eq=False)
class Layout:
    """Which figures stand in which column, and which groups have rows enough for each.

    All identities and all three AUCs are one family: the question is whether anyone is worse off.
    """

    stats: list[Stat]
    enough: dict[str, np.ndarray]
    final: np.ndarray
    """Groups of Jigsaw's final score."""

    @classmethod
    def of(cls, found: Identities, point: BiasAucs, min_cell: int) -> "Layout":
        counts = [dict(zip(CELLS, map(int, cells), strict=True)) for cells in point.counts]
        enough = {
            metric: (point.counts[:, cells] >= min_cell).all(axis=1) for metric, cells in {**AUCS, **GAPS}.items()
        }
        stats = []
        for metric, there in enough.items():
            family = "identity-auc" if metric in AUCS else "identity-gaps"
            for name, cells, ok in zip(found.names, counts, there, strict=True):
                note = "" if ok else f"Fewer than {min_cell} rows in a cell that this figure compares."
                stats.append(Stat(metric, name, cells, family, note))
        for metric in AUCS:
            stats += [_over(enough[metric], f"{metric}_{mean}") for mean, _ in MEANS]
        jigsaw = np.isin(found.names, JIGSAW_IDENTITIES)
        complete = jigsaw.sum() == len(JIGSAW_IDENTITIES)
        final = np.logical_and.reduce([enough[metric] for metric in AUCS]) & (jigsaw if complete else True)
        stats.append(_over(final, "jigsaw_final", "Jigsaw's" if complete else ""))
        return cls(stats, enough, final)

    def figures(self, found: BiasAucs) -> Float64[np.ndarray, "*draws members stats"]:
        arrays = {name: getattr(found, name.removesuffix("_auc")) for name in self.enough}
        known = {name: np.where(self.enough[name], array, np.nan) for name, array in arrays.items()}
        means = [mean(known[name])[..., None] for name in AUCS for _, mean in MEANS]
        chosen = [power_mean(np.where(self.final, known[name], np.nan)) for name in AUCS]
        final = (found.overall + sum(chosen)) / 4
        return np.concatenate([*known.values(), *means, final[..., None]], axis=-1)


def _over(enough: np.ndarray, metric: str, whose: str = "") -> Stat:
    """A mean over the groups that have rows enough; it says how many these are."""
    used = int(enough.sum())
    note = f"Over {used} of {len(enough)} identities: the others have too few rows." if used < len(enough) else ""
    if whose and used:
        note = f"Over {used} of {whose} nine identities."
    return Stat(metric, counts={"identities": used}, note=note)


def _counts(data: AuditData, found: Identities, point: BiasAucs) -> Exhibit:
    rows = [
        {
            "identity": name,
            "n": int(cells[0] + cells[1]),
            "positives": int(cells[0]),
            "negatives": int(cells[1]),
            "source": found.source,
        }
        for name, cells in zip(found.names, point.counts, strict=True)
    ]
    return Exhibit(data.suite, IdentityAuc.code, "identities", rows)
