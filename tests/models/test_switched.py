"""Routing: who is asked about what, and that a saved switch answers as the one in memory."""

import json
import shutil

import numpy as np
import pytest
from switch_example import Student, Teacher, rows

from angelshare.errors import DamagedFile, ModelError
from angelshare.models.classifier import TorchClassifier
from angelshare.models.hardness import Confidence, Distance
from angelshare.models.loading import load
from angelshare.models.switched import Plan, Switch, seen
from angelshare.models.tfidf import Tfidf

TEXTS = [row["text"] for row in rows(200)]
SPECS = {"student": "switch_example:Student", "teacher": "switch_example:Teacher"}


def switch(threshold=0.5, **options):
    plan = Plan("margin", threshold, 2.0, 4.0, {"target": "deferred=0.2"})
    signals = {"margin": Confidence("margin"), "maximum": Confidence("maximum")}
    teacher = options.pop("teacher", None) or Teacher()
    return Switch(Student(), teacher, signals, plan, **options)


def test_one_pass_of_the_student_and_the_teacher_about_the_hard_rows_alone():
    found = switch()
    answers = found.predict_logits(TEXTS)
    hard = found.hard(found.look(TEXTS).hardness["margin"])
    assert 0 < hard.sum() < len(TEXTS)
    assert found.student.calls[0] == TEXTS and len(found.student.calls) == 2  # the second is this test's own look
    assert found.teacher.calls == [[text for text, deferred in zip(TEXTS, hard, strict=True) if deferred]]
    np.testing.assert_array_equal(answers[hard], Teacher().predict_logits(found.teacher.calls[0]) / np.float32(4))
    np.testing.assert_array_equal(answers[~hard], Student().predict_logits(TEXTS)[~hard] / np.float32(2))
    assert answers.dtype == np.float32


def test_many_texts_still_ask_the_teacher_once(monkeypatch):
    monkeypatch.setattr("angelshare.models.switched.ROWS_AT_ONCE", 32)
    found = switch()
    np.testing.assert_array_equal(found.predict_logits(TEXTS), switch().predict_logits(TEXTS))
    assert [len(call) for call in found.student.calls] == [32] * 6 + [8]
    assert len(found.teacher.calls) == 1


@pytest.mark.parametrize(("threshold", "asked"), [(2.0, 0), (-1.0, 200)])
def test_none_and_all(threshold, asked):
    found = switch(threshold)
    found.predict_logits(TEXTS)
    assert found.teacher.scored == asked
    assert found.predict_logits([]).shape == (0, 2)
    assert found.predict_logits(TEXTS[:1]).shape == (1, 2)


def test_a_row_whose_hardness_cannot_be_told_goes_to_the_teacher():
    np.testing.assert_array_equal(switch().hard(np.array([np.nan, 0.0, 1.0])), [True, False, True])


def test_the_teachers_labels_may_stand_in_another_order():
    turned = switch(-1.0, teacher=Teacher(("good", "bad")))
    assert turned.labels == ("bad", "good")
    np.testing.assert_array_equal(turned.predict_logits(TEXTS), switch(-1.0).predict_logits(TEXTS))
    with pytest.raises(ModelError, match="decides bad, good, the teacher bad, fine"):
        switch(teacher=Teacher(("bad", "fine")))


def test_a_predictions_file_is_no_part():
    class File:
        labels, multilabel = ("bad", "good"), False

    with pytest.raises(ModelError, match="teacher of a switch must score texts"):
        switch(teacher=File())


def test_what_it_says_of_itself():
    found = switch()
    assert (found.kind, found.multilabel, found.parameters) == ("switch", False, 6)
    assert found.size_bytes > 24
    assert found.fingerprint == switch().fingerprint
    others = {switch(0.6).fingerprint, switch(teacher=Teacher(("good", "bad"))).fingerprint}
    assert found.fingerprint not in others and len(others) == 2


def test_saved_and_loaded_it_answers_the_same(tmp_path):
    found = switch(specs=SPECS)
    found.save(tmp_path / "switch")
    again = load(tmp_path / "switch", allow_code=True)
    np.testing.assert_array_equal(again.predict_logits(TEXTS), found.predict_logits(TEXTS))
    assert again.fingerprint == found.fingerprint and again.plan == found.plan
    assert again.source == str(tmp_path / "switch")
    assert "angelshare.load" in (tmp_path / "switch" / "README.md").read_text()
    with pytest.raises(ModelError, match="--allow-code"):
        load(tmp_path / "switch")


