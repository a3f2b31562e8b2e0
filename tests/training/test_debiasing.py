"""Debiasing an encoder: what turns, what stays, and that a run goes on where it stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import bytes_below, gendered, pool, quick, written_table
from transformers import AutoModel, AutoTokenizer, BertForMaskedLM

from angelshare.errors import DataError, ModelError, TrainingError
from angelshare.mitigate.pairs import PairList
from angelshare.training import turning
from angelshare.training.debiasing import DebiasOptions, debias
from angelshare.training.finetune import FinetuneOptions, finetune
from angelshare.training.masked import MaskedOptions, pretrain

PAIRS = PairList("own", (("bad", "grand"),), {})
TARGETS = ("film", "plot")


def options(epochs=8, rate=3e-3, **others):
    training = others.pop("training", quick(learning_rate=rate, epochs=epochs, weight_decay=0.0))
    return DebiasOptions(dev_fraction=0.2, training=training, **others)


def run(encoder, out, corpus=None, pairs=PAIRS, targets=TARGETS, **others):
    given = gendered(200) if corpus is None else corpus
    return debias(encoder, given, out=out, pairs=pairs, targets=targets, options=options(**others))


def states(directory, texts, words):
    """(layers, words' places, width) by one text at a time, found by the tokens' strings."""
    model, tokenizer = AutoModel.from_pretrained(directory).eval(), AutoTokenizer.from_pretrained(directory)
    found = []
    for text in texts:
        inputs = tokenizer(text, return_tensors="pt")
        pieces = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist())
        with torch.no_grad():
            layers = torch.stack(model(**inputs, output_hidden_states=True).hidden_states)[:, 0]
        found += [layers[:, at] for at, piece in enumerate(pieces) if words is None or piece in words]
    return torch.stack(found, 1)


def figures(before, after):
    """(squared inner products before, after, squared distance of attribute sentences, their squared length)."""
    fresh = gendered(80, seed=9).texts
    bad, grand, about = fresh[0::4], fresh[1::4], fresh[2::4]
    inner = []
    for place in (before, after):
        along = torch.stack(
            [states(place, texts, (word,)).mean(1) for texts, word in ((bad, "bad"), (grand, "grand"))], 1
        )
        inner.append((states(place, about, TARGETS) @ along.transpose(1, 2)).square().mean((1, 2)))
    one, two = states(before, bad, None), states(after, bad, None)
    return inner[0], inner[1], (one - two).square().sum(2).mean(1), one.square().sum(2).mean(1)


@pytest.mark.parametrize("level", ["token", "sentence"])
def test_the_inner_product_falls_and_what_is_kept_stays(tmp_path, encoder, level):
    out = run(encoder, tmp_path / "out", level=level)
    before, after, moved, length = figures(encoder, out)
    assert (after[1:] < 0.2 * before[1:]).all()
    assert (moved < 0.15 * length).all()
    made = json.loads((out / "training.json").read_text())["training"]
    assert made["directions"] == 2 and made["rows"] + made["dev_rows"] == 150


def test_the_last_layer_alone_turns_more_than_the_others(tmp_path, encoder):
    out = run(encoder, tmp_path / "out", layers="last", alpha=0.05)
    before, after, *_ = figures(encoder, out)
    assert after[-1] < 0.3 * before[-1] and (after[:-1] / before[:-1]).min() > after[-1] / before[-1]


def test_the_losses_are_those_of_a_loop_over_sentences(encoder, tmp_path, monkeypatch):
    """Equations 2 and 4 by hand on the first batch, dropout off; directions are means over the words' places."""
    seen = []
    real = turning.Turning.losses

    def look(self, texts, index, along):
        self.run.inner.eval()
        found = real(self, texts, index, along)
        self.run.inner.train()
        if not seen:
            seen.append(([texts.sentences.texts[at] for at in index], texts.sentences, along, found))
        return found

    monkeypatch.setattr(turning.Turning, "losses", look)
    run(encoder, tmp_path / "out", epochs=1, rate=1e-9, alpha=0.3)
    batch, everything, along, found = seen[0]
    for at, word in enumerate(("bad", "grand")):
        rows = [text for text, kind in zip(everything.texts, everything.kinds, strict=True) if kind == at + 1]
        torch.testing.assert_close(along[:, at], states(encoder, rows, (word,)).mean(1), rtol=1e-4, atol=1e-5)
    about = [text for text in batch if any(word in text.split() for word in TARGETS)]
    inner = states(encoder, about, TARGETS) @ along.transpose(1, 2)
    torch.testing.assert_close(found["projection"], 0.3 * inner.square().mean(), rtol=1e-4, atol=1e-5)
    assert float(found["distance"].detach()) < 1e-6  # nothing has moved yet
    assert len(about) not in (0, len(batch))


def test_a_head_stays_and_the_result_can_be_trained_further(tmp_path, encoder):
    masked = pretrain(encoder, pool(40), out=tmp_path / "masked", options=MaskedOptions(training=quick(epochs=1)))
    out = run(masked, tmp_path / "out", epochs=1)
    model, found = BertForMaskedLM.from_pretrained(out, output_loading_info=True)
    assert not found["missing_keys"]
    before = BertForMaskedLM.from_pretrained(masked)
    assert torch.equal(model.cls.predictions.transform.dense.weight, before.cls.predictions.transform.dense.weight)
    assert not torch.equal(
        model.bert.encoder.layer[0].output.dense.weight, before.bert.encoder.layer[0].output.dense.weight
    )
    gold = written_table("gold", pool(40).texts)
    gold = replace(gold, labels=("a", "b"), targets=np.eye(2, dtype=np.float32)[np.arange(40) % 2])
    finetune(out, gold, out=tmp_path / "teacher", options=FinetuneOptions(training=quick(epochs=1)))


def test_stopped_in_the_middle_of_a_pass_it_goes_on_to_the_same_bytes(tmp_path, encoder, monkeypatch):
    settings = {"training": quick(learning_rate=1e-3, checkpoint_steps=4, epochs=2)}
    whole = run(encoder, tmp_path / "a" / "out", **settings)
    real, steps = turning.Turning.losses, 0

    def dies(self, texts, index, along):
        nonlocal steps
        steps += self.run.inner.training
        if steps in (7, 20):
            steps += 1
            raise KeyboardInterrupt
        return real(self, texts, index, along)

    monkeypatch.setattr(turning.Turning, "losses", dies)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(encoder, tmp_path / "b" / "out", **settings)
    broken = run(encoder, tmp_path / "b" / "out", **settings)
    assert bytes_below(broken) == bytes_below(whole)
    run(encoder, broken, **settings)  # there already
    with pytest.raises(DataError, match=r"options\.alpha was 0\.2 and is 0\.5 now\. Name another --out"):
        run(encoder, broken, alpha=0.5, **settings)


def test_a_loss_that_is_not_finite_stops_with_the_sentences(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(turning, "distance", lambda *states: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(TrainingError, match="rows '"):
        run(encoder, tmp_path / "out")


def test_mistakes_are_one_sentence_and_leave_nothing(tmp_path, encoder):
    with pytest.raises(ModelError, match="cannot be loaded as an encoder"):
        run(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(DataError, match="target word and no word of own"):
        run(encoder, tmp_path / "out", targets=("unheard",))
    with pytest.raises(DataError, match="words of one side of own alone"):
        run(encoder, tmp_path / "out", pool(9), pairs=PairList("own", (("king", "queen"),), {}))
    with pytest.raises(DataError, match="too few to hold a dev split"):
        run(encoder, tmp_path / "out", gendered(3))
    with pytest.raises(DataError, match="several partners"):
        run(encoder, tmp_path / "out", pairs="identities")
    with pytest.raises(DataError, match=r"within its first 4 tokens\. Raise --max-length"):
        run(
            encoder,
            tmp_path / "out",
            written_table("c", [f"the a it so {text}" for text in gendered(90).texts]),
            max_length=4,
        )
    for wrong in ({"level": "word"}, {"layers": "first"}, {"alpha": 1.0}, {"sentences": 0}):
        with pytest.raises(ModelError, match="must be"):
            DebiasOptions(**wrong)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["encoder"]
