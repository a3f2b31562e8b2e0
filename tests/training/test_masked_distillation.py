"""Masked models distilled: where the student starts, what it learns from, and that stopping changes no byte."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import bytes_below, corpus_file, encoder_options, tiny_masked
from torch.nn import functional
from transformers import AutoModelForMaskedLM, AutoTokenizer, DistilBertConfig, RobertaConfig

from angelshare import losses, runs
from angelshare.data.tokens import StoreOptions
from angelshare.errors import DataError, ModelError
from angelshare.models.batching import encode
from angelshare.models.guesses import guesses
from angelshare.models.transformer import spread
from angelshare.training import encoders
from angelshare.training import masked_distillation as loop
from angelshare.training.encoder_options import PRESETS, EncoderOptions, HeadOptions
from angelshare.training.masked_batch import MaskedBatch
from angelshare.training.masked_distillation import distil_encoder
from angelshare.training.masked_head import train_head
from angelshare.training.masking import Smoothed
from angelshare.training.settings import TrainOptions


@pytest.fixture
def masked(tmp_path):
    return tiny_masked(tmp_path / "masked")


@pytest.fixture
def texts(tmp_path):
    return corpus_file(tmp_path / "corpus.txt")


@pytest.fixture
def batch(masked, texts):
    """(a teacher, eight masked rows)"""
    model, tokenizer = encoders.teacher(str(masked))
    rows = encode(tokenizer, texts.read_text().splitlines()[:8], 32)
    mask = Smoothed.of(0.15, 0.7, tokenizer, np.bincount(rows.tokens, minlength=model.config.vocab_size))
    return model, MaskedBatch.drawn(rows, np.arange(8), mask, runs.rng(0, "mask", 0))


def test_the_layers_of_distilbert():
    assert spread(12, 6) == (0, 2, 4, 7, 9, 11)
    assert spread(6, 2) == (0, 5) and spread(6, 1) == (0,) and spread(6, 6) == tuple(range(6))
    assert all(len(set(spread(total, count))) == count for total in range(1, 13) for count in range(1, total + 1))
    with pytest.raises(ModelError, match="between 1 and"):
        spread(6, 7)


@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert"])
def test_the_student_starts_from_the_teachers_layers_exactly(name, masked):
    sizes = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    if name == "bert":
        teacher = encoders.teacher(str(masked))[0]
    elif name == "roberta":
        teacher = AutoModelForMaskedLM.from_config(RobertaConfig(vocab_size=60, **sizes))
    else:
        teacher = AutoModelForMaskedLM.from_config(DistilBertConfig(vocab_size=60, dim=16, n_layers=4, n_heads=2))
    student = loop._student(teacher, EncoderOptions(layers=(0, 3)))
    stack = {
        "bert": "bert.encoder.layer",
        "roberta": "roberta.encoder.layer",
        "distilbert": "distilbert.transformer.layer",
    }
    before, after = teacher.state_dict(), student.state_dict()
    assert student.config.num_hidden_layers == 2 and len(after) < len(before)
    for key, value in after.items():
        assert torch.equal(value, before[key.replace(f"{stack[name]}.1.", f"{stack[name]}.3.")]), key
    assert all(one.requires_grad for one in student.parameters())
    assert student.get_output_embeddings().weight is student.get_input_embeddings().weight


def test_with_all_layers_and_no_dropout_the_kl_starts_at_0(batch):
    teacher, drawn = batch
    options = EncoderOptions(layers=4, dropout=0.0)
    student = loop._student(teacher, options).train()
    given = drawn.part(np.arange(8), "attended", torch.device("cpu"))
    theirs = loop._answer(teacher, given, options)
    found = loop._losses(guesses(student, given.inputs, given.places), theirs, given, options)
    sums = {name: value.item() for name, value in found.items()}
    assert sums["kl"] == pytest.approx(0, abs=1e-4) and sums["cosine"] == pytest.approx(0, abs=1e-4)
    assert sums["mlm"] > 1


@pytest.mark.parametrize("over", ["attended", "masked"])
@pytest.mark.parametrize("parts", [1, 3])
def test_the_losses_are_those_of_projecting_every_place(batch, over, parts):
    teacher, drawn = batch
    options = EncoderOptions(layers=(0, 3), dropout=0.0, kl_over=over)
    student = loop._student(teacher, options)
    ids, mask = torch.from_numpy(drawn.seen), torch.from_numpy(drawn.real)
    ours, theirs = (m(input_ids=ids, attention_mask=mask.long(), output_hidden_states=True) for m in (student, teacher))
    wanted = mask if over == "attended" else torch.from_numpy(drawn.chosen)
    truth = torch.from_numpy(np.where(drawn.chosen, drawn.ids, -100))
    expected = {
        "kl": 5 * losses.kl(ours.logits[wanted], theirs.logits[wanted], 2.0),
        "mlm": 2 * functional.cross_entropy(ours.logits.flatten(0, 1), truth.flatten(), ignore_index=-100),
        "cosine": losses.hidden_cosine(ours.hidden_states[-1], theirs.hidden_states[-1], mask),
    }
    torch.stack(list(expected.values())).sum().backward()
    slow = {name: value.grad.clone() for name, value in student.named_parameters()}
    student.zero_grad()
    sums = dict.fromkeys(expected, 0.0)
    for rows in np.array_split(np.arange(8), parts):
        given = drawn.part(rows, over, torch.device("cpu"))
        answer = loop._answer(teacher, given, options)
        found = loop._losses(guesses(student, given.inputs, given.places), answer, given, options)
        shares = loop._shares(found, drawn, options)
        torch.stack(list(shares.values())).sum().backward()
        sums = {name: sums[name] + shares[name].item() for name in sums}
    assert sums == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-5)
    for name, value in student.named_parameters():
        torch.testing.assert_close(value.grad, slow[name], rtol=1e-4, atol=1e-6)


def test_the_control_never_asks_the_teacher(batch):
    teacher, drawn = batch
    options = EncoderOptions(layers=(0, 3), kl_weight=0.0, cosine_weight=0.0)
    given = drawn.part(np.arange(8), loop._over(options), torch.device("cpu"))
    assert loop._answer(teacher, given, options) is None
    assert len(given.places) == drawn.masked and not (given.truth < 0).any()
    student = loop._student(teacher, options)
    assert list(loop._losses(guesses(student, given.inputs, given.places), None, given, options)) == ["mlm"]
    cosine = replace(options, cosine_weight=1.0)
    answer = loop._answer(teacher, given, cosine)
    assert answer is not None and not answer.logits.numel()  # no word of the vocabulary is asked for
    assert set(loop._losses(guesses(student, given.inputs, given.places), answer, given, cosine)) == {"mlm", "cosine"}


def test_a_student_is_made_and_its_curves_are_logged(tmp_path, masked, texts):
    options = encoder_options(layers=2, training={"epochs": 6, "learning_rate": 2e-3, "accumulate": 2})
    out = distil_encoder(masked, texts, out=tmp_path / "student", options=options)
    model, found = AutoModelForMaskedLM.from_pretrained(out, output_loading_info=True)
    assert not found["missing_keys"] and model.config.num_hidden_layers == 2
    assert len(AutoTokenizer.from_pretrained(out)) == model.config.vocab_size
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    dev = [line["dev"] for line in lines if "dev" in line]
    assert len(dev) == 4 or len(dev) == 3
    assert all(set(one["others"]) == {"kl", "cosine"} for one in dev)
    steps = [line for line in lines if "kl" in line]
    assert np.mean([line["kl"] for line in steps[-9:]]) < 0.7 * np.mean([line["kl"] for line in steps[:3]])
    assert all(line["loss"] == pytest.approx(line["kl"] + line["mlm"] + line["cosine"], rel=1e-4) for line in steps)
    training = json.loads((out / "training.json").read_text())["training"]
    assert training["converged"] in (True, False) and training["role"] == "encoder: student"
    card = (out / "README.md").read_text()
    assert "fill-mask" in card and "distillation" in card and str(tmp_path) not in card
    runs.verify(out)
    again = replace(options, seed=1)
    other = distil_encoder(
        masked, tmp_path / "student.tokens", out=tmp_path / "other", options=again
    )  # its store, alone
    assert not (tmp_path / "other.tokens").exists() and runs.verify(other)
    with pytest.raises(DataError, match="Give it alone"):
        distil_encoder(masked, [tmp_path / "student.tokens", texts], out=tmp_path / "third", options=options)


def test_stopped_and_run_again_it_goes_on_to_the_same_bytes(tmp_path, masked, texts, monkeypatch):
    options = encoder_options(layers=2, training={"checkpoint_steps": 2, "epochs": 2})
    whole = distil_encoder(masked, texts, out=tmp_path / "a" / "out", options=options)
    real, calls = loop._answer, 0

    def dies(*arguments):
        nonlocal calls
        calls += 1
        if calls in (3, 9):
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(loop, "_answer", dies)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            distil_encoder(masked, texts, out=tmp_path / "b" / "out", options=options)
    broken = distil_encoder(masked, texts, out=tmp_path / "b" / "out", options=options)
    assert bytes_below(broken) == bytes_below(whole)
    assert bytes_below(tmp_path / "b" / "out.tokens") == bytes_below(tmp_path / "a" / "out.tokens")
    assert calls > 9
    distil_encoder(masked, texts, out=broken, options=options)  # there already
    with pytest.raises(DataError, match="Name another --out"):
        distil_encoder(masked, texts, out=broken, options=replace(options, temperature=3.0))


def test_a_head_is_trained_for_an_encoder_that_stays_as_it_is(tmp_path, encoder, texts):
    training = TrainOptions(learning_rate=1e-2, batch_size=8, epochs=6, patience=99, precision="float32")
    store = StoreOptions(max_length=32, dev_share=0.2)
    options = HeadOptions(corpus=store, dev_tokens=300, evaluations=4, training=training)
    with pytest.raises(ModelError, match="Say --train-head"):
        distil_encoder(encoder, texts, out=tmp_path / "out", options=encoder_options())
    out = train_head(encoder, texts, out=tmp_path / "teacher", options=options)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    guessed = [line["mlm"] for line in lines if "mlm" in line]
    assert np.mean(guessed[-5:]) < guessed[0] - 0.3
    before = AutoModelForMaskedLM.from_pretrained(encoder).base_model.state_dict()
    model, found = AutoModelForMaskedLM.from_pretrained(out, output_loading_info=True)
    assert not found["missing_keys"]
    assert all(torch.equal(value, before[name]) for name, value in model.base_model.state_dict().items())
    assert model.get_output_embeddings().weight is not model.get_input_embeddings().weight
    student = distil_encoder(out, tmp_path / "teacher.tokens", out=tmp_path / "out", options=encoder_options(layers=1))
    assert AutoModelForMaskedLM.from_pretrained(student).config.num_hidden_layers == 1
    with pytest.raises(ModelError, match="Leave --train-head out"):
        train_head(out, texts, out=tmp_path / "again", options=options)


def test_the_appendix():
    options = EncoderOptions()
    train = options.training
    assert (train.batch_size, train.learning_rate, train.epochs, train.warmup) == (8, 5e-4, 3, 0.05)
    assert (train.weight_decay, train.clip, train.epsilon, train.betas) == (0.0, 5.0, 1e-6, (0.9, 0.98))
    assert (options.temperature, options.masked, options.smoothing) == (2.0, 0.15, 0.7)
    assert {name: getattr(options, name) for name in PRESETS["distilbert"]} == PRESETS["distilbert"]


def test_mistakes_are_one_sentence(tmp_path, masked, texts):
    for wrong in ({"kl_weight": 0.0, "mlm_weight": 0.0}, {"temperature": 0}, {"kl_over": "all"}, {"dropout": 1.0}):
        with pytest.raises(ModelError):
            EncoderOptions(**wrong)
    with pytest.raises(DataError, match="share"):
        StoreOptions(share=0)
    with pytest.raises(ModelError, match="rising numbers"):
        distil_encoder(masked, texts, out=tmp_path / "out", options=encoder_options(layers=(0, 9)))
    one = tmp_path / "one.txt"
    one.write_text("the film was grand\n")
    with pytest.raises(DataError, match="one of each"):
        distil_encoder(masked, one, out=tmp_path / "out", options=encoder_options())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "masked", "one.txt"]