@pytest.fixture
def saved(tmp_path):
    """Of two directories, with what `distil` leaves below them."""
    table = rows(300)
    targets = np.eye(2, dtype=np.float32)[[int(row["label"] == "good") for row in table]]
    texts = [row["text"] for row in table]
    parts = {}
    for name, count in (("student", 100), ("teacher", 300)):
        Tfidf.fit(texts[:count], targets[:count], labels=("bad", "good"), multilabel=False).save(tmp_path / name)
        (tmp_path / name / "seeds").mkdir()
        (tmp_path / name / "seeds" / "note").write_text("of another model")
        parts[name] = load(tmp_path / name)
    signals = {"margin": Confidence("margin")}
    specs = {name: str(tmp_path / name) for name in parts}
    found = Switch(parts["student"], parts["teacher"], signals, Plan("margin", 0.6), specs=specs)
    found.save(tmp_path / "switch")
    return found


def test_directories_are_copied_so_that_it_stands_alone(saved, tmp_path):
    expected = saved.predict_logits(TEXTS)
    for part in ("student", "teacher"):
        shutil.rmtree(tmp_path / part)
    shutil.move(tmp_path / "switch", tmp_path / "elsewhere")
    again = load(tmp_path / "elsewhere")
    np.testing.assert_array_equal(again.predict_logits(TEXTS), expected)
    assert not (tmp_path / "elsewhere" / "student" / "seeds").exists()
    assert again.size_bytes > again.teacher.size_bytes + again.student.size_bytes


def test_a_switch_may_be_a_part_of_a_switch(saved, tmp_path):
    specs = {"student": str(tmp_path / "student"), "teacher": str(tmp_path / "switch")}
    outer = Switch(saved.student, saved, {"margin": Confidence("margin")}, Plan("margin", 0.3), specs=specs)
    outer.save(tmp_path / "outer")
    shutil.rmtree(tmp_path / "switch")
    again = load(tmp_path / "outer")
    np.testing.assert_array_equal(again.predict_logits(TEXTS), outer.predict_logits(TEXTS))
    assert again.teacher.kind == "switch"


@pytest.mark.parametrize("file", ["switch.safetensors", "teacher/model.safetensors", "student/tfidf.json"])
def test_a_flipped_byte_is_refused(saved, tmp_path, file):
    path = tmp_path / "switch" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="differs from its manifest"):
        load(tmp_path / "switch")


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("threshold"),
        lambda found: found.update(signal="luck"),
        lambda found: found.update(signals=["margin", "luck"]),
        lambda found: found.update(version=99),
        lambda found: found.update(labels=["bad", "fine"]),
        lambda found: found.update(parts=3),
    ],
)
def test_settings_that_are_not_whole_are_one_sentence(saved, tmp_path, change):
    path = tmp_path / "switch" / "switch.json"
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))
    (tmp_path / "switch" / "manifest.json").unlink()
    with pytest.raises(ModelError):
        load(tmp_path / "switch")


def test_an_object_in_memory_is_not_saved(tmp_path):
    with pytest.raises(ModelError, match="student is an object in memory"):
        switch().save(tmp_path / "switch")
    assert list(tmp_path.iterdir()) == []


def test_logits_and_features_come_from_one_pass(teacher):
    texts = ["a good movie", "", "bad bad bad " * 9]
    logits, features = teacher.logits_and_features(texts)
    np.testing.assert_allclose(logits, teacher.predict_logits(texts), atol=1e-6)
    np.testing.assert_allclose(features, teacher.features(texts), atol=1e-6)
    assert teacher.logits_and_features([])[0].shape == (0, 3)
    view = seen(teacher, texts, features=True)
    np.testing.assert_array_equal(view.features, features)
    assert isinstance(teacher, TorchClassifier)
    assert seen(teacher, texts, features=False).features.shape == (3, 0)
    assert seen(load_free(), texts, features=True).features.shape == (3, 0)


def load_free():
    class Plain:
        labels, multilabel = ("bad", "good"), False

        def predict_logits(self, texts):
            return np.zeros((len(texts), 2), dtype=np.float32)

    return Plain()


def test_signals_with_tensors_come_back():
    draw = np.random.default_rng(0)
    signal = Distance(draw.normal(size=(2, 3)).astype(np.float32), np.eye(3, dtype=np.float32))
    plan = Plan("distance", 1.0)
    assert Switch(Student(), Teacher(), {"distance": signal}, plan).look(TEXTS).hardness["distance"].shape == (200,)
