"""`switch` from files to a directory that loads: what it promises, what it refuses, what it leaves."""

import sys

import numpy as np
import pytest
from switch_example import COLUMNS, LABELS, Student, Teacher, Toxicity, rows, write

from angelshare.cli.main import main
from angelshare.collect.switching import switch, told
from angelshare.data.tables import Columns
from angelshare.errors import DataError, ModelError
from angelshare.models.loading import load

SPECS = ("switch_example:Student", "switch_example:Teacher")


@pytest.fixture
def files(tmp_path):
    return {"rows": write(tmp_path / "rows.csv", rows(900, 1)), "test": write(tmp_path / "test.csv", rows(300, 2))}


def test_the_teacher_is_asked_once_about_each_row(files):
    student, teacher = Student(), Teacher()
    found = switch(student, teacher, files["rows"], target="deferred=0.2", columns=COLUMNS)
    assert teacher.scored == 900 and len(teacher.calls) == 1
    assert student.scored < 900 * 2.5, "once, and three times a third of the rows for their shuffled words"
    assert 0.1 < found.plan.promise["deferred"] <= 0.2
    assert "deferred=0.2 holds with a certainty of 90%" in told(found)
    texts = [row["text"] for row in rows(400, 3)]
    teacher.calls.clear()
    found.predict_logits(texts)
    assert 0 < teacher.scored < 0.3 * 400


@pytest.mark.parametrize("target", ["deferred=0.25", "loss=0.05", "group-loss=0.1"])
def test_the_directory_loads_and_keeps_its_promise(files, tmp_path, target):
    columns = Columns(label="label", id="id", identities=("female",))
    found = switch(*SPECS, files["rows"], target=target, columns=columns, out=tmp_path / "made", allow_code=True)
    again = load(tmp_path / "made", allow_code=True)
    texts = [row["text"] for row in rows(3_000, 4)]
    np.testing.assert_array_equal(again.predict_logits(texts), found.predict_logits(texts))
    hard = again.hard(again.look(texts).hardness[again.plan.signal])
    promise = again.plan.promise
    if target.startswith("deferred"):
        assert hard.mean() <= 0.25
    if target.startswith("group"):
        assert set(promise["groups"]) == {"all rows", "female"}
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        "README.md", "manifest.json", "switch.json", "switch.safetensors", "training.json",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "rows.csv", "test.csv"]


def test_run_again_it_is_there_and_other_options_are_refused(files, tmp_path, capsys):
    options = {"columns": COLUMNS, "out": tmp_path / "made", "allow_code": True}
    switch(*SPECS, files["rows"], target="deferred=0.2", **options)
    before = {path: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    switch(*SPECS, files["rows"], target="deferred=0.2", **options)
    assert "is there already" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"target was 'deferred=0\.2' and is 'loss=0\.05' now"):
        switch(*SPECS, files["rows"], target="loss=0.05", **options)
    assert {path: path.read_bytes() for path in (tmp_path / "made").iterdir()} == before


def test_without_labels_a_loss_is_a_decision_that_is_not_the_teachers(files):
    found = switch(Student(), Teacher(), files["rows"], target="loss=0.1")
    assert found.plan.promise["loss_is"] == "decisions not the teacher's"
    assert found.plan.teacher_temperature == 1
    labelled = switch(Student(), Teacher(), files["rows"], target="loss=0.1", columns=COLUMNS)
    assert labelled.plan.promise["deferred"] < found.plan.promise["deferred"]


def test_one_score_and_one_column_of_toxicity(tmp_path):
    found = [{**row, "toxic": int(row["label"] == "bad")} for row in rows(900, 1)]
    path = write(tmp_path / "rows.csv", found)
    columns = Columns(toxicity="toxic", id="id")
    made = switch(Toxicity(Student()), Toxicity(Teacher()), path, target="loss=0.05", columns=columns)
    assert made.multilabel and made.labels == ("toxic",)
    two = switch(Student(), Teacher(), path, target="loss=0.05", columns=columns, positive="bad")
    assert two.plan.promise["loss"] == pytest.approx(made.plan.promise["loss"], abs=0.02)


def test_a_transfer_set_teaches_the_distance(files, tmp_path):
    texts = write(tmp_path / "texts.csv", rows(2_000, 5))
    own = switch(Student(), Teacher(), files["rows"], target="deferred=0.4", columns=COLUMNS, signal="distance")
    given = switch(
        Student(), Teacher(), files["rows"], target="deferred=0.4", columns=COLUMNS, signal="distance", transfer=texts
    )
    means = [found.signals["distance"].means for found in (own, given)]
    assert means[0].shape == means[1].shape == (2, 3) and not np.array_equal(*means)


