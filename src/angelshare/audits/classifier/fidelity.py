"""How closely does each model follow the reference, whatever the truth is?"""

from collections.abc import Sequence

import numpy as np

from angelshare.audits.base import ROWS, WHOLE, Answers, AuditData, Judgement, Member, Request, ask_rows
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.findings import Exhibit
from angelshare.metrics.fidelity import kl_rows, rank_correlation, rank_correlation_replicates
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
        point, replicates = [], []
        for member in predictions:
            rows = per_row(data, reference, member)
            ranks = [(reference.ranking(label), member.ranking(label)) for _, label in ranked]
            means = rows.mean(axis=0)
            point.append(np.concatenate((means[:2], [rank_correlation(*pair) for pair in ranks], means[2:])))
            replicates.append(_replicates(rows, ranks, resampling))
        table = Figured(stats, np.stack(point), np.stack(replicates, axis=1), resampling)
        findings = judged(data, self.code, answers, table)
        exhibits = [disagreements(data, answers.members, predictions)]
        return Judgement([f for f in findings if f.model != answers.reference], exhibits)


def _ranked(data: AuditData) -> list[tuple[str, str]]:
    """Slice and label of each score that is ranked."""
    if data.positive is not None:
        return [(WHOLE, data.positive)]
    return [(label, label) for label in data.labels]


def _replicates(rows: np.ndarray, ranks: list[tuple[np.ndarray, np.ndarray]], resampling: Resampling) -> np.ndarray:
    ones = np.zeros(len(rows), dtype=np.int64)
    sums = tallies(ones, 1, np.column_stack((rows, np.ones(len(rows)))), resampling)[:, 0]
    means = sums[:, :-1] / sums[:, -1:]
    correlations = [rank_correlation_replicates(reference, member, resampling) for reference, member in ranks]
    return np.column_stack((means[:, :2], *correlations, means[:, 2:]))


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
