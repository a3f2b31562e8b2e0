"""How much does a masked model's answer change when the words of pairs (she and he, say) are swapped?"""

from collections.abc import Sequence

import numpy as np

from angelshare.audits.base import Answers, AuditData, Judgement, Request
from angelshare.audits.encoder.vocabularies import compared
from angelshare.audits.judging import Figured, Stat
from angelshare.mitigate.pairs import PairList, open_words
from angelshare.stats.resample import Resampling, tallies
from angelshare.types import Readings

KEY = "swapped"
METRICS = ("swap_divergence", "swap_divergence_others", "swap_divergence_words")
SUMS = ("divergence_others", "others", "divergence_words", "words")


class PairSwaps:
    """Divergence between the answers to a text and to its twin; see docs/audits/pair-swaps.md."""

    code = "pair-swaps"
    own_rows = False

    def inapplicable(self, data: AuditData) -> str:
        pairs = open_words(data.settings.pairs)
        return "" if len(_rows(data, pairs)) else f"No text has a word of {pairs.name}."

    def ask(self, data: AuditData) -> list[Request]:
        pairs = open_words(data.settings.pairs)
        rows = _rows(data, pairs)
        texts = [data.table.texts[row] for row in rows]
        twins = tuple(pairs.twins(text)[0].text for text in texts)
        return [Request(KEY, data.table.ids[rows], texts, kind="swap", twins=twins)]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        rows = _rows(data, open_words(data.settings.pairs))
        clusters = None if data.table.clusters is None else data.table.clusters[rows]
        one = np.zeros(len(rows), dtype=np.int64)
        resampling = Resampling(one, clusters=clusters, draws=data.settings.draws, seed=data.settings.seed)
        found = answers.readings[KEY]
        return Judgement(compared(data, self.code, answers, found, lambda some: _figured(some, resampling)))


def _rows(data: AuditData, pairs: PairList) -> np.ndarray:
    """The texts with a pair word."""
    return np.array([row for row, text in enumerate(data.table.texts) if pairs.pattern.search(text)], dtype=np.int64)


def _figured(found: Sequence[Readings], resampling: Resampling) -> Figured:
    sums = [np.stack([each.column(name) for name in SUMS], axis=1) for each in found]
    one = np.zeros(len(sums[0]), dtype=np.int64)
    stats = [Stat(metric, counts={"words": int(sums[0][:, 3].sum())}, rows=len(one)) for metric in METRICS]
    point = np.stack([_of_sums(each.sum(axis=0)) for each in sums])
    drawn = [_of_sums(tallies(one, 1, each, resampling)[:, 0]) for each in sums]
    return Figured(stats, point, np.stack(drawn, axis=1), resampling)


def _of_sums(sums: np.ndarray) -> np.ndarray:
    """(..., 3): a token's mean divergence over all tokens, those that stay, and those swapped; NaN where none is."""
    kept, words = sums[..., :2], sums[..., 2:]
    parts = np.stack((kept + words, kept, words), axis=-2)
    tokens = np.where(parts[..., 1] > 0, parts[..., 1], np.nan)
    found: np.ndarray = parts[..., 0] / tokens
    return found
