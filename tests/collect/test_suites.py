"""The named suites, on files of our own making in their publishers' formats."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from typer.testing import CliRunner

from angelshare.audits import registry
from angelshare.cli.main import app
from angelshare.collect import audit, export_texts
from angelshare.collect.suites import Suite, named
from angelshare.data.catalogue import open_set
from angelshare.data.tables import SET, Table, sampled
from angelshare.errors import DataError, ModelError
from angelshare.findings import Outcome

from . import official
from .example import Counting, rows, write

NAMES = ("civil-comments", "madlibs-short", "madlibs-long", "hatecheck", "false-positives", "covert", "toxigen")


@pytest.fixture
def root(tmp_path, monkeypatch):
    folder = tmp_path / "sets"
    folder.mkdir()
    monkeypatch.setenv("ANGELSHARE_DATA", str(folder))
    official.all_sets(folder)
    return folder


def run(*suites, noise=2.0, **more):
    more = {"draws": 100, "reference": Counting("teacher", 0.8), "small": Counting("small", noise), **more}
    return audit(suites=list(suites), **more)


def figure(result, suite, metric, slice="all", model="small", audit=None):
    found = [
        f
        for f in result.findings
        if (f.suite, f.metric, f.slice, f.model) == (suite, metric, slice, model) and audit in (None, f.audit)
    ]
    assert len(found) == 1, (suite, metric, slice, found)
    return found[0]


def answered(result, table, name, suite):
    """A model's log-odds on a table, out of what the audit kept."""
    ids = [f"{suite}/{row_id}" for row_id in table.ids]
    kept = next(p for p in result.predictions.values() if p.model == name and list(p.ids) == ids)
    return kept.scores[:, 0].astype(float)


def test_the_names_are_those_of_the_docs_and_the_help():
    assert set(named()) == set(NAMES)
    shown = CliRunner().invoke(app, ["audit", "--help"], env={"COLUMNS": "300"}).output.replace("│", " ")
    said = " ".join(shown.split())
    for name in (*NAMES, *registry.AUDITS):
        assert name in said, name
    for suite in named().values():
        for code in suite.audits:
            assert registry.find(code)
        for source in (*suite.data, *filter(None, [suite.otherwise])):
            assert source.startswith(SET)


@pytest.mark.parametrize("name", NAMES)
def test_every_suite_brings_its_rows(root, name):
    result = run(name, scorer=Counting("third", 3.0))
    assert {re.sub("^covert-.*", "covert", f.suite) for f in result.findings} == {name}
    assert {f.audit for f in result.findings} == set(named()[name].audits)
    values = [f for f in result.findings if f.model == "small" and f.slice == "all" and f.value is not None]
    assert values, name
    assert not [f for f in result.findings if f.outcome is Outcome.FAILED]
    result.to_html(root / "report.html")


def test_several_at_once_and_the_swaps_need_no_data(root):
    result = run("hatecheck", "madlibs-short", "identity-swaps", positive="toxic")
    assert {f.suite for f in result.findings} == {"hatecheck", "madlibs-short", "swaps-toxicity"}


class Rounded(Counting):
    """Whole log-odds, so that most scores tie."""

    def predict_logits(self, texts):
        return np.round(super().predict_logits(texts))


@pytest.mark.parametrize("kind", [Counting, Rounded])
def test_hatecheck_equals_a_straightforward_computation(root, kind):
    result = run("hatecheck", reference=kind("teacher", 0.8), small=kind("small", 2.0))
    frame = pd.read_csv(root / "hatecheck" / "test_suite_cases.csv", keep_default_na=False)
    table = open_set("hatecheck", "test")
    truth = (frame.label_gold == "hateful").to_numpy()
    for model in ("reference", "small"):
        scores = answered(result, table, model, "hatecheck")
        frame["right"] = (1 / (1 + np.exp(-scores)) >= 0.5) == truth
        wanted = {"auc_roc": roc_auc_score(truth, scores), "auc_pr": average_precision_score(truth, scores)}
        for metric, value in wanted.items():
            finding = figure(result, "hatecheck", metric, model=model)
            assert finding.value.value == pytest.approx(value, abs=1e-9)
            assert finding.value.unit == "cluster"
        for column in ("functionality", "target_ident"):
            means = frame[frame[column] != ""].groupby(column).right.mean()
            for value, mean in means.items():
                finding = figure(result, "hatecheck", "accuracy", f"{column}: {value}", model)
                assert finding.value.value == pytest.approx(mean, abs=1e-9)
        for group, identity in (("women", "female"), ("Muslims", "muslim")):
            mine = (frame.target_ident == group).to_numpy()
            parts = {
                "subgroup_auc": mine, "bpsn_auc": np.where(truth, ~mine, mine), "bnsp_auc": np.where(truth, mine, ~mine)
            }  # fmt: skip
            for metric, part in parts.items():
                finding = figure(result, "hatecheck", metric, identity, model)
                counts = [int((part & truth).sum()), int((part & ~truth).sum())]
                if min(counts) >= 20:
                    value = roc_auc_score(truth[part], scores[part])
                    assert finding.value.value == pytest.approx(value, abs=1e-9)
                else:
                    assert finding.outcome is Outcome.NOT_ENOUGH_DATA


