"""Mixup in the distillation of a masked model: what the student reads, what it follows, and that all else stays."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import bytes_below, corpus_file, encoder_options, tiny_masked

from angelshare import losses, runs
from angelshare.errors import ModelError
from angelshare.mitigate.pairs import PairList
from angelshare.mitigate.tokenpairs import TokenPairs
from angelshare.models.batching import encode
from angelshare.models.guesses import guesses
from angelshare.training import encoders
from angelshare.training import masked_distillation as loop
from angelshare.training.encoder_options import EncoderMixup, EncoderOptions
from angelshare.training.masked_batch import MaskedBatch
from angelshare.training.masked_distillation import distil_encoder
from angelshare.training.masking import Smoothed

PAIRS = PairList("words", (("bad", "grand"), ("dull", "fine")), {})
ALL = ("input", "output", "logits")


@pytest.fixture
def masked(tmp_path):
    return tiny_masked(tmp_path / "masked")


@pytest.fixture
def texts(tmp_path):
    return corpus_file(tmp_path / "corpus.txt")


@pytest.fixture
def batch(masked, texts):
    """(a teacher, eight masked rows with a share each)"""
    model, tokenizer = encoders.teacher(str(masked))
    rows = encode(tokenizer, texts.read_text().splitlines()[:8], 32)
    mask = Smoothed.of(0.15, 0.7, tokenizer, np.bincount(rows.tokens, minlength=model.config.vocab_size))
    drawn = MaskedBatch.drawn(rows, np.arange(8), mask, runs.rng(0, "mask", 0))
    share = np.linspace(0.1, 0.8, 8, dtype=np.float32)
    return model, tokenizer, replace(drawn, pairs=TokenPairs.of(PAIRS, tokenizer), shares=share)


def expected_of(teacher, tokenizer, drawn, student, parts):
    """Losses by whole matrices, token by token."""
    ids, mask = torch.from_numpy(drawn.seen), torch.from_numpy(drawn.real)
    words = {word: tokenizer.convert_tokens_to_ids(word) for pair in PAIRS.pairs for word in pair}
    partner = {words[a]: words[b] for pair in PAIRS.pairs for a, b in (pair, pair[::-1])}
    second = {words[b] for _, b in PAIRS.pairs}
    twins, own = ids.clone(), torch.ones(ids.shape)
    for row, at in np.argwhere(drawn.real).tolist():
        token = int(ids[row, at])
        if token in partner:
            twins[row, at] = partner[token]
            own[row, at] = float(drawn.shares[row] if token in second else 1 - drawn.shares[row])
    assert (own < 1).any(1).sum() > 1
    table, share = student.get_input_embeddings(), own[..., None]
    read = share * table(ids) + (1 - share) * table(twins) if "input" in parts else table(ids)
    ours = student(inputs_embeds=read, attention_mask=mask.long(), output_hidden_states=True)
    with torch.no_grad():
        both = [teacher(input_ids=each, attention_mask=mask.long(), output_hidden_states=True) for each in (ids, twins)]
    at = own[..., None] < 1

    def mixed(one, other, wanted):
        return torch.where(at, share * one + (1 - share) * other, one) if wanted else one

    logits = mixed(both[0].logits, both[1].logits, "logits" in parts)
    states = mixed(both[0].hidden_states[-1], both[1].hidden_states[-1], "output" in parts)
    return {
        "kl": 5 * losses.kl(ours.logits[mask], logits[mask], 2.0),
        "cosine": losses.hidden_cosine(ours.hidden_states[-1], states, mask),
    }


@pytest.mark.parametrize("split", [1, 3])
@pytest.mark.parametrize("parts", [("input",), ("output",), ("logits", "output"), ALL, ("logits", "input")])
def test_the_losses_are_those_of_mixing_token_by_token(batch, parts, split):
    teacher, tokenizer, drawn = batch
    options = EncoderOptions(layers=(0, 3), dropout=0.0, mixup=EncoderMixup(PAIRS, parts=parts))
    student = loop._student(teacher, options)
    expected = expected_of(teacher, tokenizer, drawn, student, parts)
    torch.stack(list(expected.values())).sum().backward()
    slow = student.get_input_embeddings().weight.grad.clone()
    student.zero_grad()
    sums = dict.fromkeys(expected, 0.0)
    for rows in np.array_split(np.arange(8), split):
        given = drawn.part(rows, "attended", torch.device("cpu"))
        theirs = loop._answer(teacher, given, options)
        ours = guesses(student, loop._read(student, given, options), given.places)
        found = loop._shares(loop._losses(ours, theirs, given, options), drawn, options)
        sums = {name: sums[name] + found[name].item() for name in sums}
        torch.stack([found[name] for name in sums]).sum().backward()
    assert sums == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-5)
    torch.testing.assert_close(student.get_input_embeddings().weight.grad, slow, rtol=1e-4, atol=1e-6)


def test_the_teacher_reads_twins_only_where_a_pair_word_stands(batch, monkeypatch):
    teacher, _, drawn = batch
    options = EncoderOptions(layers=(0, 3), mixup=EncoderMixup(PAIRS))
    given = drawn.part(np.arange(8), "attended", torch.device("cpu"))
    asked = []
    real = loop.guesses

    def counts(model, inputs, places):
        asked.append(len(inputs["input_ids"]))
        return real(model, inputs, places)

    monkeypatch.setattr(loop, "guesses", counts)
    loop._answer(teacher, given, options)
    assert asked == [8, len(given.mixed.rows)]
    asked.clear()
    loop._answer(teacher, replace(given, mixed=None), options)
    assert asked == [8]
    asked.clear()
    loop._answer(teacher, given, replace(options, mixup=EncoderMixup(PAIRS, parts=("input",))))
    assert asked == [8]


def test_a_mixed_student_is_another_and_stopped_it_goes_on_to_the_same_bytes(tmp_path, masked, texts, monkeypatch):
    plain = encoder_options(layers=2, training={"checkpoint_steps": 2})
    options = replace(plain, mixup=EncoderMixup(PAIRS))
    whole = distil_encoder(masked, texts, out=tmp_path / "a" / "out", options=options)
    other = distil_encoder(masked, texts, out=tmp_path / "c" / "out", options=plain)
    assert (whole / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()
    real, calls = loop._read, 0

    def dies(*arguments):
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(loop, "_read", dies)
    with pytest.raises(KeyboardInterrupt):
        distil_encoder(masked, texts, out=tmp_path / "b" / "out", options=options)
    assert bytes_below(distil_encoder(masked, texts, out=tmp_path / "b" / "out", options=options)) == bytes_below(whole)
    facts = json.loads((whole / "training.json").read_text())["facts"]["options"]["mixup"]
    assert facts["parts"] == ["input", "logits"] and facts["alpha"] == 0.4


def test_mistakes_are_one_sentence(tmp_path, masked, texts):
    with pytest.raises(ModelError, match="'output' acts through the cosine"):
        EncoderOptions(cosine_weight=0.0, mixup=EncoderMixup(PAIRS, parts=("output",)))
    with pytest.raises(ModelError, match="'logits' acts through the KL"):
        EncoderOptions(kl_weight=0.0, mixup=EncoderMixup(PAIRS))
    with pytest.raises(ModelError, match="one or more of input, output, logits"):
        EncoderMixup(PAIRS, parts=("words",))
    unknown = EncoderMixup(PairList("names", (("Zorblaxian", "Quuxite"),), {}))
    with pytest.raises(ModelError, match="Leave these pairs out of names"):
        distil_encoder(masked, texts, out=tmp_path / "out", options=encoder_options(mixup=unknown))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.txt", "masked"]
