"""What the report of this study shows: the paper's figure and tables beside ours, and what is not the paper's."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from angelshare.audits.encoder.seat import SHORT
from angelshare.collect.subjects import REFERENCE
from angelshare.findings import Estimate, Exhibit, Finding
from angelshare.recipes.claims import Place, measured, whole
from angelshare.recipes.gender_bias_distilbert.schema import FULL, PaperRow, PaperTable, Recipe, Scale
from angelshare.result import AuditResult
from angelshare.stats.correlation import pearson

__all__ = ["CORRELATION", "beside", "changes", "depths"]

MEAN = "mean_effect_size@mean"
CORRELATION = "correlation of layers and mean |d|"


def depths(found: AuditResult, scale: Scale, teacher: int) -> tuple[dict[str, Estimate], Exhibit]:
    """The figure: mean |d| by number of layers, the teacher's the last; and Pearson's correlation of the two.

    Parameters
    ----------
    teacher : its number of layers.
    """
    named = {layers: f"{FULL}-{layers}" for layers in sorted({*scale.layers, *scale.figure})} | {teacher: REFERENCE}
    points = [(layers, whole(found.findings, name, "seat", MEAN)) for layers, name in named.items()]
    known = [(layers, finding.value) for layers, finding in points if finding is not None and finding.value is not None]
    x, y = (np.array(side, dtype=np.float64) for side in zip(*((at, each.value) for at, each in known), strict=True))
    rows = [
        {"suite": "seat", "model": "distilled", "x": layers, "change": each.value, "low": each.low, "high": each.high}
        for layers, each in known
    ]
    note = "layers: Layers: the mean of |d| over SEAT’s tests, times 100; 0 is no association"
    return {CORRELATION: pearson(x, y, unit="model")}, Exhibit("", "recipe", "curve", rows, note=note)


def beside(recipe: Recipe, scale: Scale, found: Mapping[str, AuditResult]) -> Exhibit:
    """The paper's tables beside ours, a row a way and number of layers; differences are to the table's first row."""
    rows = [
        _row(table, row, table.rows[0], layers, found)
        for table in recipe.tables
        for layers in (scale.layers if table.of == "seat" else scale.layers[:1])
        for row in table.rows
    ]
    return Exhibit("", "recipe", "paper", rows)


def _row(
    table: PaperTable, row: PaperRow, base: PaperRow, layers: int, found: Mapping[str, AuditResult]
) -> dict[str, Any]:
    seat = table.of == "seat"
    study, suite, last = (f"{base.ours}-{layers}", "seat", MEAN) if seat else ("glue", "glue", "glue_average")
    findings = {name: result.findings for name, result in found.items()}
    model = REFERENCE if row is base else row.ours
    ours = measured(findings, Place(study, model, suite), (last,))
    each = _by_test(findings.get(study, ()), model) if seat else _by_task(findings.get(study, ()), model)
    values = [each.get(metric) for metric in table.metrics[:-1]]
    sizes = {s.name: s.parameters for s in found[study].subjects} if study in found else {}
    there = ours["values"][-1] is not None
    return {
        "table": table.title,
        "group": f"{layers} layers",
        "suite": "",
        "paper_model": row.paper,
        "paper_parameters": "",
        "paper_values": row.values,
        "paper_change": None if row is base else _oriented(table, row.values[-1] - base.values[-1]),
        "parameters": sizes.get(model),
        **ours,
        "model": row.ours,
        "metrics": table.metrics,
        "values": (*values, ours["values"][-1]),
        "note": "" if there else "Not at this scale.",
    }


def _oriented(table: PaperTable, change: float) -> float:
    return -change if table.of == "seat" else change


def _by_test(findings: Any, model: str) -> dict[str, float]:
    """|d| of a model's mean vectors, by what the literature calls the test."""
    return {
        SHORT.get(one.slice, one.slice): abs(one.value.value)
        for one in findings
        if isinstance(one, Finding) and (one.model, one.metric) == (model, "effect_size@mean") and one.value is not None
    }


def _by_task(findings: Any, model: str) -> dict[str, float]:
    """A model's score on each task."""
    found: dict[str, float] = {}
    for one in findings:
        if one.model == model and one.audit == "glue" and one.value is not None and one.slice not in ("all", ""):
            found.setdefault(one.slice, one.value.value)  # of a task with several figures their mean comes first
    return found


def changes(recipe: Recipe, encoder: str) -> Exhibit:
    """What is not as it was in the paper."""
    rows = [("encoder", "BERT-base", encoder), *recipe.changes]
    return Exhibit("", "recipe", "changes", [dict(zip(("part", "paper", "ours"), row, strict=True)) for row in rows])