def test_madlibs_by_term_equals_a_straightforward_computation(root):
    result = run("madlibs-short")
    table = open_set("madlibs", "short")
    truth = table.targets[:, 0] >= 0.5
    scores = answered(result, table, "small", "madlibs-short")
    terms = [term.replace(" ", "_") for term in official.TERMS]
    assert sorted(table.identities) == sorted(terms)
    found = {}
    for term in terms:
        mine = table.identities[term] == 1
        part = np.where(truth, ~mine, mine)
        finding = figure(result, "madlibs-short", "bpsn_auc", term)
        if finding.value is not None:
            found[term] = roc_auc_score(truth[part], scores[part])
            assert finding.value.value == pytest.approx(found[term], abs=1e-9)
    mean = figure(result, "madlibs-short", "bpsn_auc_mean")
    assert set(found) == set(terms)
    assert mean.value.value == pytest.approx(np.mean(list(found.values())), abs=1e-9)


def test_a_template_leaves_name_term_and_occupation_open(root):
    table = open_set("madlibs", "test")
    by_cluster = pd.DataFrame({"text": table.texts, "cluster": table.clusters, "label": table.targets[:, 0]})
    together = by_cluster.groupby("cluster").text.apply(set)
    assert {"You are a kind baker", "You are a kind coal miner"} in list(together)
    assert {f"{n} is a bad3 {t}" for n in official.NAMES for t in official.TERMS} in list(together)
    assert {f"Being {t} is kind2" for t in official.TERMS} in list(together)
    assert by_cluster.groupby("cluster").label.nunique().max() == 1
    short = open_set("madlibs", "short")
    named_rows = [text for text in short.texts if " is a " in text]
    assert len(named_rows) == len(official.ADJECTIVES) * len(official.TERMS)
    assert set(short.texts) < set(table.texts)


def test_long_sentences_differ_from_each_other_in_the_term_alone(root):
    short, long = open_set("madlibs", "short"), open_set("madlibs", "long")
    assert np.array_equal(short.clusters, long.clusters)
    assert long.texts == open_set("madlibs", "long").texts
    around = {}
    for text, words, cluster in zip(long.texts, short.texts, long.clusters, strict=True):
        sentence = f"{words[0].upper()}{words[1:]}."
        assert text.count(sentence) == 1
        assert 4 <= text.count(".") <= 9
        assert text.endswith(".")
        around.setdefault(int(cluster), set()).add(text.replace(sentence, "{}"))
    assert all(len(found) == 1 for found in around.values())
    assert len({next(iter(found)) for found in around.values()}) > 5


def test_covert_labels_are_the_maximum_and_have_kinds(root):
    hate, comments = open_set("covert_hate", "test"), open_set("covert_comments", "test")
    kinds = pd.Series(hate.kinds["kind"])
    assert set(kinds) == {"not_hate", "irony", "explicit_hate"} | set(kinds[kinds == "implicit_hate"])
    assert ((hate.targets[:, 0] == 0) == (kinds == "not_hate")).all()
    kinds = pd.Series(comments.kinds["kind"])
    assert kinds.value_counts().to_dict() == {"healthy": 60, "sarcastic": 20, "generalisation": 20, "several": 20}
    assert ((comments.targets[:, 0] == 0) == (kinds == "healthy")).all()


def test_rows_are_drawn_by_whole_templates_and_the_report_says_so(root):
    result = run("madlibs-short", rows=20, seed=3)
    (facts,) = [result.facts["data"]]
    assert facts["drawn_from"] == len(open_set("madlibs", "short"))
    assert facts["rows"] < facts["drawn_from"]
    mine = Suite(**{**named()["hatecheck"].model_dump(), "rows": 60})
    assert run(mine, rows=10).facts["data"]["rows"] == 60


