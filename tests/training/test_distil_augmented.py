"""Distillation with copies of the texts: who learns from them, and what they may not equal."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from small import CountingTeacher, Guesser, bytes_below, distil_options, golden, pool, written_table

from angelshare.data.augmentation import AugmentOptions
from angelshare.data.likeness import normalised
from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError, ModelError
from angelshare.models.loading import load
from angelshare.training.augmented import Augmentation
from angelshare.training.classifier import distil
from angelshare.training.material import gather
from angelshare.training.workplace import Workplace


def copies(**others):
    return Augmentation(AugmentOptions(method="masked", per_text=2, **others), Guesser())


def facts(directory):
    return json.loads((directory / "training.json").read_text())


def gathered(tmp_path, options, texts=None, gold=None, dev=None, teacher=None):
    found = gather(teacher or CountingTeacher(), pool(40) if texts is None else texts, gold, dev, None, options)
    return found.label(Workplace(tmp_path / "student", {}))


def test_students_learn_from_copies_and_the_gold_control_does_not(tmp_path):
    plain = distil_options(epochs=1)
    distil("bow", teacher=CountingTeacher(), texts=pool(30), gold=golden(40), out=tmp_path / "plain", options=plain)
    more = replace(plain, augment=copies())
    distil("bow", teacher=CountingTeacher(), texts=pool(30), gold=golden(40), out=tmp_path / "more", options=more)
    made = open_transfer(tmp_path / "more.augmented.transfer")
    assert len(made) > 60
    for place in ("", "controls/gold", "controls/hard"):
        before, after = (facts(tmp_path / name / place)["training"]["rows"] for name in ("plain", "more"))
        assert after == before + (0 if "gold" in place else len(made))
    assert bytes_below(tmp_path / "plain.transfer") == {
        name.replace("more", "plain"): found for name, found in bytes_below(tmp_path / "more.transfer").items()
    }
    again = bytes_below(tmp_path / "more")
    distil("bow", teacher=CountingTeacher(), texts=pool(30), gold=golden(40), out=tmp_path / "more", options=more)
    assert bytes_below(tmp_path / "more") == again and load(tmp_path / "more").labels == ("negative", "positive")
    other = replace(plain, augment=copies(seed=1))
    with pytest.raises(DataError, match=r"options\.augment\.seed was 0 and is 1"):
        distil("bow", teacher=CountingTeacher(), texts=pool(30), gold=golden(40), out=tmp_path / "more", options=other)


@pytest.mark.parametrize("with_gold", [True, False])
def test_copies_are_the_teachers_rows_and_no_dev_rows(tmp_path, with_gold):
    gold = golden(60) if with_gold else None
    rows, held = gathered(tmp_path, replace(distil_options(), augment=copies()), gold=gold)
    plain, same = gathered(tmp_path / "plain", distil_options(), gold=gold)
    assert held.texts == same.texts and rows.texts[: len(plain)] == plain.texts
    assert rows.golden.sum() == plain.golden.sum() and rows.golden[len(plain) :].sum() == 0
    made = rows.take(np.arange(len(plain), len(rows)))
    assert np.array_equal(made.logits, CountingTeacher().predict_logits(made.texts))
    of = {row["id"]: row["origin"] for row in pq.read_table(tmp_path / "student.augmented.parquet").to_pylist()}
    origins = {of[name] for name in made.ids}
    assert origins <= set(plain.ids) and not origins & set(held.ids)
    assert not {normalised(text) for text in made.texts} & {normalised(text) for text in (*plain.texts, *held.texts)}


def test_audit_sets_stay_out(tmp_path):
    rows, _ = gathered(tmp_path / "a", replace(distil_options(), augment=copies()))
    audit = written_table("audit", [rows.texts[0], rows.texts[-1]])
    rows, _ = gathered(tmp_path / "b", replace(distil_options(), augment=copies(), not_in=[(audit, None)]))
    assert not set(rows.texts) & set(audit.texts)
    with pytest.raises(DataError, match="in no audit set"):
        gathered(tmp_path / "c", replace(distil_options(), not_in=[(pool(40), None)]))


def test_a_transfer_set_that_was_made_before_is_augmented_too(tmp_path):
    gathered(tmp_path, distil_options())
    rows, _ = gathered(tmp_path / "b", replace(distil_options(), augment=copies()), texts=tmp_path / "student.transfer")
    assert len(rows) > 80
    with pytest.raises(ModelError, match="need the --teacher"):
        gather(None, tmp_path / "student.transfer", None, None, None, replace(distil_options(), augment=copies()))
    wrong = Augmentation(AugmentOptions(method="generate"), Guesser())
    with pytest.raises(ModelError, match="causal language model"):
        gathered(tmp_path / "c", replace(distil_options(), augment=wrong))


def test_generation_follows_people_before_the_teacher(tmp_path):
    asked = []

    class Writer:
        fingerprint = "writer"

        def generate(self, prompts, draws):
            asked.extend(prompts)
            return [f"text {draw[0]}" for draw in draws]

    gold = golden(30)
    turned = replace(gold, targets=gold.targets[:, ::-1].copy())
    wanted = Augmentation(AugmentOptions(method="generate"), Writer())
    rows, _ = gathered(tmp_path, replace(distil_options(), augment=wanted), gold=turned)
    said = {prompt.split("\n")[-2].split(": ", 1)[1]: prompt.split("\n")[-1][:-1] for prompt in asked}
    for text, target, logits, people in zip(rows.texts, rows.targets, rows.logits, rows.golden, strict=True):
        if text in said:
            assert said[text] == rows.labels[int((target if people else logits).argmax())]
    assert len(said) == (~np.char.startswith(np.array(rows.texts), "text")).sum()
