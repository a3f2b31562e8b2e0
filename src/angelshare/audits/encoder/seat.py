"""Do the vectors of some people's names and words stand nearer to some attributes than those of others?"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from angelshare.audits.base import WHOLE, Answers, AuditData, Judgement, Request
from angelshare.audits.judging import Figured, Stat, judged
from angelshare.data.seat import DEFAULT, AssociationTest, read_tests
from angelshare.findings import Estimate, Exhibit, Finding, Outcome
from angelshare.metrics.association import associations, effect_size, standardised, unit
from angelshare.stats.multiplicity import benjamini_hochberg, holm
from angelshare.stats.permutation import Partitions, partitions
from angelshare.stats.resample import Resampling

SUITE = "seat"
EFFECT, MEAN, MEAN_SIZE, CHANCE = "effect_size", "mean_effect", "mean_effect_size", "permutation_p"

SHORT = dict(zip(DEFAULT, ("C6", "C6b", "C7", "C7b", "C8", "C8b"), strict=True))
"""What the literature calls the usual tests."""


class Seat:
    """The effect size d of association tests, its distance from zero, and its chance; see docs/audits/seat.md."""

    code = "seat"
    own_rows = True

    def inapplicable(self, data: AuditData) -> str:
        return ""

    def ask(self, data: AuditData) -> list[Request]:
        texts = Stimuli(read_tests(data.settings.tests)).texts
        ids = np.array([f"seat/{at}" for at in range(len(texts))], dtype=object)
        return [Request(_key(pooling), ids, texts, kind="encode", pooling=pooling) for pooling in data.settings.pooling]

    def judge(self, data: AuditData, answers: Answers) -> Judgement:
        data = replace(data, suite=SUITE)
        stimuli = Stimuli(read_tests(data.settings.tests))
        resampling = Resampling(stimuli.strata, draws=data.settings.draws, seed=data.settings.seed)
        findings: list[Finding] = []
        for pooling in data.settings.pooling:
            vectors = [unit(found.values) for found in answers.readings[_key(pooling)]]
            effects = [_effects(stimuli, each, resampling) for each in vectors]
            point, replicates = (_with_means(np.stack(part, axis=-2)) for part in zip(*effects, strict=True))
            figured = Figured(_stats(stimuli, pooling), point, replicates, resampling)
            findings += judged(data, self.code, answers, figured)
            findings += _chances(data, answers, stimuli, vectors, pooling)
        rows = [_row(test) for test in stimuli.tests]
        return Judgement(findings, [Exhibit(data.suite, self.code, "associations", rows)])


def _key(pooling: str) -> str:
    return f"seat-{pooling}"


class Stimuli:
    """The sentences of several tests.

    A set of sentences that stands in several tests (men's names, say) is drawn once for all of them.

    Attributes
    ----------
    texts : each sentence once.
    strata : (rows,) which set each row of the resampling belongs to; a row is a sentence of a set.
    """

    def __init__(self, tests: Sequence[AssociationTest]) -> None:
        self.tests = tests
        sets = list(dict.fromkeys(side for test in tests for side in test.sentences))
        self.texts = list(dict.fromkeys(sentence for side in sets for sentence in side))
        place = {sentence: at for at, sentence in enumerate(self.texts)}
        ends = np.cumsum([0, *map(len, sets)])
        self.strata = np.repeat(np.arange(len(sets)), np.diff(ends))
        self._text_of = np.array([place[sentence] for side in sets for sentence in side])
        self._span = {side: slice(ends[at], ends[at + 1]) for at, side in enumerate(sets)}

    def rows(self, test: AssociationTest) -> list[slice]:
        """Where both targets and both attributes stand among the rows."""
        return [self._span[side] for side in test.sentences]

    def vectors(self, test: AssociationTest, found: np.ndarray) -> list[np.ndarray]:
        """Those of both targets in one array, and of each attribute."""
        one, other, *attributes = (found[self._text_of[rows]] for rows in self.rows(test))
        return [np.concatenate((one, other)), *attributes]


def _effects(stimuli: Stimuli, vectors: np.ndarray, resampling: Resampling) -> tuple[np.ndarray, np.ndarray]:
    """The effect sizes of one model (tests,), and in each replicate (draws, tests)."""
    point = [
        effect_size(associations(*stimuli.vectors(test, vectors)), len(test.sentences[0])) for test in stimuli.tests
    ]
    replicates = np.empty((resampling.draws, len(stimuli.tests)))
    for start, stop in resampling.blocks():
        weights = resampling.weights(start, stop).astype(np.float64)
        for at, test in enumerate(stimuli.tests):
            one, other, *attributes = (weights[:, rows] for rows in stimuli.rows(test))
            scores = associations(*stimuli.vectors(test, vectors), *attributes)
            both = np.concatenate((one, other), axis=1)
            replicates[start:stop, at] = effect_size(scores, len(test.sentences[0]), both)
    return np.array(point), replicates


def _with_means(effects: np.ndarray) -> np.ndarray:
    """(..., tests + 2): the mean of d over the tests and that of |d| behind them."""
    means = (effects.mean(axis=-1, keepdims=True), np.abs(effects).mean(axis=-1, keepdims=True))
    return np.concatenate((effects, *means), axis=-1)


def _stats(stimuli: Stimuli, pooling: str) -> list[Stat]:
    def of(metric: str, slice: str, tests: Sequence[AssociationTest], family: str = "") -> Stat:
        sizes = [len(side) for side in {side for test in tests for side in test.sentences}]
        return Stat(f"{metric}@{pooling}", slice, {"smallest_set": min(sizes)}, family, rows=sum(sizes))

    tests = [of(EFFECT, test.name, [test], f"{SUITE}@{pooling}") for test in stimuli.tests]
    return [*tests, *(of(metric, WHOLE, stimuli.tests) for metric in (MEAN, MEAN_SIZE))]


def _chances(
    data: AuditData, answers: Answers, stimuli: Stimuli, vectors: Sequence[np.ndarray], pooling: str
) -> list[Finding]:
    """How often chance parts the targets as far, a finding a model and test; Holm over the tests."""
    findings = []
    for model in dict.fromkeys(answers.names):
        members = [found for found, name in zip(vectors, answers.names, strict=True) if name == model]
        found = [_chance(data, stimuli, test, members) for test in stimuli.tests]
        p = np.array([each.p for each in found])
        adjusted = zip(stimuli.tests, found, holm(p), benjamini_hochberg(p), strict=True)
        for test, each, p_holm, p_bh in adjusted:
            known = bool(np.isfinite(each.p))
            targets = len(test.sentences[0]) + len(test.sentences[1])
            method = "all partitions" if each.exact else "drawn partitions"
            value = Estimate(each.p, n=targets, method=method, level=data.settings.level, unit="none")
            findings.append(
                Finding(
                    suite=data.suite, audit=Seat.code, model=model, metric=f"{CHANCE}@{pooling}", slice=test.name,
                    better="neutral", value=value if known else None,
                    outcome=Outcome.NOT_JUDGED if known else Outcome.NOT_ENOUGH_DATA,
                    p=each.p if known else None, p_holm=float(p_holm) if known else None,
                    p_bh=float(p_bh) if known else None, counts={"partitions": each.count},
                    note="" if known else "All sentences have one association.",
                )
            )  # fmt: skip
    return findings


def _chance(data: AuditData, stimuli: Stimuli, test: AssociationTest, members: Sequence[np.ndarray]) -> Partitions:
    """Of the seeds' mean effect size: each seed's scores in units of their deviation, averaged."""
    scores = [standardised(associations(*stimuli.vectors(test, vectors))) for vectors in members]
    return partitions(np.mean(scores, axis=0), len(test.sentences[0]), seed=data.settings.seed)


def _row(test: AssociationTest) -> dict[str, object]:
    return {
        "test": test.name,
        "short": SHORT.get(test.name, test.name),
        "targets": [_spaced(name) for name in test.categories[:2]],
        "attributes": [_spaced(name) for name in test.categories[2:]],
        "sizes": [len(side) for side in test.sentences],
    }


def _spaced(name: str) -> str:
    """`MaleNames` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
