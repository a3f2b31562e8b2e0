"""How good is each model at what it is for?"""

from dataclasses import replace

import numpy as np

from angelshare.audits.base import NO_LABELS, ROWS, WHOLE, Answers, AuditData, Judgement, Request, ask_rows
from angelshare.audits.classifier.problems import FIGURES, Problem, problems
from angelshare.audits.judging import Figured, Stat, judged, steps
from angelshare.findings import Exhibit, Finding
from angelshare.metrics.classification import BINS, calibration_bins
from angelshare.stats.delong import delong
from angelshare.stats.resample import Resampling


class Quality:
    """Accuracy, macro-F1, MCC, AUC-ROC, AUC-PR, log-loss and calibration error; see docs/audits/quality.md."""

    code = "quality"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        return "" if data.labelled else NO_LABELS

    def ask(self, data: AuditData) -> list[Request]:
        return ask_rows(data)

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        posed = list(problems(data, answers.predictions[ROWS]))
        resampling = data.resampling(strata(posed))
        findings = figures(data, answers, posed, resampling)
        rate = data.settings.positive_rate
        if rate is not None:
            weighted = [replace(p, rate=rate) for p in posed if _rateable(data, p)]
            again = figures(data, answers, weighted, resampling)
            findings += [finding for finding in again if not finding.metric.startswith("auc_roc@")]  # it cannot change
        return Judgement(findings, [reliability(data, answers, problem) for problem in posed])


def strata(posed: list[Problem]) -> np.ndarray:
    """Rows by class; where several labels may hold, by none, for their combinations are too many to keep."""
    return posed[0].truth if len(posed) == 1 else np.zeros(len(posed[0].truth), dtype=np.int64)


def _rateable(data: AuditData, problem: Problem) -> bool:
    named = len(problem.ranked) == 1 and (problem.slice == WHOLE or problem.slice == data.positive)
    return named and bool(0 < problem.ranked[0][0].mean() < 1)


def figures(data: AuditData, answers: Answers, posed: list[Problem], resampling: Resampling) -> list[Finding]:
    """Findings of every problem; of several labels, their plain mean before them."""
    if not posed:
        return []
    points = [problem.point() for problem in posed]
    replicates = [problem.replicates(resampling) for problem in posed]
    variances = [variance(problem, resampling) for problem in posed]
    stats = [
        Stat(problem.name(figure), problem.slice, problem.counts, note=_note(problem, figure))
        for problem in posed
        for figure in FIGURES
    ]
    if len(posed) > 1:
        known = [np.isfinite(point).all(axis=0) for point in points]
        points.insert(0, mean_of(points, known))
        replicates.insert(0, mean_of(replicates, known))
        variances.insert(0, np.full_like(variances[0], np.nan))
        stats = [_macro(figure, at, posed, known) for at, figure in enumerate(FIGURES)] + stats
    table = Figured(
        stats,
        np.concatenate(points, axis=-1),
        np.concatenate(replicates, axis=-1),
        resampling,
        np.concatenate(variances, axis=-1),
    )
    return judged(data, Quality.code, answers, table) + steps(data, Quality.code, answers, table)


def mean_of(arrays: list[np.ndarray], known: list[np.ndarray]) -> np.ndarray:
    """The mean over labels, leaving out labels that have no such figure; NaN where none has."""
    count = np.sum(known, axis=0)
    total = np.sum([np.where(there, array, 0) for array, there in zip(arrays, known, strict=True)], axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _macro(figure: str, at: int, posed: list[Problem], known: list[np.ndarray]) -> Stat:
    used = int(sum(there[at] for there in known))
    note = "" if used == len(posed) else f"Mean over the {used} of {len(posed)} labels that have this figure."
    return Stat(figure, WHOLE, {"labels": used}, note=note)


def _note(problem: Problem, figure: str) -> str:
    if figure in ("auc_roc", "auc_pr") and len(problem.ranked) > 1:
        return f"Mean over the {len(problem.ranked)} labels, each against the rest."
    return ""


def variance(problem: Problem, resampling: Resampling) -> np.ndarray:
    """DeLong's covariance of the members' AUC-ROC, where rows are independent; NaN elsewhere."""
    out = np.full((problem.members, problem.members, len(FIGURES)), np.nan)
    if resampling.unit == "row" and len(problem.ranked) == 1:
        positive, scores = problem.ranked[0]
        out[:, :, FIGURES.index("auc_roc")] = delong(scores, positive)[1]
    return out


def reliability(data: AuditData, answers: Answers, problem: Problem) -> Exhibit:
    """Mean probability against rate in each bin, a row a model (of seeds, the first)."""
    rows = []
    for member, who in enumerate(answers.members):
        if who.seed:
            continue
        codes = calibration_bins(problem.confidence[:, member])
        counts = np.bincount(codes, minlength=BINS)
        means = np.bincount(codes, problem.confidence[:, member], minlength=BINS)
        rates = np.bincount(codes, problem.hits[:, member], minlength=BINS)
        bins = [
            {"mean_p": float(means[at] / counts[at]), "rate": float(rates[at] / counts[at]), "n": int(counts[at])}
            for at in np.flatnonzero(counts)
        ]
        rows.append({"model": who.model, "slice": problem.slice, "bins": bins})
    return Exhibit(data.suite, Quality.code, "calibration", rows)
