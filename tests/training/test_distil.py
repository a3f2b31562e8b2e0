import json
import math

import numpy as np
import pytest
from small import LABELS, CountingTeacher, bytes_below, distil_options, golden, pool

from angelshare.data.transfer import TransferRows
from angelshare.errors import DamagedFile, DataError, ModelError, TrainingError
from angelshare.models.loading import load
from angelshare.training.classifier import distil
from angelshare.training.label import label
from angelshare.training.options import DistilOptions
from angelshare.training.rows import concatenated, joined, mixed


def made(directory):
    return json.loads((directory / "training.json").read_text())["training"]


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory):
    directory = tmp_path_factory.mktemp("distil")
    teacher = CountingTeacher()
    student = distil(
        "bow",
        teacher=teacher,
        texts=pool(80),
        gold=golden(40),
        out=directory / "student",
        seeds=2,
        options=distil_options(),
    )
    return directory, teacher, student


def test_student_controls_and_seeds_are_models_that_load(two_seeds):
    directory, _, student = two_seeds
    out = directory / "student"
    places = [out / where / role for where in (".", "seeds/1") for role in (".", "controls/gold", "controls/hard")]
    assert [(made(place)["role"], made(place)["seed"]) for place in places] == [
        (role, seed) for seed in (0, 1) for role in ("soft", "gold", "hard")
    ]
    texts = ["the film was grand 1", "bad and dull 2"]
    scores = [load(place).predict_logits(texts) for place in places]
    assert len({score.tobytes() for score in scores}) == 6
    np.testing.assert_array_equal(scores[0], student.predict_logits(texts))
    assert student.labels == ("negative", "positive") and list(scores[0].argmax(1)) == [1, 0]
    assert sorted(place.name for place in directory.iterdir()) == ["student", "student.transfer"]


def test_controls_have_the_same_budget_and_dev_rows(two_seeds):
    out = two_seeds[0] / "student"
    facts = [made(out / role) for role in (".", "controls/gold", "controls/hard")]
    assert len({fact["steps_planned"] for fact in facts}) == len({fact["dev_rows"] for fact in facts}) == 1
    assert facts[0]["rows"] == facts[2]["rows"] == 80 + 36 and facts[1]["rows"] == 36


def test_the_teacher_is_asked_about_each_text_once(two_seeds):
    assert two_seeds[1].asked == 80 + 36


def test_the_same_seed_gives_the_same_bytes(two_seeds, tmp_path):
    distil(
        "bow",
        teacher=CountingTeacher(),
        texts=pool(80),
        gold=golden(40),
        out=tmp_path / "student",
        seeds=2,
        options=distil_options(),
    )
    assert bytes_below(tmp_path / "student") == bytes_below(two_seeds[0] / "student")


def test_a_finished_student_is_found_and_another_is_not_written_over(two_seeds, capsys):
    directory = two_seeds[0]
    before = bytes_below(directory / "student")
    again = {"texts": pool(80), "gold": golden(40), "out": directory / "student"}
    distil("bow", teacher=CountingTeacher(), seeds=2, options=distil_options(epochs=3), **again)
    assert "there already" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"options\.epochs was 3 and is 4 now\. Name another --out"):
        distil("bow", teacher=CountingTeacher(), seeds=2, options=distil_options(epochs=4), **again)
    assert bytes_below(directory / "student") == before


def test_a_foreign_directory_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="not a finished run of ours"):
        distil("bow", teacher=CountingTeacher(), texts=pool(20), out=tmp_path / "out", options=distil_options())
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_unfinished_work_of_other_options_is_refused(tmp_path, monkeypatch):
    def stop(*given, **settings):
        raise TrainingError("stopped")

    monkeypatch.setattr("angelshare.training.outputs.store", stop)
    given = {"teacher": CountingTeacher(), "texts": pool(40), "out": tmp_path / "s"}
    with pytest.raises(TrainingError):  # before there is a checkpoint
        distil("bow", options=distil_options(epochs=2), **given)
    with pytest.raises(TrainingError):
        distil("bow", options=distil_options(checkpoint_steps=2), **given)
    with pytest.raises(DataError, match=r"other data or options: options\.epochs was 3 and is 4 now"):
        distil("bow", options=distil_options(epochs=4), **given)


def test_without_golden_labels_there_is_no_gold_control(tmp_path, capsys):
    student = distil("bow", teacher=CountingTeacher(), texts=pool(60), out=tmp_path / "s", options=distil_options())
    assert "not applicable" in capsys.readouterr().err
    assert not (tmp_path / "s" / "controls" / "gold").exists() and (tmp_path / "s" / "controls" / "hard").exists()
    assert made(tmp_path / "s")["dev"]["metric"] == "agreement" and student.labels == ("negative", "positive")


def test_no_dev_text_is_trained_on(tmp_path):
    gold = golden(40)
    distil("bow", teacher=CountingTeacher(), texts=gold, gold=gold, out=tmp_path / "s", options=distil_options())
    facts = made(tmp_path / "s")
    assert (facts["rows"], facts["dev_rows"]) == (36, 4)


def test_a_transfer_set_needs_no_teacher(tmp_path):
    transfer = label(CountingTeacher(), pool(60), tmp_path / "t")
    distil("bow", teacher=None, texts=transfer.directory, out=tmp_path / "s", options=distil_options(), controls=False)
    assert made(tmp_path / "s")["role"] == "soft" and not (tmp_path / "s" / "controls").exists()
    with pytest.raises(ModelError, match=r"gold\.csv has texts that .* lacks"):
        distil("bow", teacher=None, texts=transfer.directory, gold=golden(20), out=tmp_path / "x")


