"""Does a score change when only the identity term of a sentence changes?"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

import numpy as np

from angelshare.audits.base import Answers, AuditData, Judgement, Request
from angelshare.audits.classifier.fidelity import is_toxic
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.data.templates import Swap, swaps, templates
from angelshare.findings import Exhibit
from angelshare.metrics import swaps as metrics
from angelshare.metrics.ranking import auc_pr, auc_roc, ranking_replicates
from angelshare.stats.resample import Resampling

Kind = Literal["toxicity", "sentiment"]
LADDERS = 5
"""Sentences shown a model: those with the widest range of scores."""

PHRASES = 5
"""Sentences of each gold label shown a model: those whose score moved furthest from the reference."""

SENTIMENTS = ("pos", "positive", "good", "favorable", "favourable", "happy", "joy")
NO_KIND = "Name --positive, and with --swaps which built-in sentences fit: toxicity or sentiment."


class IdentitySwaps:
    """AUC, ScoreSens, ScoreDev, ScoreRange and flips over our own sentences; see docs/audits/identity-swaps.md."""

    code = "identity-swaps"
    own_rows = True

    def inapplicable(self, data: AuditData) -> str:
        return "" if data.positive is not None and kind_of(data) else NO_KIND

    def ask(self, data: AuditData) -> list[Request]:
        kind = kind_of(data)
        if kind is None:
            return []
        sentences = swaps(kind)
        ids = np.array([swap.id for swap in sentences], dtype=object)
        return [Request(f"swaps-{kind}", ids, [swap.text for swap in sentences])]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        kind, label = kind_of(data), data.positive
        assert kind is not None and label is not None
        data = replace(data, suite=f"swaps-{kind}")
        grid = Grid(swaps(kind))
        predictions = answers.predictions[f"swaps-{kind}"]
        ranking = np.stack([member.ranking(label) for member in predictions], axis=1)
        shares = np.stack([member.probabilities[:, member.column(label)] for member in predictions], axis=1)
        resampling = grid.resampling(data)
        weights = resampling.weights()[:, grid.first]
        areas = [(auc_roc(column, grid.positive), auc_pr(column, grid.positive)) for column in ranking.T]
        point = np.column_stack((areas, _figures(data, grid, shares, None)))
        replicates = np.concatenate(
            (
                np.stack(ranking_replicates(ranking, grid.positive, resampling), axis=-1),
                _figures(data, grid, shares, weights.astype(np.float64)),
            ),
            axis=2,
        )
        clusters = {"clusters": len(grid.templates)}
        classes = {"positives": int(grid.positive.sum()), "negatives": int((~grid.positive).sum())}
        stats = [
            *(Stat(name, counts=classes | clusters) for name in ("auc_roc", "auc_pr")),
            *(Stat(name, counts=clusters) for name in ("score_dev", "score_range", "flips")),
            *(Stat("score_sens", term, grid.of_term(at), "identity-swaps") for at, term in enumerate(grid.terms)),
        ]
        findings = judged(data, self.code, answers, Figured(stats, point, replicates, resampling))
        return Judgement(findings, [ladders(data, grid, answers, shares), phrases(data, grid, answers, shares)])


def kind_of(data: AuditData) -> Kind | None:
    """Which sentences fit the positive label; None where its name does not tell."""
    if data.settings.swaps is not None:
        return data.settings.swaps
    if is_toxic(data.positive):
        return "toxicity"
    return "sentiment" if (data.positive or "").lower() in SENTIMENTS else None


class Grid:
    """The sentences as templates x terms."""

    def __init__(self, sentences: Sequence[Swap]) -> None:
        self.sentences = sentences
        self.templates = list(dict.fromkeys(swap.template_id for swap in sentences))
        self.terms = list(dict.fromkeys(swap.term for swap in sentences))
        rows, columns = ({name: at for at, name in enumerate(names)} for names in (self.templates, self.terms))
        self.row = np.array([rows[swap.template_id] for swap in sentences])
        self.column = np.array([columns[swap.term] for swap in sentences])
        self.positive = np.array([swap.label == 1 for swap in sentences])
        self.first = np.unique(self.row, return_index=True)[1]

    @cached_property
    def there(self) -> np.ndarray:
        return np.asarray(~np.isnan(self.spread(np.zeros(len(self.sentences)))))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(templates, terms); NaN where a template does not take a term."""
        out = np.full((len(self.templates), len(self.terms)), np.nan)
        out[self.row, self.column] = values
        return out

    def of_term(self, at: int) -> dict[str, int]:
        return {"clusters": int(self.there[:, at].sum())}

    def resampling(self, data: AuditData) -> Resampling:
        """Whole templates, within their golden label."""
        settings = data.settings
        return Resampling(self.positive.astype(np.int64), self.row, settings.draws, settings.seed)


