"""How closely does each model follow the reference, whatever the truth is?"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from angelshare.audits.base import ROWS, WHOLE, Answers, AuditData, Judgement, Member, Request, ask_rows
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.findings import Exhibit
from angelshare.metrics.fidelity import kl_rows, rank_correlation
from angelshare.stats.resample import Resampling, tallies
from angelshare.types import Predictions

SHOWN = 40
"""Disagreements shown a model."""

TEXT = 2000
"""Characters shown of a text."""


class Fidelity:
    """Agreement, KL, rank correlation and flips each way; see docs/audits/fidelity.md."""

    code = "fidelity"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        return ""

    def ask(self, data: AuditData) -> list[Request]:
        return ask_rows(data)

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        if answers.reference is None or len(answers.members) < 2:
            return Judgement()
        predictions = answers.predictions[ROWS]
        reference = predictions[0]
        ranked = _ranked(data)
        stats = [Stat("agreement"), Stat("kl"), *(Stat("rank_correlation", name) for name, _ in ranked)]
        if data.positive is not None:
            stats += [Stat("flips_up"), Stat("flips_down")]
        resampling = data.resampling(np.zeros(len(data.table), dtype=np.int64))
        shown = [
            followed(data, reference, member, [label for _, label in ranked], resampling) for member in predictions
        ]
        point, replicates = ([each[at] for each in shown] for at in (0, 1))
        table = Figured(stats, np.stack(point), np.stack(replicates, axis=1), resampling)
        findings = judged(data, self.code, answers, table)
        exhibits = [disagreements(data, answers.members, predictions)]
        return Judgement([f for f in findings if f.model != answers.reference], exhibits)


def _ranked(data: AuditData) -> list[tuple[str, str]]:
    """Slice and label of each score that is ranked."""
    if data.positive is not None:
        return [(WHOLE, data.positive)]
    return [(label, label) for label in data.labels]


def followed(
    data: AuditData, reference: Predictions, member: Predictions, labels: Sequence[str], resampling: Resampling
) -> tuple[np.ndarray, np.ndarray]:
    """A member's figures (stats,) and their replicates (draws, stats): agreement, KL, rank correlations, flips."""
    rows = per_row(data, reference, member)
    pairs = [(reference.ranking(label), member.ranking(label)) for label in labels]
    correlations = np.array([rank_correlation(*pair) for pair in pairs])
    columns = np.column_stack((rows[:, :2], *(influence(*pair) for pair in pairs), rows[:, 2:]))
    point = columns.mean(axis=0)
    point[2 : 2 + len(pairs)] = correlations
    if member is reference:
        return point, np.broadcast_to(point, (resampling.draws, len(point)))
    sums = tallies(np.zeros(len(rows), dtype=np.int64), 1, np.column_stack((columns, np.ones(len(rows)))), resampling)
    means = sums[:, 0, :-1] / sums[:, 0, -1:]
    means[:, 2 : 2 + len(pairs)] += correlations
    return point, means


def influence(reference: np.ndarray, member: np.ndarray) -> np.ndarray:
    """(rows,) what each row adds to Spearman's correlation, mean 0: its replicates are then sums, not new rankings.

    With midranks as shares F, G and h = 12 F G, the row adds h plus what it does to the others' ranks, centred.
    """
    rows = len(reference)
    low, high = ((rankdata(values) - 0.5) / rows - 0.5 for values in (reference, member))
    spread = np.sqrt((low**2).mean() * (high**2).mean())
    if spread == 0:
        return np.full(rows, np.nan)
    products = low * high + above(reference, high) + above(member, low)
    correlation = (low * high).mean() / spread
    scales = correlation / 2 * (_spread(reference, low) + _spread(member, high))
    out = products / spread - scales
    return np.asarray(out - out.mean())


