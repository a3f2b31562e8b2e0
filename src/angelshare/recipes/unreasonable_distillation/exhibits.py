"""What the report of this study shows: the posts' tables beside ours, and what is not the posts'."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from angelshare.collect.subjects import REFERENCE
from angelshare.findings import Estimate, Exhibit
from angelshare.recipes.claims import Place, measured, whole
from angelshare.recipes.unreasonable_distillation.schema import PaperRow, PaperTable, Recipe
from angelshare.result import AuditResult
from angelshare.stats.correlation import spearman
from angelshare.stats.intervals import independent_difference

__all__ = ["ORDER", "beside", "changes", "foretold", "order", "shares", "won_back"]

SPEED, RATE = "speed_up", "texts_per_second_batch"

ORDER = "wos"
"""The metric of word-order sensitivity, of single words shuffled."""


def beside(recipe: Recipe, found: Mapping[str, AuditResult]) -> Exhibit:
    """The posts' tables beside ours, a row a model; differences are to the first model of a data set."""
    rows = [
        _row(table, name, row, printed[0], found)
        for table in recipe.tables
        for name, printed in table.rows.items()
        for row in printed
    ]
    return Exhibit("", "recipe", "paper", rows)


def _row(table: PaperTable, name: str, row: PaperRow, teacher: PaperRow, found: Mapping[str, AuditResult]) -> Any:
    findings = {study: result.findings for study, result in found.items()}
    parameters = {subject.name: subject.parameters for subject in found[name].subjects}
    why = row.why
    if not why and row.ours not in parameters:
        why = f"{row.ours} could not be made of so few rows"
    last, base = row.values[-1], teacher.values[-1]
    ours = measured(findings, Place(name, row.ours, name), table.metrics)
    if not why and ours["values"][-1] is None:
        figure = whole(findings[name], row.ours, name, table.metrics[-1])
        why = "it was not measured" if figure is None or not figure.note else figure.note.rstrip(".")
    if SPEED in table.metrics:
        speed = speed_up(found[name], row.ours)
        ours["values"] = tuple(speed if m == SPEED else v for m, v in zip(table.metrics, ours["values"], strict=True))
    return {
        "table": table.title,
        "group": name,
        "suite": "",
        "paper_model": row.paper,
        "paper_parameters": row.parameters,
        "paper_values": row.values,
        "paper_change": None if row is teacher or last is None or base is None else last - base,
        "parameters": parameters.get(row.ours),
        **ours,
        "note": f"Not here: {why}." if why else "",
    }


def shares(recipe: Recipe, found: Mapping[str, AuditResult]) -> Exhibit:
    """How far below its teacher each student is, as a share of the teacher's figure, against its size."""
    rows = []
    for name, dataset in recipe.datasets.items():
        sizes = {subject.name: subject.parameters for subject in found[name].subjects}
        teacher = whole(found[name].findings, REFERENCE, name, dataset.metric)
        for model in (*dataset.students, "tfidf"):
            mine = whole(found[name].findings, model, name, dataset.metric)
            base = teacher.value.value if teacher and teacher.value else 0.0
            if mine is None or mine.delta is None or base <= 0 or not sizes.get(model):
                continue
            ends = [None if end is None else end / base for end in (mine.delta.low, mine.delta.high)]
            rows.append(
                {
                    "suite": name,
                    "model": model.partition("-")[0],
                    "x": sizes[model],
                    "change": mine.delta.value / base,
                    "low": ends[0],
                    "high": ends[1],
                    "seeds": list(mine.seeds),
                }
            )
    up = "the student’s figure less its teacher’s, in per cent of the teacher’s (MCC on CoLA, accuracy elsewhere)"
    return Exhibit("", "recipe", "curve", sorted(rows, key=lambda row: row["x"]), note=f"shares: Parameters: {up}")


def order(found: Mapping[str, AuditResult], names: Sequence[str]) -> dict[str, Estimate]:
    """Word-order sensitivity of each data set less that of the next one; their rows are independent."""
    values = {name: whole(found[name].findings, REFERENCE, name, ORDER) for name in names}
    return {
        f"word-order sensitivity of {one} less that of {other}": independent_difference(a.value, b.value)
        for one, other in pairwise(names)
        if (a := values[one]) and a.value and (b := values[other]) and b.value
    }


def foretold(recipe: Recipe, found: Mapping[str, AuditResult]) -> dict[str, Estimate]:
    """Over the data sets, how the teacher's word-order sensitivity goes with what the bag of words loses of it."""
    pairs = []
    for name in recipe.datasets:
        sensitivity = whole(found[name].findings, REFERENCE, name, ORDER)
        teacher, student = (whole(found[name].findings, model, name, "accuracy") for model in (REFERENCE, "bow"))
        values = [each.value for each in (sensitivity, teacher, student) if each is not None]
        if len(values) == 3 and all(each is not None and np.isfinite(each.value) for each in values):
            sensitive, theirs, ours = (each.value for each in values if each is not None)
            pairs.append((sensitive, 1 - ours / theirs))
    if not pairs:
        return {}
    x, y = np.array(pairs).T
    return {"rank correlation of word-order sensitivity and loss": spearman(x, y)}


def won_back(recipe: Recipe, found: Mapping[str, AuditResult]) -> dict[str, Estimate]:
    """What share of its student's loss each switch gives back."""
    return {
        f"share of the gap closed by {model} on {name}": finding.value
        for name, dataset in recipe.datasets.items()
        for model in dataset.switches
        for finding in found[name].findings
        if (finding.audit, finding.model, finding.metric, finding.slice) == ("deferral", model, "recovered", "all")
        if finding.value is not None
    }


def speed_up(found: AuditResult, model: str) -> float | None:
    """Texts a second in batches, in teachers; a control is as fast as its student."""
    rates = {finding.model: finding.value for finding in found.findings if finding.metric == RATE}
    mine, teacher = rates.get(model.partition(":")[0]), rates.get(REFERENCE)
    return None if mine is None or teacher is None else mine.value / teacher.value


def changes(recipe: Recipe, encoder: str) -> Exhibit:
    """What is not as it was in the posts."""
    rows = [("encoder", "RoBERTa-base", encoder), *recipe.changes]
    return Exhibit("", "recipe", "changes", [dict(zip(("part", "paper", "ours"), row, strict=True)) for row in rows])
