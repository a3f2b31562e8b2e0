"""The whole study on tiny things: what stands in its report, what does not leak, and that a second run adds nothing."""

import json

import pytest
from recipes.tiny_study import SCALE, study_in
from small import bytes_below, killed_and_run_again

from angelshare.data.catalogue import open_set
from angelshare.data.likeness import normalised
from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError
from angelshare.recipes.lost_in_distillation.study import reproduce
from angelshare.recipes.papers import read_recipe
from angelshare.recipes.steps import Steps
from angelshare.result import AuditResult


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    directory = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANGELSHARE_DATA", str(directory / "data"))
        yield directory / "out", study_in(directory)


LEAKED = 5
"""Texts of the pool that the suite `covert` has too."""


def rows(result, kind):
    return [row for exhibit in result.exhibits if exhibit.kind == kind for row in exhibit.rows]


def test_the_report_answers_every_claim_and_shows_every_table(study):
    out, result = study
    assert [row["number"] for row in rows(result, "claims")] == [1, 2, 3, 4, 5, 6]
    measured = [row for row in rows(result, "paper") if row["values"][1] is not None]
    assert {row["suite"] for row in measured} == {row["suite"] for row in rows(result, "paper")}
    assert {row["model"] for row in measured} == {"reference", "cnn", "cnn-more", "transformer-more", "cnn:gold"}
    curves = [exhibit for exhibit in result.exhibits if exhibit.kind == "curve"]
    assert sorted({row["x"] for row in curves[0].rows}) == list(SCALE.sizes)
    assert {row["model"] for row in rows(result, "mitigation")} == {"bow-balanced", "bow-counterfactual", "bow-both"}
    page = (out / "report" / "report.html").read_text()
    assert 'id="study"' in page and "Table 3" in page and "What is not the paper" in page
    assert "Table 3" in (out / "report" / "report.md").read_text()


def test_figures_of_the_tables_are_those_of_the_audits(study):
    out, result = study
    big = AuditResult.load(out / "audits" / "big")
    row = next(r for r in rows(result, "paper") if r["table"].startswith("Table 3") and r["model"] == "cnn")
    (finding,) = [
        f for f in big.findings
        if (f.model, f.suite, f.metric, f.audit, f.slice) == ("cnn", row["suite"], "auc_roc", "quality", "all")
    ]  # fmt: skip
    assert (row["values"][1], row["change"]) == (finding.value.value, finding.delta.value)


def test_no_text_of_a_suite_is_trained_on(study):
    out, _ = study
    audited = {normalised(text) for text in open_set("covert_comments", "test").texts}
    for name in ("labelled", "chosen", "big-labelled"):
        assert not audited & {normalised(text) for text in open_transfer(out / name).read().texts}
    assert open_transfer(out / "labelled").manifest["dropped"]["in_audit_exactly"] == LEAKED


def test_data_against_bias_lowers_the_rates(study):
    out, _ = study
    facts = open_transfer(out / "sets" / "balanced").manifest["mitigation"]
    assert facts["added"] > 0
    wanted = {name: count for name, count in facts["wanted"].items() if name not in facts["exhausted"]}
    assert all(facts["after"][name]["rate"] <= facts["before"]["all"]["rate"] for name in wanted)


def test_again_it_makes_nothing_anew(study):
    out, _ = study
    before = bytes_below(out)
    study_in(out.parent)
    assert {name for name, found in bytes_below(out).items() if before.get(name) != found} == set()
    assert set(json.loads((out / "steps.json").read_text())) >= {"teacher", "big-teacher", "audit-open"}


def test_the_report_says_how_long_it_took(study, tmp_path):
    out, result = study
    assert result.facts["scale"].startswith("a test; its steps took ")
    assert "its steps took " in (out / "report" / "report.html").read_text()
    steps = Steps("made up", tmp_path / "x", {})
    for seconds, said in ((20, "less than a minute"), (3570, "1 h 0 min"), (7020, "1 h 57 min"), (240, "4 min")):
        (tmp_path / "x" / "steps.json").write_text(json.dumps({"one": seconds / 2, "two": seconds / 2}))
        assert said in steps.took()
    steps("two", lambda: None)
    assert "4 min" in steps.took()


def test_a_pool_must_be_named_where_the_scale_has_none(study, tmp_path):
    with pytest.raises(DataError, match="Name some with --pool"):
        reproduce(read_recipe("lost-in-distillation"), SCALE, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_the_bytes_are_the_same_after_kills(study, tmp_path):
    expected = bytes_below(study[0])
    assert killed_and_run_again(study_in, tmp_path, times=8, seconds=8, seed=0)
    found = bytes_below(tmp_path / "out")
    differ = {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}
    timed = {f"out/report/{name}" for name in ("report.html", "report.md", "summary.json", "manifest.json")}
    assert {name for name in differ if not name.startswith("out/answers/")} <= {"out/steps.json", *timed}