def _spread(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What each row adds to the log of the variance of the shares, which moves only where values tie."""
    return np.asarray((shares**2 + 2 * above(values, shares)) / (shares**2).mean())


def above(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each row, the mean over all rows of `weights` where `values` is higher, ties counting half."""
    order = np.argsort(values, kind="stable")
    first, inverse = np.unique(values[order], return_index=True, return_inverse=True)[1:]
    totals = np.add.reduceat(weights[order], first)
    higher = totals[::-1].cumsum()[::-1] - totals
    out = np.empty(len(values))
    out[order] = ((higher + totals / 2)[inverse]) / len(values)
    return out


def per_row(data: AuditData, reference: Predictions, member: Predictions) -> np.ndarray:
    """(rows, 2 or 4): decided alike, KL(reference || member) in nats, and with a positive label flips up and down.

    Where several labels may hold, agreement is the share of labels decided alike.
    """
    threshold = data.settings.threshold
    if data.multilabel:
        alike = ((reference.probabilities >= threshold) == (member.probabilities >= threshold)).mean(axis=1)
    else:
        alike = (np.argmax(reference.logits, axis=1) == np.argmax(member.logits, axis=1)).astype(np.float64)
    columns = [alike, kl_rows(reference.logits, member.logits, data.multilabel)]
    if data.positive is not None:
        at = reference.column(data.positive)
        before, after = (found.probabilities[:, at] >= threshold for found in (reference, member))
        columns += [(after & ~before).astype(np.float64), (before & ~after).astype(np.float64)]
    return np.stack(columns, axis=1)


def shown_scores(data: AuditData, predictions: Sequence[Predictions]) -> np.ndarray:
    """(rows, members): probability of the positive label, else of the golden one, else of what the reference chose."""
    chosen = np.stack([found.probabilities for found in predictions], axis=1)
    if data.positive is not None:
        return np.asarray(chosen[:, :, data.labels.index(data.positive)])
    if data.multilabel:
        spread = np.abs(chosen - chosen[:, :1]).max(axis=1)
        column = np.argmax(spread, axis=1)
    else:
        column = data.table.classes if data.labelled else np.argmax(chosen[:, 0], axis=1)
    return np.asarray(np.take_along_axis(chosen, column[:, None, None], axis=2)[:, :, 0])


def disagreements(data: AuditData, members: Sequence[Member], predictions: Sequence[Predictions]) -> Exhibit:
    """The rows whose score changed most from the reference, for each student (the mean of its seeds)."""
    scores = shown_scores(data, predictions)
    rows = []
    for model in dict.fromkeys(member.model for member in members if member.role in ("student", "other")):
        student = scores[:, [at for at, member in enumerate(members) if member.model == model]].mean(axis=1)
        change = student - scores[:, 0]
        count = min(SHOWN, len(change))
        largest = np.argpartition(-np.abs(change), count - 1)[:count]
        largest = largest[np.lexsort((largest, -np.abs(change[largest])))]
        mentioned = data.find_identities(data.table.take(largest))
        rows += [
            _row(data, int(row), model, float(scores[row, 0]), float(student[row])) | {"identities": mentioned.of(at)}
            for at, row in enumerate(largest)
            if change[row] != 0
        ]
    return Exhibit(data.suite, Fidelity.code, "disagreements", rows)


def _row(data: AuditData, row: int, model: str, reference: float, student: float) -> dict[str, object]:
    gold = _gold(data, row)
    toxic = is_toxic(data.positive) if data.positive is not None else any(map(is_toxic, gold))
    return {
        "id": str(data.table.ids[row]),
        "text": data.table.texts[row][:TEXT],
        "gold": ", ".join(gold) if data.labelled else None,
        "reference_score": reference,
        "student_score": student,
        "model": model,
        "direction": "up" if student > reference else "down",
        "abusive": bool(toxic and (data.positive in gold or data.positive is None or reference >= 0.5)),
        "change": student - reference,
    }


def _gold(data: AuditData, row: int) -> list[str]:
    """The labels that hold in a row; `not` the label where the only one there is does not."""
    if data.table.targets is None:
        return []
    there = [label for label, share in zip(data.labels, data.table.targets[row], strict=True) if share >= 0.5]
    return there or ([f"not {data.labels[0]}"] if len(data.labels) == 1 else ["none"])


TOXIC = ("toxi", "hate", "insult", "abus", "offens", "threat", "obscen", "attack", "hostil", "unhealthy", "profan")


def is_toxic(label: str | None) -> bool:
    """Whether a label's name says that its texts may hurt a reader."""
    lowered = (label or "").lower()
    return any(part in lowered for part in TOXIC) and not lowered.startswith(("not", "non"))
