"""How well does a masked model guess hidden tokens?"""

from collections.abc import Sequence

import numpy as np

from angelshare.audits.base import Answers, AuditData, Judgement, Request
from angelshare.audits.encoder.vocabularies import compared
from angelshare.audits.judging import Figured, Stat
from angelshare.stats.resample import Resampling, tallies
from angelshare.types import Readings

KEY = "hidden"


class Mlm:
    """Accuracy and pseudo-perplexity of tokens hidden one at a time; see docs/audits/mlm.md."""

    code = "mlm"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        return ""

    def ask(self, data: AuditData) -> list[Request]:
        return [Request(KEY, data.table.ids, data.table.texts, kind="mask", seed=data.settings.seed)]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        resampling = data.resampling(np.zeros(len(data.table), dtype=np.int64))
        found = answers.readings[KEY]
        return Judgement(compared(data, self.code, answers, found, lambda some: _figured(some, resampling)))


def _figured(found: Sequence[Readings], resampling: Resampling) -> Figured:
    hidden = {"hidden": int(found[0].column("hidden").sum())}
    stats = [Stat("masked_accuracy", counts=hidden), Stat("pseudo_perplexity", counts=hidden)]
    each = [_figures(readings, resampling) for readings in found]
    point, replicates = ([pair[at] for pair in each] for at in (0, 1))
    return Figured(stats, np.stack(point), np.stack(replicates, axis=1), resampling)


def _figures(found: Readings, resampling: Resampling) -> tuple[np.ndarray, np.ndarray]:
    """Both figures (2,), and in each replicate (draws, 2)."""
    sums = np.stack([found.column(name) for name in ("log_prob", "right", "hidden")], axis=1)
    drawn = tallies(np.zeros(len(sums), dtype=np.int64), 1, sums, resampling)[:, 0]
    return _of_sums(sums.sum(axis=0)), _of_sums(drawn)


def _of_sums(sums: np.ndarray) -> np.ndarray:
    """(..., 2): the share guessed, and exp of the mean surprise; NaN where no token was hidden."""
    hidden = np.where(sums[..., 2] > 0, sums[..., 2], np.nan)
    return np.stack((sums[..., 1] / hidden, np.exp(-sums[..., 0] / hidden)), axis=-1)