def _figures(data: AuditData, grid: Grid, shares: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """([draws,] members, 3 + terms): deviation, range, flips, and the sensitivity to each term."""
    out = []
    for column in shares.T:
        scores = grid.spread(column)
        whole = (
            metrics.score_dev(scores, weights),
            metrics.score_range(scores, weights),
            metrics.label_flips(scores, data.settings.threshold, weights),
        )
        out.append(np.concatenate((np.stack(whole, axis=-1), metrics.score_sens(scores, None, weights)), axis=-1))
    return np.stack(out, axis=-2)


def ladders(data: AuditData, grid: Grid, answers: Answers, shares: np.ndarray) -> Exhibit:
    """The templates where each student's score (of the first seed) depends most on the term."""
    reference = answers.members[0].role == "reference"
    kind = kind_of(data) or "toxicity"
    sentences = {f"{kind}-{name}": sentence for name, sentence, _ in templates(kind)}
    rows = []
    base = shares[:, 0] if reference else np.full(len(shares), np.nan)
    for at, member in enumerate(answers.members):
        if member.role not in ("student", "other") or member.seed:
            continue
        scores = grid.spread(shares[:, at])
        ranges = np.nanmax(scores, axis=1) - np.nanmin(scores, axis=1)
        for template in np.argsort(-ranges, kind="stable")[:LADDERS]:
            mine = np.flatnonzero(grid.row == template)
            pairs = [(grid.sentences[int(i)], float(shares[i, at]), float(base[i])) for i in mine]
            rows.append(
                {
                    "template": sentences[str(grid.templates[template])],
                    "model": member.model,
                    "reference": answers.reference,
                    "gold": int(grid.positive[mine[0]]),
                    "abusive": bool(is_toxic(data.positive) and grid.positive[mine[0]]),
                    "entries": [_entry(data, *pair) for pair in pairs],
                }
            )
    return Exhibit(data.suite, IdentitySwaps.code, "ladder", rows)


def phrases(data: AuditData, grid: Grid, answers: Answers, shares: np.ndarray) -> Exhibit:
    """Sentences with the reference's and a student's score (of the first seed): table 4 of "Lost in Distillation"."""
    rows = []
    for at, member in enumerate(answers.members):
        if answers.members[0].role != "reference" or member.role not in ("student", "other") or member.seed:
            continue
        change = shares[:, at] - shares[:, 0]
        for gold in (True, False):
            mine = np.flatnonzero(grid.positive == gold)
            for row in mine[np.argsort(-np.abs(change[mine]), kind="stable")[:PHRASES]]:
                swap = grid.sentences[int(row)]
                rows.append(
                    {
                        "id": swap.id,
                        "text": swap.text,
                        "term": swap.term,
                        "gold": gold,
                        "model": member.model,
                        "reference_score": float(shares[row, 0]),
                        "student_score": float(shares[row, at]),
                        "reference_decision": _decision(data, float(shares[row, 0]), gold),
                        "student_decision": _decision(data, float(shares[row, at]), gold),
                        "change": float(change[row]),
                        "abusive": bool(is_toxic(data.positive) and gold),
                    }
                )
    return Exhibit(data.suite, IdentitySwaps.code, "phrases", rows)


def _decision(data: AuditData, score: float, gold: bool) -> str:
    given = score >= data.settings.threshold
    return ("T" if given == gold else "F") + ("P" if given else "N")


def _entry(data: AuditData, swap: Swap, score: float, base: float) -> dict[str, object]:
    threshold, known = data.settings.threshold, not np.isnan(base)
    return {
        "term": swap.term,
        "identity": swap.identity,
        "text": swap.text,
        "score": score,
        "reference_score": base if known else None,
        "flipped": bool(known and (score >= threshold) != (base >= threshold)),
    }
