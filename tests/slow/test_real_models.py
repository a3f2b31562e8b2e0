"""The whole way through on real weights and real text: teacher, one student of each kind, audit, report."""

import numpy as np
import pytest

import angelshare as ash
from angelshare.models.students import StudentOptions
from angelshare.training.engine import TrainOptions
from angelshare.training.finetune import FinetuneOptions

pytestmark = pytest.mark.slow

STUDENTS = {
    "bow": StudentOptions(),
    "cnn": StudentOptions(vocabulary=2_000),
    "bilstm": StudentOptions(preset="0.7M"),
    "transformer": StudentOptions(layers=(0, 2, 4)),
}

CONTROLLED = ("bow",)


@pytest.fixture(scope="module")
def rows(real_data):
    return ash.read("set:emotion:train").take(np.arange(600)), ash.read("set:emotion:test").take(np.arange(400))


@pytest.fixture(scope="module")
def teacher(minilm, rows, tmp_path_factory):
    options = FinetuneOptions(max_length=48, training=TrainOptions(learning_rate=2e-4, epochs=3))
    return ash.finetune(minilm, rows[0], out=tmp_path_factory.mktemp("real") / "teacher", options=options)


@pytest.fixture(scope="module")
def result(teacher, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("students")
    transfer = folder / "transfer"
    ash.label(teacher, [rows[0]], transfer)
    for kind, student in STUDENTS.items():
        ash.distil(
            kind,
            teacher=teacher,
            texts=transfer,
            gold=rows[0],
            out=folder / kind,
            student=student,
            controls=kind in CONTROLLED,
        )
    models = {kind: folder / kind for kind in STUDENTS}
    return ash.audit(reference=teacher, data=rows[1], suites=["quality", "fidelity"], out=folder / "a", models=models)


def test_the_teacher_learns(teacher, rows):
    test = rows[1]
    right = teacher.predict_logits(test.texts).argmax(1) == np.array(
        [teacher.labels.index(test.labels[at]) for at in test.classes]
    )
    assert right.mean() > 0.4  # the commonest emotion is a third of the rows


def test_layers_kept_of_the_teacher_follow_it_closest(result):
    agreement = {f.model: f.value.value for f in result.findings if f.metric == "agreement" and f.value}
    assert max(agreement, key=agreement.__getitem__) == "transformer"


def test_students_and_controls_have_a_paired_difference(result):
    judged = {f.model for f in result.findings if f.metric == "accuracy" and f.delta is not None}
    assert judged == {*STUDENTS, *(f"{kind}:{control}" for kind in CONTROLLED for control in ("gold", "hard"))}


def test_labels_do_not_depend_on_the_batch(teacher, rows):
    texts = rows[1].texts[:64]
    together = teacher.predict_logits(texts)
    alone = np.concatenate([teacher.predict_logits([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-4
