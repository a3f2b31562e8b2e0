"""Distillation with mixed texts: which rows are mixed, with what, and that all else stays as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import about, bytes_below, distil_options, golden, pool, toxicity_teacher, written_table
from teachers import LABELS, CountingTeacher

from angelshare.data.transfer import open_transfer
from angelshare.errors import DataError, ModelError
from angelshare.mitigate.pairs import IdentityPairs, PairList
from angelshare.models.base import embedded
from angelshare.models.batching import encode
from angelshare.models.students import StudentOptions, build
from angelshare.training.classifier import distil
from angelshare.training.rows import Rows
from angelshare.training.twins import Mixing, Mixup, labelled

WORDS = PairList("words", (("bad", "grand"), ("dull", "fine film")), {})


def rows_of(texts):
    logits = CountingTeacher().predict_logits(texts)
    ids = np.array([str(at) for at in range(len(texts))], dtype=object)
    nothing = np.full(logits.shape, np.nan, dtype=np.float32)
    return Rows(ids, list(texts), LABELS, False, logits, nothing, np.ones(len(texts), np.float32))


def mixing(tmp_path, texts, kind="bow", pairs=WORDS, alpha=0.4, held=("a dev row",), options=None, limit=32):
    rows = rows_of(texts)
    twins = labelled(rows, rows_of(held), CountingTeacher(), Mixup(pairs, alpha), (), tmp_path / "student")
    model, tokenizer = build(kind, labels=LABELS, multilabel=False, texts=texts, options=options)
    encoded = encode(tokenizer, texts, limit)
    known = {"texts": texts, "encoded": encoded, "limit": limit, "seed": 3, "device": torch.device("cpu")}
    return Mixing(twins, model, tokenizer, **known), model, tokenizer, encoded


TEXTS = ["a bad film", "the film", "grand and grand was it", "a dull film", "bad", "so fine"]


@pytest.mark.parametrize("grams", [1, 3])
def test_a_mixture_is_that_of_the_texts_embeddings_and_of_the_teachers_answers(tmp_path, grams):
    mix, model, tokenizer, encoded = mixing(tmp_path, TEXTS, options=StudentOptions(ngrams=grams, buckets=50))
    assert mix.facts == {"texts": 3, "twins": 3, "passed_over": 1}  # "fine film" is one word more than "dull"
    batch = np.array([5, 2, 0, 4, 3])
    inputs = encoded.batch(batch)
    drawn = mix(batch, 7, inputs["input_ids"].shape[1])
    assert drawn.at.tolist() == [False, True, True, True, False]
    twins = ["bad and bad was it", "a grand film", "grand"]
    other = encode(tokenizer, twins, 32).batch(np.arange(3))
    assert torch.equal(drawn.ids, other["input_ids"])
    read, share = drawn.inputs(model, inputs), drawn.share[:, None, None]
    whole = embedded(model, **inputs)
    expected = share * whole[1:4] + (1 - share) * embedded(model, other["input_ids"], inputs["attention_mask"][1:4])
    torch.testing.assert_close(read["inputs_embeds"][1:4], expected)
    assert torch.equal(read["inputs_embeds"][[0, 4]], whole[[0, 4]])
    teacher = torch.from_numpy(CountingTeacher().predict_logits([TEXTS[at] for at in batch]))
    says = torch.from_numpy(CountingTeacher().predict_logits(twins))
    found = drawn.targets(teacher)
    torch.testing.assert_close(found[1:4], share[..., 0] * teacher[1:4] + (1 - share[..., 0]) * says)
    assert torch.equal(found[[0, 4]], teacher[[0, 4]])


def test_only_seed_and_step_decide(tmp_path):
    mix, *_ = mixing(tmp_path, TEXTS)
    batch = np.array([0, 2, 4])
    one, same, later = mix(batch, 1, 9), mix(batch, 1, 9), mix(batch, 2, 9)
    assert torch.equal(one.share, same.share) and not torch.equal(one.share, later.share)
    assert mix(np.array([1, 3]), 1, 9) is None
    assert one.ids.shape == (3, 9) and (one.ids[:, 5:] == mix.pad).all()


def test_each_of_several_twins_is_drawn(tmp_path):
    text = "a Muslim man felt so"
    known = [text, "a Christian woman felt so"]
    mix, *_ = mixing(tmp_path, known, pairs=IdentityPairs())
    assert mix.facts["twins"] == 4 and mix.facts["passed_over"] > 4  # each text has two whose words are known
    seen = {tuple(mix(np.array([0]), step, 5).ids[0].tolist()) for step in range(40)}
    assert len(seen) == 2


@pytest.mark.parametrize("text", ["bad " * 3000, "bad \ufffd film", "x" * 5000 + " bad", "bad\n\tfilm"])
def test_long_and_broken_texts(tmp_path, text):
    mix, model, _, encoded = mixing(tmp_path, [text, "grand", "bad"])
    batch = np.arange(3)
    inputs = encoded.batch(batch)
    drawn = mix(batch, 0, inputs["input_ids"].shape[1])
    assert torch.isfinite(model(**drawn.inputs(model, inputs)).logits).all()


def test_dev_rows_are_no_twins_and_audit_sets_stay_out(tmp_path):
    rows, audit = rows_of(["a bad film", "a grand plot"]), written_table("audit", ["a grand film"])
    twins = labelled(rows, rows_of(["a bad plot"]), CountingTeacher(), Mixup(WORDS), (), tmp_path / "one")
    assert list(twins.of) == ["a bad film"]
    with pytest.raises(DataError, match="No text is left"):
        labelled(rows, rows_of(["a bad plot"]), CountingTeacher(), Mixup(WORDS), [(audit, None)], tmp_path / "two")


def run(out, mixup, kind="bow", controls=False, **others):
    given = {"teacher": toxicity_teacher(), "texts": about(80), "out": out, "controls": controls, **others}
    return distil(kind, options=replace(distil_options(epochs=2), mixup=mixup), **given)


def test_the_student_changes_and_its_controls_do_not(tmp_path):
    plain = run(tmp_path / "plain", None, controls=True)
    mixed = run(tmp_path / "mixed", Mixup(IdentityPairs()), controls=True)
    assert plain.fingerprint != mixed.fingerprint
    both = [bytes_below(tmp_path / name / "controls" / "hard") for name in ("plain", "mixed")]
    assert both[0]["hard/model.safetensors"] == both[1]["hard/model.safetensors"]
    made = json.loads((tmp_path / "mixed" / "training.json").read_text())["training"]
    assert made["mixup"]["texts"] > 20
    assert len(open_transfer(tmp_path / "mixed.twins.transfer")) >= made["mixup"]["twins"]
    assert "mixup of identities" in (tmp_path / "mixed" / "README.md").read_text()
    with pytest.raises(DataError, match=r"options\.mixup\.alpha was 0\.4 and is 0\.5"):
        run(tmp_path / "mixed", Mixup(IdentityPairs(), 0.5), controls=True)


@pytest.mark.parametrize("kind", ["cnn", "bilstm", "transformer"])
def test_every_student_takes_mixtures(tmp_path, encoder, kind):
    options = StudentOptions(filters=4, embeddings=str(encoder) if kind == "cnn" else None, encoder=str(encoder))
    run(tmp_path / "s", Mixup(PairList("own", (("bad", "grand"),), {})), kind, student=options)
    assert json.loads((tmp_path / "s" / "training.json").read_text())["training"]["mixup"]["texts"] > 20


def test_mistakes_are_one_sentence(tmp_path):
    with pytest.raises(DataError, match="No text to learn from has a word of words"):
        run(tmp_path / "s", Mixup(PairList("words", (("king", "queen"),), {})))
    transfer = tmp_path / "s.transfer"
    assert not transfer.exists()  # the teacher was not asked
    with pytest.raises(ModelError, match=r"between 0\.001 and 1000"):
        Mixup(WORDS, 0.0)
    with pytest.raises(ModelError, match=r"None of the .* keeps the student's number of tokens.*'felt' to 'was so'"):
        run(tmp_path / "s", Mixup(PairList("words", (("felt", "was so"),), {})))
    run(tmp_path / "t", None, gold=golden(20), texts=pool(20), teacher=CountingTeacher())
    with pytest.raises(ModelError, match="need the --teacher"):
        run(tmp_path / "u", Mixup(WORDS), texts=tmp_path / "t.transfer", teacher=None)