@pytest.mark.parametrize("loss", ["kl", "mse", "soft_ce", "bce"])
def test_several_labels_with_fractions(tmp_path, loss):
    labels = ("kind", "warm")
    gold = golden(40, multilabel=True, labels=labels)
    gold.targets[0] = (0.4, 0.6)
    options = DistilOptions(loss=loss, gold_weight=0.5, temperature=2.0, training=distil_options().training)
    teacher = CountingTeacher(labels, multilabel=True)
    student = distil("bow", teacher=teacher, texts=pool(60), gold=gold, out=tmp_path / "s", options=options)
    assert student.multilabel and student.labels == labels
    assert made(tmp_path / "s")["dev"]["metric"] in ("auc_roc", "minus_loss")


def test_golden_labels_must_be_the_teachers(tmp_path):
    gold = golden(20, labels=("no", "yes"))
    with pytest.raises(ModelError, match=r"no, yes.*teacher has negative, positive"):
        distil("bow", teacher=CountingTeacher(), texts=pool(20), gold=gold, out=tmp_path / "s")
    with pytest.raises(ModelError, match="bce"):
        options = DistilOptions(loss="bce", training=distil_options().training)
        distil("bow", teacher=CountingTeacher(), texts=pool(20), out=tmp_path / "s", options=options)
    with pytest.raises(ModelError, match="temperature"):
        DistilOptions(temperature=0)
    with pytest.raises(ModelError, match="bow, cnn, bilstm, transformer"):
        distil("mlp", teacher=CountingTeacher(), texts=pool(20), out=tmp_path / "s")


def test_a_rate_that_is_too_high_ends_in_a_sentence(tmp_path):
    with pytest.raises(TrainingError, match="ower --learning-rate"):
        distil(
            "bow",
            teacher=CountingTeacher(),
            texts=pool(60),
            out=tmp_path / "s",
            options=distil_options(learning_rate=1e38),
        )


def test_a_flipped_byte_in_the_student_is_refused_by_name(two_seeds, tmp_path):
    import shutil

    place = tmp_path / "student"
    shutil.copytree(two_seeds[0] / "student", place)
    file = place / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"model\.safetensors"):
        load(place)
    load(place / "controls" / "gold")


@pytest.mark.parametrize("kind", ["cnn", "bilstm", "transformer"])
def test_the_other_students_learn_through_the_same_loop(tmp_path, encoder, kind):
    from angelshare.models.students import StudentOptions
    from angelshare.training.finetune import FinetuneOptions, finetune

    training = distil_options(learning_rate=1e-3).training
    teacher = finetune(encoder, golden(40), out=tmp_path / "teacher", options=FinetuneOptions(training=training))
    student = distil(
        kind,
        teacher=str(tmp_path / "teacher"),
        texts=pool(40),
        out=tmp_path / kind,
        options=DistilOptions(training=training),
        student=StudentOptions(filters=4, preset="0.7M", layers=1),
        controls=False,
    )
    assert student.kind in (kind, "pooled") and student.labels == teacher.labels


def test_a_loss_on_states_brings_them_to_the_teachers(tmp_path, encoder):
    from angelshare.models.students import StudentOptions
    from angelshare.training.finetune import FinetuneOptions, finetune

    training = distil_options(learning_rate=1e-3, epochs=8).training
    teacher = finetune(encoder, golden(40), out=tmp_path / "teacher", options=FinetuneOptions(training=training))
    texts, wanted = pool(60), teacher.features(pool(60).texts)
    distance = {}
    for name, weights in {"none": {}, "hidden": {"hidden_weight": 5.0}, "cosine": {"cosine_weight": 5.0}}.items():
        student = distil(
            "transformer",
            teacher=teacher,
            texts=texts,
            out=tmp_path / name,
            options=DistilOptions(training=training, **weights),
            student=StudentOptions(layers=1),
            controls=False,
        )
        distance[name] = float(np.square(student.features(texts.texts) - wanted).mean())
    assert distance["hidden"] < 0.7 * distance["none"] and distance["cosine"] < distance["none"]
    assert '"hidden": ' in (tmp_path / "hidden" / "log.jsonl").read_text()


@pytest.mark.parametrize("kind, student", [("bow", {}), ("transformer", {"encoder": "other"})])
def test_a_loss_on_states_wants_the_teachers_layers(tmp_path, kind, student):
    from angelshare.models.students import StudentOptions

    options, chosen = DistilOptions(cosine_weight=1.0), StudentOptions(**student)
    with pytest.raises(ModelError, match="need a transformer student of the teacher's own layers"):
        distil(kind, teacher=CountingTeacher(), texts=pool(9), out=tmp_path / "s", options=options, student=chosen)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"cosine_weight": math.nan}, {"soft_weight": -1.0}, {"temperature": float("inf")}])
def test_a_weight_or_temperature_out_of_range_is_a_sentence(wrong):
    with pytest.raises(ModelError, match="must be"):
        DistilOptions(**wrong)


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_golden_rows_get_the_share_asked_for(ratio):
    rows = concatenated([joined(transfer_rows(part), LABELS, False, golden(40)) for part in (golden(40), pool(100))])
    found = mixed(rows, ratio, 0)
    assert np.isclose(found.golden.mean(), ratio, atol=0.005)
    assert sorted(found.ids[~found.golden]) == sorted(rows.ids[~rows.golden])
    counts = np.unique(found.ids[found.golden].astype(str), return_counts=True)[1]
    assert not len(counts) or counts.max() - counts.min() <= 1
    assert mixed(rows, None, 0) is rows
    for part in (rows.take(rows.golden), rows.take(~rows.golden)):
        with pytest.raises(DataError, match="to mix"):
            mixed(part, ratio, 0)


def transfer_rows(table):
    return TransferRows.of(table.ids, table.texts, CountingTeacher().predict_logits(table.texts))