def test_rows_of_an_audit_set_calibrate_nothing(files, tmp_path, monkeypatch, capsys):
    options = {"target": "loss=0.1", "columns": COLUMNS}
    leak = {**rows(1, 2)[0], "id": "leak", "text": rows(1, 2)[0]["text"].upper() + " !"}
    leaky, asked = write(tmp_path / "leaky.csv", [*rows(900, 1), leak]), Teacher()
    switch(Student(), asked, leaky, not_in=[(files["test"], None)], **options)
    assert "1 of 901 rows are in the audit set" in capsys.readouterr().err
    assert asked.scored == 900 and leak["text"] not in asked.calls[0]
    asked = Teacher()
    with pytest.raises(
        DataError, match=r"300 of 300 rows are in the audit set .*test\.csv\. Calibrate on rows that no"
    ):
        switch(Student(), asked, files["test"], not_in=[(files["test"], None)], **options)
    assert asked.scored == 0
    (tmp_path / "sets" / "hatecheck").mkdir(parents=True)
    case = {"functionality": "x", "label_gold": "hateful", "target_ident": "women", "templ_id": 1}
    cases = [{**case, "case_id": at, "test_case": row["text"]} for at, row in enumerate(rows(900, 1)[:200])]
    write(tmp_path / "sets" / "hatecheck" / "test_suite_cases.csv", cases)
    monkeypatch.setenv("ANGELSHARE_DATA", str(tmp_path / "sets"))
    with pytest.raises(DataError, match="200 of 900 rows are in the audit set set:hatecheck:test"):
        switch(Student(), Teacher(), files["rows"], **options)


def test_objects_in_memory_make_a_switch_and_no_directory(files, tmp_path):
    with pytest.raises(ModelError, match="student is an object in memory"):
        switch(Student(), Teacher(), files["rows"], target="loss=0.1", columns=COLUMNS, out=tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": "least=1"}, "A target must be"),
        ({"target": "loss=0.0001"}, "needs at least"),
        ({"signal": "shuffle"}, "'shuffle' does not apply: the student answers the same in whatever order"),
        ({"signal": "luck"}, "Got 'luck' instead"),
        ({"delta": 0.0}, "delta must be from"),
        ({"target": "group-loss=0.1", "identities": ["men"]}, "no identity column 'men'"),
        ({"teacher": Teacher(("bad", "fine"))}, "Both must decide the same labels"),
        ({"columns": Columns(label="verdict")}, "verdict"),
    ],
)
def test_slips_are_one_sentence(files, change, says):
    given = {"student": Student(), "teacher": Teacher(), "target": "loss=0.1", "columns": COLUMNS, **change}
    with pytest.raises((DataError, ModelError), match=says):
        switch(given.pop("student"), given.pop("teacher"), files["rows"], **given)


BROKEN = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"text,label\n", "has no rows"),
    "one.csv": (b"text,label\na grand film,good\n", "Got 1"),
    "open.csv": (b'text,label\n"open,good\n', "not closed"),
    "column.csv": (b"name,label\nx,good\n", "no column 'text'"),
    "binary.csv": (b"text,label\n\xff\xfe,good\n", "must be UTF-8"),
    "label.csv": (b"text,label\nx,splendid\n", "splendid"),
    "nowhere.csv": (None, "does not exist"),
}


def fails(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["angelshare", "switch", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("angelshare: ")]
    return said


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rows_are_one_sentence_and_leave_nothing(tmp_path, monkeypatch, capsys, name):
    content, says = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    common = ("--target", "deferred=0.2", "--label", "label", "--allow-code", "--out", tmp_path / "made")
    assert says in fails(monkeypatch, capsys, *SPECS, "--calibrate", tmp_path / name, *common)
    left = [path.name for path in tmp_path.iterdir() if path.name != name and not path.name.endswith(".work")]
    assert left == []


def test_odd_texts_just_work(tmp_path):
    odd = [{"id": f"odd{at}", "text": text, "label": "good", "female": 0} for at, text in enumerate(ODD)]
    found = switch(
        Student(), Teacher(), write_odd(tmp_path / "odd.jsonl", [*rows(600, 1), *odd]), target="deferred=0.2"
    )
    assert np.isfinite(found.predict_logits(ODD)).all()


ODD = ["\ud800 lone", "grand " * 200_000, "\x00\x1b", "not", "…"]


def write_odd(path, found):
    import json

    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


def test_a_file_of_predictions_is_no_model(files, monkeypatch, capsys, tmp_path):
    answers = write(tmp_path / "answers.csv", [{"id": "a", **dict.fromkeys(LABELS, 0.5)}])
    common = ("--calibrate", files["rows"], "--target", "loss=0.1", "--allow-code", "--out", tmp_path / "made")
    assert "must score texts" in fails(monkeypatch, capsys, SPECS[0], answers, *common)


def test_a_text_that_comes_again_is_left_out(files, tmp_path, capsys):
    twice = write(
        tmp_path / "twice.csv", [*rows(900, 1), *({**row, "text": row["text"].upper()} for row in rows(90, 1))]
    )
    teacher = Teacher()
    found = switch(Student(), teacher, twice, target="deferred=0.2", columns=Columns(label="label"))
    known = switch(Student(), Teacher(), files["rows"], target="deferred=0.2", columns=Columns(label="label"))
    assert teacher.scored == 900 and found.plan == known.plan
    assert "90 of 990 rows repeat a text and are left out" in capsys.readouterr().err


def test_a_model_is_no_switch_with_itself(files):
    with pytest.raises(ModelError, match="the same model, and a switch has nothing to gain"):
        switch(SPECS[0], SPECS[0], files["rows"], target="deferred=0.2", columns=COLUMNS, allow_code=True)


def test_one_label_alone_is_said(files, tmp_path, capsys):
    alone = write(tmp_path / "alone.csv", [row for row in rows(900, 1) if row["label"] == rows(1, 1)[0]["label"]])
    switch(Student(), Teacher(), alone, target="deferred=0.3", columns=COLUMNS)
    assert "all rows have one label" in capsys.readouterr().err
