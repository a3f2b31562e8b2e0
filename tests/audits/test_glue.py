"""GLUE's figures against scikit-learn and scipy, their replicates against rows that are really repeated."""

from dataclasses import replace

import numpy as np
import pytest
from glue_example import data_of, gold, member, said
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from angelshare.audits.base import Answers
from angelshare.audits.encoder.glue import AVERAGE, NO_TASKS, Glue, correlations, rates
from angelshare.data.glue import ORIGINAL, TASKS, tasks_named
from angelshare.errors import DataError
from angelshare.findings import Outcome
from angelshare.stats.resample import Resampling

from .example import pick

NAMES = ("cola", "mrpc", "sts", "mnli")


def judged(tasks, by_member, **settings):
    """`by_member`: (name, seed) -> (task -> predictions)."""
    members = [member(*key) for key in by_member]
    answers = Answers(members, {task: [found[task] for found in by_member.values()] for task in tasks})
    return Glue().judge(data_of(tasks, **settings), answers).findings


def run(noise, seed=0, model="student", tasks=None):
    return {name: said(table, noise, seed, model) for name, table in tasks.items()}


@pytest.fixture(scope="module")
def tasks():
    return {name: gold(name) for name in NAMES}


def expected(table, found, part):
    at = table.kinds["part"] == part
    truth = table.targets[at, 0] if table.regression else table.classes[at]
    decided = found.scores[at, 0] if table.regression else found.scores[at].argmax(1)
    return truth.astype(np.float64), decided.astype(np.float64)  # scipy would correlate in float32


ORACLES = {
    "accuracy": accuracy_score,
    "f1": f1_score,
    "mcc": matthews_corrcoef,
    "pearson": lambda x, y: pearsonr(x, y).statistic,
    "spearman": lambda x, y: spearmanr(x, y).statistic,
}


def test_each_task_has_its_own_figures(tasks):
    one = run(0.7, model="reference", tasks=tasks)
    findings = judged(tasks, {("reference", 0): one})
    scores = []
    for name, table in tasks.items():
        cells = []
        for part in TASKS[name].judged:
            for figure in TASKS[name].figures:
                found = pick(findings, "reference", figure, part)
                cells.append(ORACLES[figure](*expected(table, one[name], part)))
                assert found.value.value == pytest.approx(cells[-1], abs=1e-6)
                assert found.value.n == (table.kinds["part"] == part).sum()
        scores.append(np.mean(cells))
        metric, slice = TASKS[name].scored
        assert pick(findings, "reference", metric, slice).value.value == pytest.approx(scores[-1], abs=1e-6)
    average = pick(findings, "reference", AVERAGE)
    assert average.value.value == pytest.approx(np.mean(scores), abs=1e-6)
    assert average.value.n == sum(map(len, tasks.values())) and "cola, mrpc, sts, mnli" in average.note
    assert len(findings) == 1 + 1 + 3 + 3 + 3


@pytest.mark.parametrize("name", ["cola", "mrpc", "sts"])
def test_replicates_are_figures_of_repeated_rows(tasks, name):
    table, figures = tasks[name], TASKS[name].figures
    found = said(table, 0.7)
    strata = np.zeros(len(table), dtype=np.int64) if table.regression else table.classes
    resampling = Resampling(strata, draws=100, seed=3)
    _, drawn = (correlations if table.regression else rates)(figures, table, found, resampling)
    truth, decided = expected(table, found, name)
    brute = np.array(
        [
            [ORACLES[figure](np.repeat(truth, times), np.repeat(decided, times)) for figure in figures]
            for times in resampling.weights()
        ]
    )
    np.testing.assert_allclose(drawn, brute, atol=1e-9)


def test_differences_are_paired_and_have_outcomes(tasks):
    reference = run(0.6, model="reference", tasks=tasks)
    by_member = {
        ("reference", 0): reference,
        ("same", 0): {name: replace(found, model="same") for name, found in reference.items()},
        ("worse", 0): run(3.0, 1, "worse", tasks),
    }
    findings = judged(tasks, by_member)
    for name in NAMES:
        metric, slice = TASKS[name].scored
        same, worse = (pick(findings, model, metric, slice) for model in ("same", "worse"))
        assert same.delta.value == 0 and same.outcome is Outcome.NO_LOSS
        assert worse.outcome is Outcome.LOSS and worse.margin == 0.02
        assert worse.family_size == 10 and worse.family_low < worse.delta.low
    average = pick(findings, "worse", AVERAGE)
    assert average.outcome is Outcome.LOSS and average.margin == 0.01 and average.family_size == 1
    lost = [pick(findings, "worse", *TASKS[name].scored) for name in NAMES]
    assert average.delta.value == pytest.approx(np.mean([finding.delta.value for finding in lost]))
    widths = [finding.delta.high - finding.delta.low for finding in lost]
    independent = np.sqrt(np.square(widths).sum()) / len(widths)  # tasks are drawn apart from each other
    assert average.delta.high - average.delta.low == pytest.approx(independent, rel=0.25)


def test_seeds_are_averaged_and_shown(tasks):
    cola = {"cola": tasks["cola"]}
    by_member = {("reference", 0): run(0.6, model="reference", tasks=cola)}
    by_member |= {("student", seed): run(0.9, seed + 1, tasks=cola) for seed in range(3)}
    found = pick(judged(cola, by_member), "student", "mcc", "cola")
    assert len(found.seeds) == 3 and found.value.value == pytest.approx(np.mean(found.seeds))


def test_the_same_seed_gives_the_same_findings(tasks):
    by_member = {("reference", 0): run(0.6, model="reference", tasks=tasks), ("student", 0): run(1, tasks=tasks)}
    assert judged(tasks, by_member) == judged(tasks, by_member)
    assert judged(tasks, by_member) != judged(tasks, by_member, seed=1)


def test_what_cannot_be_measured_is_missing_not_zero(tasks):
    few = {"cola": gold("cola", 30), "sts": tasks["sts"]}
    by_member = {("reference", 0): run(0.6, model="reference", tasks=few), ("student", 0): run(1, tasks=few)}
    constant = replace(by_member["student", 0]["sts"], scores=np.full((300, 1), 2.5, dtype=np.float32))
    by_member["student", 0] = {**by_member["student", 0], "sts": constant}
    findings = judged(few, by_member)
    cola = pick(findings, "reference", "mcc", "cola")
    assert cola.value is None and cola.outcome is Outcome.NOT_ENOUGH_DATA and "Fewer than 20" in cola.note
    for metric in ("pearson", "spearman", "task_score"):
        assert pick(findings, "student", metric, "sts").value is None
        assert pick(findings, "reference", metric, "sts").value is not None
    assert all(pick(findings, model, AVERAGE).value is None for model in ("reference", "student"))


def test_one_row_has_no_figure():
    alone = {name: gold(name).take([0]) for name in ("cola", "sts")}
    findings = judged(alone, {("reference", 0): run(0.6, model="reference", tasks=alone)})
    assert {finding.outcome for finding in findings} == {Outcome.NOT_ENOUGH_DATA}


def test_without_tasks_it_does_not_apply(tasks):
    assert Glue().inapplicable(data_of({})) == NO_TASKS
    assert not Glue().inapplicable(data_of(tasks))
    assert [request.key for request in Glue().ask(data_of(tasks))] == list(NAMES)


def test_tasks_by_name():
    assert len(ORIGINAL) == 8
    for names, words in ((("wnli",), "Got 'wnli'"), ((), "Got ''"), (("cola", "cola"), "named twice")):
        with pytest.raises(DataError, match=words):
            tasks_named(names)
