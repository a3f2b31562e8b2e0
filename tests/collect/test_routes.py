"""A switch audited like any model, and asked who goes to the teacher; the report's slider; SIGKILL."""

import numpy as np
import pytest
from small import bytes_below, killed_and_run_again
from switch_example import COLUMNS, Student, Teacher, rows, switch_in, write

from angelshare import collect
from angelshare.collect.switching import switch
from angelshare.data.tables import Columns
from angelshare.findings import Outcome
from angelshare.models.hardness import Confidence
from angelshare.models.switched import Plan, Switch
from angelshare.report import render, summary
from angelshare.training.label import label

AUDITED = Columns(label="label", id="id", identities=("female",))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("switch")
    return {"rows": write(folder / "rows.csv", rows(900, 1)), "test": write(folder / "test.csv", rows(800, 2))}


def made():
    return Switch(Student(), Teacher(), {"margin": Confidence("margin")}, Plan("margin", 0.5))


def audited(place, **models):
    given = {"suites": ["quality", "deferral"], **models}
    return collect.audit(data=place["test"], columns=AUDITED, draws=200, **given)


def test_the_teacher_is_not_asked_again_where_it_is_the_reference(place):
    teacher, found = Teacher(), made()
    result = audited(place, reference=teacher, switch=found, bow=Student())
    texts = {row["text"] for row in rows(800, 2)}
    whole = [call for call in found.teacher.calls if len(call) == 800]
    assert not whole, "its answers are the reference's"
    assert sum(set(call) == texts for call in teacher.calls) == 1
    shares = {f.slice: f.value.value for f in result.findings if f.metric == "deferred"}
    hard = found.hard(found.look([row["text"] for row in rows(800, 2)]).hardness["margin"])
    assert shares["all"] == pytest.approx(hard.mean())
    assert shares["female"] > shares["all"] + 0.1
    (other,) = [f for f in result.findings if f.audit == "deferral" and f.model == "bow"]
    assert other.outcome is Outcome.NOT_APPLICABLE and "no switch" in other.note


def test_another_teacher_is_asked_once_and_its_answers_are_kept(place, tmp_path):
    found = made()
    audited(place, reference=Student(), switch=found, out=tmp_path / "out")
    assert sum(len(call) == 800 for call in found.teacher.calls) == 1
    again = made()
    audited(place, reference=Student(), switch=again, out=tmp_path / "out")
    assert not any(len(call) == 800 for call in again.teacher.calls)


def test_its_accuracy_is_that_of_the_curve_at_its_own_threshold(place):
    result = audited(place, reference=Teacher(), switch=made())
    (exhibit,) = [found for found in result.exhibits if found.kind == "switch-curve"]
    accuracy = {f.model: f.value.value for f in result.findings if f.metric == "accuracy"}
    lost = next(f.value.value for f in result.findings if f.metric == "teacher_loss" and f.slice == "all")
    assert accuracy["reference"] - accuracy["switch"] == pytest.approx(lost)
    assert exhibit.rows[0]["points"][-1]["accuracy"] == pytest.approx(accuracy["reference"])


def test_the_usual_audits_ask_a_switch_and_nobody_else(place):
    asked = {f.audit for f in audited(place, reference=Teacher(), switch=made(), suites=None).findings}
    assert "deferral" in asked and "quality" in asked
    asked = {f.audit for f in audited(place, reference=Teacher(), bow=Student(), suites=None).findings}
    assert "deferral" not in asked
    only = audited(place, reference=Teacher(), bow=Student(), suites=["deferral"])
    assert {f.outcome for f in only.findings} == {Outcome.NOT_APPLICABLE}


def test_a_teacher_that_fails_is_a_finding(place):
    class Broken(Teacher):
        def predict_logits(self, texts):
            if len(texts) > 700:
                raise RuntimeError("out of patience")
            return super().predict_logits(texts)

    found = Switch(Student(), Broken(), {"margin": Confidence("margin")}, Plan("margin", 0.5))
    result = audited(place, reference=Student(), switch=found)
    (failed,) = [f for f in result.findings if f.audit == "deferral"]
    assert failed.outcome is Outcome.FAILED and "out of patience" in failed.note


def test_the_report_shows_curve_slider_and_people_and_reads_back(place, tmp_path):
    result = audited(place, reference=Teacher(), switch=made(), out=tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    for part in ('<section id="switch">', 'type="range"', "Who is sent to the teacher", "oracle", "female"):
        assert part in page
    assert "what a threshold of its signal decides" in (tmp_path / "out" / "report.md").read_text()
    told = summary.from_json((tmp_path / "out" / "summary.json").read_text())
    assert render.to_html(told) == page
    assert len(page) < 200_000
    assert '<section id="switch">' not in render.to_html(audited(place, reference=Teacher(), bow=Student()).summary)
    assert result.outcome("quality") in Outcome


def test_a_switch_is_distilled_from_like_any_teacher(place, tmp_path):
    found = switch(Student(), Teacher(), place["rows"], target="deferred=0.3", columns=COLUMNS)
    transfer = label(found, place["test"], tmp_path / "transfer", columns=Columns(id="id")).read()
    np.testing.assert_array_equal(transfer.logits, found.predict_logits(transfer.texts))


def test_the_bytes_are_the_same_after_kills(place, tmp_path):
    write(tmp_path / "rows.csv", rows(900, 1))
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    killed_and_run_again(switch_in, tmp_path / "whole", times=0, seconds=0, seed=0)
    hit = killed_and_run_again(switch_in, tmp_path / "broken", times=6, seconds=0.5, seed=0)
    assert hit
    assert bytes_below(*(tmp_path / "broken").iterdir()) == bytes_below(*(tmp_path / "whole").iterdir())
