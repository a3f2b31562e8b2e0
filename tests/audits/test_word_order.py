"""Word-order sensitivity: the rows, the shuffles, and the figures against a straightforward computation."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from angelshare.audits.base import ROWS, Answers, Member
from angelshare.audits.classifier.drawn import SHUFFLES, draw_rows
from angelshare.audits.classifier.word_order import WordOrder
from angelshare.findings import Outcome
from angelshare.runs import digest
from angelshare.types import Predictions

from .example import data_of, pick, toxicity

WORDS = ("film", "plot", "scene", "cast", "story", "line", "song", "shot")
NAMES = ("dull", "fine", "great")


def table_of(rows=900, labels=NAMES, multilabel=False, seed=0, ends=(".", "", " !"), sentences=1, **changes):
    """Texts of four to ten words, their label among them, and a word before or behind it that an order may turn."""
    rng = np.random.default_rng(seed)
    targets = np.zeros((rows, len(labels)), dtype=np.float32)
    texts = []
    for row in range(rows):
        label = int(rng.choice(len(labels), p=np.arange(1, len(labels) + 1) / sum(range(len(labels) + 1))))
        targets[row, label] = 1
        parts = []
        for _ in range(sentences):
            words = [*rng.choice(WORDS, rng.integers(3, 9)), labels[label]]
            parts.append(" ".join(rng.permutation(words)) + ends[row % len(ends)])
        texts.append(" ".join(parts))
    parts = {"texts": texts, "labels": labels, "multilabel": multilabel, "targets": targets, "identities": {}}
    return toxicity(rows, **{**parts, **changes})


class Reader:
    """Finds the label's word, and errs by the order of the text: `slips` is how often."""

    def __init__(self, name, slips, labels=NAMES, multilabel=False):
        self.name, self.slips, self.labels, self.multilabel = name, slips, labels, multilabel

    def __call__(self, ids, texts):
        scores = np.zeros((len(texts), len(self.labels)))
        for row, text in enumerate(texts):
            rng = np.random.default_rng(int(digest(self.name, text)[:8], 16))
            scores[row] = [2.0 * (label in text) - 1 for label in self.labels]
            if rng.random() < self.slips:
                scores[row] = rng.permutation(scores[row]) if len(self.labels) > 1 else -scores[row]
        return Predictions(self.name, np.array(ids, dtype=object), self.labels, self.multilabel, scores)


class Never(Reader):
    """Right about nothing."""

    def __call__(self, ids, texts):
        found = super().__call__(ids, texts)
        return replace(found, scores=-found.scores)


def asked(data, *readers):
    """What the members answer to both rounds, and what each was asked."""
    audit = WordOrder()
    (request,) = audit.ask(data)
    seeds = {}
    members = []
    for reader in readers:
        role = "reference" if reader.name == "reference" else "control" if ":" in reader.name else "student"
        members.append(Member(reader.name, role, seeds.setdefault(reader.name, 0)))
        seeds[reader.name] += 1
    first = Answers(members, {ROWS: [reader(request.ids, request.texts) for reader in readers]})
    requests = audit.follow(data, first)
    stayed = [at for at, own in enumerate(requests) if own]
    predictions = {ROWS: [first.predictions[ROWS][at] for at in stayed]}
    for at in stayed:
        for own in requests[at]:
            predictions.setdefault(own.key, []).append(readers[at](own.ids, own.texts))
    return Answers([members[at] for at in stayed], predictions), requests


def shares(data, reader, requests, problem=None):
    """(kept by row and block, truth by row), in plain Python, out of what was asked and nothing else."""
    place = {row_id: at for at, row_id in enumerate(data.table.ids)}
    kept = {}
    for request in requests:
        scores = reader(request.ids, request.texts).scores
        for name, row in zip(request.ids, scores, strict=True):
            row_id, block, _ = name.rsplit("/", 2)
            truth = data.table.targets[place[row_id]]
            right = row.argmax() == truth.argmax() if problem is None else (row[problem] >= 0) == truth[problem]
            kept.setdefault(row_id, {}).setdefault(int(block[0]), []).append(right)
    return kept, {row_id: data.table.targets[place[row_id]] for row_id in kept}


def test_figures_equal_a_straightforward_computation():
    data = data_of(table_of(), positive=None)
    readers = [Reader("reference", 0.3), Reader("student", 0.6)]
    answers, requests = asked(data, *readers)
    findings = WordOrder().judge(data, answers).findings
    for reader, own in zip(readers, requests, strict=True):
        kept, truth = shares(data, reader, own)
        counts = np.sum(list(truth.values()), axis=0)
        assert len(set(counts)) == 1 and counts[0] >= 20
        for metric, block in (("wos", 1), ("wos_2", 2), ("wos_3", 3)):
            p = 100 * np.mean([np.mean(rows[block]) for rows in kept.values()])
            finding = pick(findings, reader.name, metric)
            assert finding.value.value == pytest.approx((100 - p) / (100 - 100 / 3), abs=1e-9)
            assert finding.value.n == len(kept) == 3 * finding.counts["of_each_label"]
            assert finding.value.low < finding.value.value < finding.value.high
            assert all(len(rows[block]) == SHUFFLES for rows in kept.values())
            if block == 1:
                assert pick(findings, reader.name, "wos_by_50").value.value == pytest.approx((100 - p) / 50, abs=1e-9)
    both = [shares(data, reader, own)[0] for reader, own in zip(readers, requests, strict=True)]
    common = sorted(set(both[0]) & set(both[1]), key=lambda name: int(name[1:]))
    assert len(common) > 60
    found = pick(findings, "student", "wos_change")
    assert found.value.low < found.value.value < found.value.high
    assert {f.outcome for f in findings} == {Outcome.NOT_JUDGED} and {f.better for f in findings} == {"neutral"}
    assert all(f.delta is None and f.reference is None for f in findings)