@pytest.mark.parametrize("clusters", [None, np.arange(400) // 8])
def test_a_sample_keeps_the_share_of_each_label(clusters):
    rng = np.random.default_rng(0)
    toxic = np.repeat(rng.random(50) < 0.3, 8)
    table = Table(
        "t", "t.csv", np.arange(400).astype(str).astype(object), [f"text {i}" for i in range(400)], ("toxic",), True,
        toxic[:, None].astype(np.float32), clusters=clusters,
    )  # fmt: skip
    found = sampled(table, 160, seed=1)
    assert 150 <= len(found) <= 160
    assert (found.targets[:, 0].mean() - toxic.mean()) == pytest.approx(0, abs=0.03)
    assert list(found.ids) == [i for i in table.ids if i in set(found.ids)]
    assert list(found.ids) == list(sampled(table, 160, seed=1).ids) != list(sampled(table, 160, seed=2).ids)
    if clusters is not None:
        assert set(np.bincount(found.clusters)) <= {0, 8}
    assert sampled(table, 400) is table
    assert len(sampled(table, 1)) == (2 if clusters is None else 16)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("civil-comments", "comments.csv"), ("madlibs-short", "en_sentence_templates.csv"),
        ("madlibs-long", "en_sentence_templates.csv"), ("hatecheck", "test_suite_cases.csv"),
        ("false-positives", "comments.csv"), ("covert", "implicit_hate_v1_stg1_posts.tsv"), ("toxigen", "toxiGen.json"),
    ],
)  # fmt: skip
def test_missing_files_are_one_sentence_with_suite_file_and_place(tmp_path, monkeypatch, name, file):
    monkeypatch.setenv("ANGELSHARE_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError) as error:
        run(name, scorer=Counting("third"))
    sentence = str(error.value)
    assert f"'{name}'" in sentence
    assert file in sentence
    assert "https://" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("hatecheck/test_suite_cases.csv", ""),
        ("hatecheck/test_suite_cases.csv", "functionality,case_id\na,1\n"),
        ("madlibs/en_sentence_templates.csv", "template,toxicity,phrase\nbeing_adj,toxic,Being x is bad\n"),
        ("madlibs/en_sentence_templates.csv", "template,toxicity,phrase\nbeing_adj,odd,I am x\n"),
        ("implicit_hate/implicit_hate_v1_stg1_posts.tsv", "post\tclass\nwords\tglee\n"),
        ("unhealthy_comments/test.csv", "_unit_id,comment\n1,words\n"),
    ],
)
def test_broken_files_are_one_sentence(root, file, text):
    (root / file).write_text(text)
    suite = {"hatecheck": "hatecheck", "madlibs": "madlibs-short"}.get(file.split("/")[0], "covert")
    with pytest.raises(DataError) as error:
        run(suite)
    assert file.split("/")[1] in str(error.value)
    assert "\n" not in str(error.value)


def test_one_row_is_not_enough_data(root):
    (root / "hatecheck" / "test_suite_cases.csv").write_text(
        "functionality,case_id,test_case,label_gold,target_ident,templ_id\nslur_h,1,bad words,hateful,women,1\n"
    )
    result = run("hatecheck")
    finding = figure(result, "hatecheck", "accuracy", "functionality: slur_h")
    assert finding.outcome is Outcome.NOT_ENOUGH_DATA
    assert finding.value is None
    result.to_html(root / "report.html")


def test_hostile_texts_and_kinds_stay_inert(root):
    path = root / "hatecheck" / "test_suite_cases.csv"
    bad = "<script>alert(1)</script>"
    path.write_text(
        path.read_text()
        .replace("threat_h", bad)
        .replace("case 3", f'<img src=x onerror="x">{chr(0x202E)}'.replace('"', ""))
    )
    run("hatecheck").to_html(root / "report.html")
    html = (root / "report.html").read_text()
    assert bad not in html
    assert "&lt;script&gt;" in html
    assert "<img src=x" not in html
    assert chr(0x202E) not in html


def test_an_audit_of_the_same_name_runs_on_the_data_given(root, tmp_path):
    found = [{**row, "third": 0.9 if i % 2 else 0.1} for i, row in enumerate(rows(400))]
    write(tmp_path / "mine.csv", found)
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ndata = "mine.csv"\naudits = ["false-positives"]\n'
        '[columns]\ntoxicity = "toxic"\nid = "id"\nscore = "third"\n'
    )
    result = run(tmp_path / "mine.toml")
    assert figure(result, "mine", "false_positive_rate").value is not None
    from angelshare.data.tables import Columns, read

    table = read(tmp_path / "mine.csv", Columns(toxicity="toxic", id="id", score="third"))
    result = run("false-positives", data=table)
    assert {f.suite for f in result.findings} == {"mine"}


def test_the_scorer_is_a_third_model(root):
    with pytest.raises(ModelError, match="'small'"):
        run("false-positives", scorer=Counting("small", 2.0))
    without = run("false-positives")
    assert {f.outcome for f in without.findings} == {Outcome.NOT_APPLICABLE}
    assert "scorer=MODEL" in without.findings[0].note


def test_one_predictions_file_answers_for_several_suites(root, tmp_path):
    count = export_texts(tmp_path / "texts.csv", suites=["hatecheck", "toxigen"])
    with open(tmp_path / "texts.csv", newline="", encoding="utf-8") as stream:
        texts = list(csv.DictReader(stream))
    assert count == len(texts) == 250
    for name in ("teacher", "small"):
        scored = [{"id": row["id"], "toxicity": 0.9 if "bad" in row["text"] else 0.2} for row in texts]
        write(tmp_path / f"{name}.csv", scored)
    found = CliRunner().invoke(
        app,
        ["audit", f"reference={tmp_path / 'teacher.csv'}", f"small={tmp_path / 'small.csv'}", "--suite", "hatecheck",
         "--suite", "toxigen", "--draws", "100", "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert found.exit_code == 0, (found.output, found.exception)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {f["suite"] for f in summary["findings"]} == {"hatecheck", "toxigen"}


def test_an_unknown_name_says_which_there_are(root):
    with pytest.raises(DataError, match=r"quality.*hatecheck.*Got 'beauty' instead"):
        run("beauty")
