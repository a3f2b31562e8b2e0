"""Does a model repeat another scorer's false alarms?"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int

from angelshare.audits.base import NO_LABELS, NO_POSITIVE, Answers, AuditData, Judgement, Request
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.metrics.ranking import auc_pr, auc_roc, ranking_replicates
from angelshare.runs import rng
from angelshare.stats.resample import tallies

ALARM = 0.75
"""The scorer raises an alarm above this probability."""

SCORED = "scored"
NO_SCORER = "No scorer says which rows raise a false alarm: name a score column, or a model as scorer=MODEL."


class FalsePositives:
    """AUC and false positive rate, half the rows another's false alarms; see docs/audits/false-positives.md."""

    code = "false-positives"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        if not data.labelled:
            return NO_LABELS
        if data.positive is None:
            return NO_POSITIVE
        if data.table.scores is None and not data.scorer:
            return NO_SCORER
        known = data.table.scores is not None or data.scored is not None
        return "" if not known or len(chosen(data)) else "The scorer raised no false alarm on these rows."

    def ask(self, data: AuditData) -> list[Request]:
        """First what the scorer says, where no column tells; then the chosen rows."""
        table = data.table
        if table.scores is None and data.scored is None:
            return [Request(SCORED, table.ids, table.texts, to="scorer")]
        rows = chosen(data)
        return [Request(key_of(data), table.ids[rows], [table.texts[row] for row in rows])]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        assert data.positive is not None
        rows, label = chosen(data), data.positive
        positive, alarm = data.truth(label)[rows], alarms(data)[rows]
        predictions = answers.predictions[key_of(data)]
        ranking = np.stack([member.ranking(label) for member in predictions], axis=1)
        shares = np.stack([member.probabilities[:, member.column(label)] for member in predictions], axis=1)
        raised = shares >= data.settings.threshold
        mine = replace(data, table=data.table.take(rows))
        resampling = mine.resampling(2 * positive.astype(np.int64) + alarm)
        sums = tallies(positive.astype(np.int64), 2, np.column_stack((np.ones(len(rows)), raised)), resampling)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = sums[:, 0, 1:] / sums[:, 0, :1]
        areas = [(auc_roc(column, positive), auc_pr(column, positive)) for column in ranking.T]
        point = np.column_stack((np.array(areas), raised[~positive].mean(axis=0)))
        replicates = np.stack((*ranking_replicates(ranking, positive, resampling), rates), axis=-1)
        least = data.settings.min_cell
        sizes = {"positives": int(positive.sum()), "negatives": int((~positive).sum())}
        short = {"auc_roc": min(sizes.values()) < least, "auc_pr": min(sizes.values()) < least}
        short["false_positive_rate"] = sizes["negatives"] < least
        point[:, list(short.values())] = np.nan
        stats = []
        for metric, too_few in short.items():
            cells = sizes if metric.startswith("auc") else {"negatives": sizes["negatives"]}
            note = f"Fewer than {least} rows of a class." if too_few else ""
            stats.append(Stat(metric, counts={**cells, "alarms": int(alarm.sum())}, note=note))
        return Judgement(judged(data, self.code, answers, Figured(stats, point, replicates, resampling)))


def key_of(data: AuditData) -> str:
    """Of the chosen rows' answer: other rows in every suite."""
    return f"false-positives/{data.suite}"


def alarms(data: AuditData) -> Bool[np.ndarray, " rows"]:
    """Rows that people do not find toxic, and the scorer does."""
    assert data.positive is not None
    if data.table.scores is not None:
        scores = data.table.scores
    else:
        assert data.scored is not None
        scores = data.scored.probabilities[:, data.scored.column(data.positive)]
    return np.asarray((scores > ALARM) & ~data.truth(data.positive))


def chosen(data: AuditData) -> Int[np.ndarray, " chosen"]:
    """Positions of the false alarms and of as many rows drawn at random from the others, in the table's order."""
    found = alarms(data)
    draw = rng(data.settings.seed, "false-positives")
    true, others = (draw.permutation(np.flatnonzero(which)) for which in (found, ~found))
    half = min(len(true), len(others))
    return np.sort(np.concatenate((true[:half], others[:half])))