def test_the_change_is_that_on_rows_both_get_right():
    data = data_of(table_of(rows=2000), positive=None)
    readers = [Reader("reference", 0.2), Reader("student", 0.5)]
    answers, requests = asked(data, *readers)
    found = pick(WordOrder().judge(data, answers).findings, "student", "wos_change")
    both = [shares(data, reader, own) for reader, own in zip(readers, requests, strict=True)]
    drawn = draw_rows(data)
    names = [data.table.ids[row] for row in drawn.rows]
    common = [name for name in names if name in both[0][0] and name in both[1][0]]
    by_label = [[name for name in common if both[0][1][name][label]] for label in range(3)]
    size = min(map(len, by_label))
    rows = [name for mine in by_label for name in mine[:size]]
    p = [np.mean([np.mean(kept[name][1]) for name in rows]) for kept, _ in both]
    assert found.value.value == pytest.approx((p[0] - p[1]) / (1 - 1 / 3), abs=1e-9)
    assert found.value.n == 3 * size


def test_rows_are_right_balanced_of_one_sentence_and_more_than_three_words():
    table = table_of(rows=300, labels=("bad", "good"))
    table.texts[:4] = ["bad", "good film plot", "bad film plot. good story line", "bad bad bad bad"]
    table.texts[4] = "bad plot " * 2_000
    table.texts[5] = "bad film plot \ud800 scene."
    data = data_of(table, positive="good")
    reader = Reader("reference", 0.4, ("bad", "good"))
    drawn = draw_rows(data)
    assert not {0, 1, 2, 3, 4} & set(drawn.rows.tolist())
    _, (requests,) = asked(data, reader)
    rows = {name.rsplit("/", 2)[0] for request in requests for name in request.ids}
    place = {row_id: at for at, row_id in enumerate(table.ids)}
    truth = [int(table.targets[place[name]].argmax()) for name in rows]
    assert truth.count(0) == truth.count(1) > 20
    first = reader(table.ids, table.texts).scores.argmax(axis=1)
    assert all(first[place[name]] == label for name, label in zip(rows, truth, strict=True))
    for request in requests:
        for name, text in zip(request.ids, request.texts, strict=True):
            before = table.texts[place[name.rsplit("/", 2)[0]]]
            assert text != before and sorted(text.replace(".", "").split()) == sorted(before.replace(".", "").split())


def test_which_other_rows_are_right_changes_no_rows_shuffles():
    data = data_of(table_of(), positive=None)
    _, (one, other) = asked(data, Reader("reference", 0.1), Reader("student", 0.6))
    texts = [dict(zip(each[0].ids, each[0].texts, strict=True)) for each in (one, other)]
    common = set(texts[0]) & set(texts[1])
    assert len(common) > 200
    assert all(texts[0][name] == texts[1][name] for name in common)


def bag(binary=False):
    table = table_of(rows=900, seed=3)
    fitted = make_pipeline(CountVectorizer(binary=binary), LogisticRegression())
    fitted.fit(table.texts, np.array(NAMES)[table.classes])

    def answer(ids, texts):
        scores = np.log(fitted.predict_proba(texts)) if len(texts) else np.zeros((0, 3))
        return Predictions("reference", np.array(ids, dtype=object), NAMES, False, scores)

    answer.name = "reference"
    return answer


@pytest.mark.parametrize("sentences", [1, 3])
def test_a_model_blind_to_order_has_exactly_none(sentences):
    data = data_of(table_of(sentences=sentences, ends=(".",)), positive=None)
    answers, _ = asked(data, bag())
    findings = WordOrder().judge(data, answers).findings
    assert {f.metric for f in findings} == {"wos", "wos_2", "wos_3", "wos_by_50"}
    for finding in findings:
        assert finding.value.value == 0.0 and finding.value.low == 0.0
        assert 0 < finding.value.high < 0.05
        assert ("several sentences" in finding.note) == (sentences > 1)


