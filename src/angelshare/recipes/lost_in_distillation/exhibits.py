"""What the report of this study shows: the paper's tables beside ours, curves over data, data against bias."""

from collections.abc import Iterable, Mapping
from typing import Any

from angelshare.findings import Exhibit, Finding
from angelshare.recipes.claims import Found, Place, measured
from angelshare.recipes.lost_in_distillation.schema import Recipe
from angelshare.result import AuditResult

__all__ = ["against_bias", "beside", "curve"]


METRICS = ("auc_pr", "auc_roc")
"""The columns of the paper's tables; differences are of the last."""


def beside(recipe: Recipe, found: Found, parameters: Mapping[tuple[str, str], int | None]) -> Exhibit:
    """The paper's tables beside ours, a row a data set (or suite that stands for it) and model."""
    rows = []
    for table in recipe.tables:
        teacher = table.models[0]
        for at, dataset in enumerate(recipe.datasets):
            for suite in dataset.suites:
                for model in table.models:
                    printed = (model.auc_pr[at], model.auc_roc[at])
                    change = None if model is teacher else model.auc_roc[at] - teacher.auc_roc[at]
                    place = Place(table.study, model.ours, suite)
                    rows.append(
                        {
                            "table": table.title,
                            "group": dataset.name,
                            "suite": suite,
                            "paper_model": model.paper,
                            "paper_parameters": model.parameters,
                            "paper_values": printed,
                            "paper_change": change,
                            "parameters": parameters.get((table.study, model.ours)),
                            **measured(found, place, METRICS),
                        }
                    )
    return Exhibit("", "recipe", "paper", rows)


def curve(name: str, along: str, found: AuditResult) -> Exhibit:
    """Differences of AUC-ROC to the teacher by suite, student and amount of data."""
    rows = []
    for finding in found.findings:
        kind, _, amount = finding.model.partition(" ")
        if finding.metric == "auc_roc" and finding.slice in ("all", "") and amount and finding.delta is not None:
            rows.append(_point(finding, kind, float(amount)))
    return Exhibit("", "recipe", "curve", sorted(rows, key=lambda row: row["x"]), note=f"{name}: {along}")


def _point(finding: Finding, kind: str, x: float) -> dict[str, Any]:
    delta = finding.delta
    assert delta is not None
    return {
        "suite": finding.suite,
        "model": kind,
        "x": x,
        "change": delta.value,
        "low": delta.low,
        "high": delta.high,
        "seeds": list(finding.seeds),
    }


BEFORE_AND_AFTER = ("auc_roc", "subgroup_auc_mean", "bpsn_auc_mean", "bnsp_auc_mean", "flips")


def against_bias(found: AuditResult) -> Exhibit:
    """What data against bias changed, beside the same student without it."""
    rows = [
        {
            "model": finding.model,
            "suite": finding.suite,
            "metric": finding.metric,
            "before": base.value.value if (base := _same(found.findings, finding)) and base.value else None,
            "after": finding.value.value if finding.value else None,
            "change": finding.delta.value,
            "low": finding.delta.low if finding.family_low is None else finding.family_low,
            "high": finding.delta.high if finding.family_high is None else finding.family_high,
            "outcome": finding.outcome.value,
        }
        for finding in found.findings
        if finding.metric in BEFORE_AND_AFTER and finding.slice in ("all", "") and finding.delta is not None
    ]
    return Exhibit("", "recipe", "mitigation", rows)


def _same(findings: Iterable[Finding], like: Finding) -> Finding | None:
    """The reference's figure beside another model's."""
    place = (like.suite, like.audit, like.metric, like.slice)
    return next(
        (f for f in findings if f.model == like.reference and (f.suite, f.audit, f.metric, f.slice) == place), None
    )