def test_each_of_several_labels_is_a_problem_of_two_classes():
    labels = ("rude", "threat", "spam")
    table = table_of(rows=1500, labels=labels, multilabel=True)
    table.targets[:, 2] = 0
    table.targets[:7, 2] = 1
    data = data_of(table, positive=None)
    reader = Reader("reference", 0.3, labels, True)
    answers, (requests,) = asked(data, reader)
    judgement = WordOrder().judge(data, answers)
    found = []
    for problem, label in enumerate(labels[:2]):
        kept, _ = shares(data, reader, requests, problem)
        first = reader(table.ids, table.texts).scores
        drawn = draw_rows(data)
        cells = {0: [], 1: []}
        for row in drawn.rows:
            name = table.ids[row]
            holds = int(table.targets[row, problem])
            if (first[row, problem] >= 0) == holds:
                cells[holds].append(name)
        size = min(map(len, cells.values()))
        assert size >= 20
        p = np.mean([np.mean(kept[name][1]) for mine in cells.values() for name in mine[:size]])
        finding = pick(judgement.findings, "reference", "wos", label)
        assert finding.value.value == pytest.approx(2 * (1 - p), abs=1e-9)
        assert finding.counts["positives"] == finding.counts["negatives"] == size
        found.append(2 * (1 - p))
    assert pick(judgement.findings, "reference", "wos", "spam").outcome is Outcome.NOT_ENOUGH_DATA
    whole = pick(judgement.findings, "reference", "wos")
    assert whole.value.value == pytest.approx(np.mean(found), abs=1e-9)
    assert whole.note == "Mean over 2 of 3 labels." and whole.counts["labels"] == 2
    assert not [f for f in judgement.findings if f.metric == "wos_by_50"]


def test_seeds_of_a_student_have_rows_of_their_own_and_controls_are_not_asked():
    data = data_of(table_of(), positive=None)
    readers = [Reader("reference", 0.1), Reader("student", 0.3), Reader("student", 0.5), Reader("student:gold", 0.5)]
    answers, requests = asked(data, *readers)
    assert requests[3] == [] and len(answers.members) == 3
    findings = WordOrder().judge(data, answers).findings
    finding = pick(findings, "student", "wos")
    singles = []
    for reader, own in zip(readers[1:3], requests[1:3], strict=True):
        kept, _ = shares(data, reader, own)
        singles.append((1 - np.mean([np.mean(rows[1]) for rows in kept.values()])) * 1.5)
    assert list(finding.seeds) == pytest.approx(singles, abs=1e-9)
    assert finding.value.value == pytest.approx(np.mean(singles), abs=1e-9)
    assert len(pick(findings, "student", "wos_change").seeds) == 2
    assert not [f for f in findings if f.model == "student:gold"]


def test_too_few_rows_and_no_labels_are_said():
    data = data_of(table_of(rows=30), positive=None)
    answers, (requests,) = asked(data, Reader("reference", 0.2))
    assert all(len(request.texts) == 0 for request in requests)
    findings = WordOrder().judge(data, answers).findings
    assert {f.outcome for f in findings} == {Outcome.NOT_ENOUGH_DATA}
    assert all("Fewer than 20 rows of a label" in f.note for f in findings)
    assert "no labels" in WordOrder().inapplicable(data_of(replace(data.table, targets=None), positive=None))
    one = data_of(table_of(rows=1), positive=None)
    assert WordOrder().judge(one, asked(one, Reader("reference", 0))[0]).findings


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_seed_without_enough_rows_leaves_no_figure(multilabel):
    labels = ("rude", "kind")
    data = data_of(table_of(rows=200, labels=labels, multilabel=multilabel), positive=None)
    readers = [Reader("reference", 0, labels, multilabel), Reader("student", 0, labels, multilabel)]
    findings = WordOrder().judge(data, asked(data, *readers, Never("student", 0, labels, multilabel))[0]).findings
    assert pick(findings, "reference", "wos").value.value == 0
    for metric in ("wos", "wos_change"):
        assert pick(findings, "student", metric).outcome is Outcome.NOT_ENOUGH_DATA


def test_the_same_seed_asks_the_same_and_another_does_not():
    texts = []
    for seed in (0, 0, 1):
        data = data_of(table_of(), positive=None, seed=seed)
        texts.append(WordOrder().follow(data, None)[0][0].texts)
    assert texts[0] == texts[1] != texts[2]


def test_rows_of_one_template_are_resampled_together():
    rng = np.random.default_rng(0)
    table = table_of(rows=600, labels=("bad", "good"))
    clustered = data_of(replace(table, clusters=rng.integers(0, 60, 600)), positive="good")
    answers, _ = asked(clustered, Reader("reference", 0.3, ("bad", "good")))
    assert pick(WordOrder().judge(clustered, answers).findings, "reference", "wos").value.unit == "cluster"


def test_what_the_report_is_told():
    data = data_of(table_of(), positive=None)
    answers, _ = asked(data, Reader("reference", 0.3), Reader("student", 0.6))
    judgement = WordOrder().judge(data, answers)
    order, made = judgement.exhibits
    assert [row["model"] for row in order.rows] == ["reference", "student"]
    assert order.rows[0]["broken"][0] == pytest.approx(pick(judgement.findings, "reference", "wos").value.value * 2 / 3)
    (facts,) = made.rows
    assert facts["rows"] == 900 and facts["labels"] == 3 and 0.8 < facts["entropy"] < 1
    assert facts["rarest"] == "dull" and facts["rarest_rows"] == int(data.table.targets[:, 0].sum())
