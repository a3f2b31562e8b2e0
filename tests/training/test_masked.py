"""A masked model: the right tokens are hidden, the loss is theirs alone, and what is made can be fine-tuned."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small import bytes_below, golden, pool, quick
from torch.nn import functional
from transformers import (
    AutoModelForMaskedLM,
    BertForMaskedLM,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    RobertaConfig,
)

from angelshare import runs
from angelshare.data.tables import Table
from angelshare.errors import DamagedFile, DataError, ModelError, TrainingError
from angelshare.models.batching import encode
from angelshare.models.guesses import guesses
from angelshare.training import encoders, masked
from angelshare.training.finetune import FinetuneOptions, finetune
from angelshare.training.masked import MaskedOptions, pretrain
from angelshare.training.masking import Masking

SPECIAL = np.arange(30) < 5


def options(epochs=6, **others):
    return MaskedOptions(training=quick(learning_rate=1e-2, epochs=epochs), **others)


def test_the_shares_are_those_of_bert():
    masking = Masking(0.15, SPECIAL, 4)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 30, size=(400, 200))
    real = np.arange(200) < rng.integers(100, 200, size=(400, 1))
    seen, chosen = masking(ids, real, np.random.default_rng(1))
    able = real & (ids >= 5)
    assert not (chosen & ~able).any() and (seen[~chosen] == ids[~chosen]).all()
    assert chosen.sum() / able.sum() == pytest.approx(0.15, abs=0.005)
    became = seen[chosen]
    assert (became == 4).mean() == pytest.approx(0.8, abs=0.01)
    stayed = (became == ids[chosen]).mean()
    assert stayed == pytest.approx(0.1 + 0.1 / 25, abs=0.01)  # a random token may be the same one
    assert not (SPECIAL[became] & (became != 4)).any()
    by_token = np.bincount(ids[chosen], minlength=30)[5:] / np.bincount(ids[able], minlength=30)[5:]
    assert by_token.min() > 0.12 and by_token.max() < 0.18  # uniform


def test_a_batch_always_has_a_token_to_guess():
    masking = Masking(1e-9, SPECIAL, 4)
    ids = np.array([[2, 7, 9, 3], [2, 8, 3, 0]])
    _, chosen = masking(ids, ids > 0, np.random.default_rng(0))
    assert chosen.sum() == 1 and ids[chosen][0] >= 5
    assert not masking(ids[:, :1], ids[:, :1] > 0, np.random.default_rng(0))[1].any()


ARCHITECTURES = {
    "roberta": RobertaConfig,
    "electra": ElectraConfig,
    "modernbert": ModernBertConfig,
    "distilbert": DistilBertConfig,
}


@pytest.mark.parametrize("name", ["bert", *ARCHITECTURES])
def test_only_the_masked_positions_pass_the_head_and_their_loss_is_that_of_all_logits(name, encoder):
    if name == "bert":
        model = encoders.masked(str(encoder), 0)[0]
    elif name == "distilbert":
        model = AutoModelForMaskedLM.from_config(DistilBertConfig(vocab_size=60, dim=16, n_layers=1, n_heads=2))
    else:
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        marks = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
        model = AutoModelForMaskedLM.from_config(ARCHITECTURES[name](vocab_size=60, **sizes, **marks))
    model.eval()
    rng = np.random.default_rng(0)
    ids = torch.from_numpy(rng.integers(5, 40, size=(3, 9)))
    mask = torch.from_numpy((np.arange(9) < np.array([[9], [4], [7]])).astype(np.int64))
    chosen = torch.from_numpy(rng.random((3, 9)) < 0.4) & (mask > 0)
    with torch.no_grad():
        slow = model(input_ids=ids, attention_mask=mask).logits
        found = guesses(model, {"input_ids": ids, "attention_mask": mask}, torch.nonzero(chosen.flatten())[:, 0])
        states = model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(found.states, states)
        assert model(input_ids=ids, attention_mask=mask).logits.shape == slow.shape  # the hook is gone
    targets = torch.where(chosen, ids, -100)
    expected = functional.cross_entropy(slow.flatten(0, 1), targets.flatten(), ignore_index=-100)
    torch.testing.assert_close(functional.cross_entropy(found.logits, ids[chosen]), expected)


def test_perplexity_falls_is_logged_and_the_best_is_kept(tmp_path, encoder):
    out = pretrain(encoder, pool(120), out=tmp_path / "out", options=options())
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    dev = [line["dev"] for line in lines if "dev" in line]
    assert dev[-1]["loss"] < dev[0]["loss"]
    assert all(-line["value"] == pytest.approx(np.exp(line["loss"])) for line in dev)
    made = json.loads((out / "training.json").read_text())["training"]
    assert made["dev_perplexity"] == min(-line["value"] for line in dev)
    assert "fill-mask" in (out / "README.md").read_text()


def test_an_encoder_without_a_head_gets_one_tied_and_saved_and_keeps_its_pooler(tmp_path, encoder):
    out = pretrain(encoder, pool(40), out=tmp_path / "out", options=options(epochs=1))
    model, found = BertForMaskedLM.from_pretrained(out, output_loading_info=True)
    assert not found["missing_keys"]
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    before, after = load_file(encoder / "model.safetensors"), load_file(out / "model.safetensors")
    assert torch.equal(after["bert.pooler.dense.weight"], before["pooler.dense.weight"])
    assert not torch.equal(after["bert.embeddings.word_embeddings.weight"], before["embeddings.word_embeddings.weight"])
    again = pretrain(out, pool(40), out=tmp_path / "again", options=options(epochs=1))  # its head is taken up
    assert not BertForMaskedLM.from_pretrained(again, output_loading_info=True)[1]["missing_keys"]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_result_can_be_fine_tuned(tmp_path, encoder, pooling):
    out = pretrain(encoder, pool(40), out=tmp_path / "out", options=options(epochs=1))
    settings = FinetuneOptions(pooling=pooling, training=quick(learning_rate=1e-9, epochs=1))
    finetune(out, golden(20), out=tmp_path / "teacher", options=settings)
    weights = load_file(tmp_path / "teacher" / "model.safetensors")
    name = {"mean": "encoder", "cls": "bert"}[pooling] + ".embeddings.word_embeddings.weight"
    expected = load_file(out / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    torch.testing.assert_close(weights[name], expected)


def test_rows_without_a_token_to_guess_are_left_out_and_equal_texts_are_read_once(tmp_path, encoder, capsys):
    table = pool(40)
    more = replace(table, name="more", texts=[*table.texts[:39], "zzz unheard"])
    out = pretrain(encoder, [table, more], dev=pool(9, 5), out=tmp_path / "out", options=options(epochs=1))
    assert json.loads((out / "training.json").read_text())["training"]["rows"] == 40
    assert "1 of 41" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_with_the_rows(tmp_path, encoder, monkeypatch):
    broken = functional.cross_entropy
    monkeypatch.setattr(masked.functional, "cross_entropy", lambda *a, **k: broken(*a, **k) * float("nan"))
    with pytest.raises(TrainingError, match="pool-"):
        pretrain(encoder, pool(40), out=tmp_path / "out", options=options())


def test_stopped_and_run_again_it_goes_on_to_the_same_bytes(tmp_path, encoder, monkeypatch):
    """A run that dies between steps, also right after a checkpoint, ends like an unbroken one."""
    settings = MaskedOptions(training=quick(learning_rate=1e-3, checkpoint_steps=2))
    whole = pretrain(encoder, pool(60), out=tmp_path / "a" / "out", options=settings)
    real, steps = masked._masked, 0

    def dies(*arguments):
        nonlocal steps
        steps += 1
        if steps in (5, 9):
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(masked, "_masked", dies)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            pretrain(encoder, pool(60), out=tmp_path / "b" / "out", options=settings)
    broken = pretrain(encoder, pool(60), out=tmp_path / "b" / "out", options=settings)
    assert bytes_below(broken) == bytes_below(whole)
    pretrain(encoder, pool(60), out=broken, options=settings)  # there already
    with pytest.raises(DataError, match="Name another --out"):
        pretrain(encoder, pool(60), out=broken, options=replace(settings, share=0.2))
    (broken / "model.safetensors").write_bytes(b"")
    with pytest.raises(DamagedFile):
        pretrain(encoder, pool(60), out=broken, options=settings)


def test_dev_masks_stay_the_same(encoder):
    model, tokenizer = encoders.masked(str(encoder), 0)
    masking = Masking.of(0.15, tokenizer, model.config.vocab_size)
    texts = encode(tokenizer, pool(20).texts, 32)
    one, two = (
        masked._masked(texts, np.arange(20), masking, runs.rng(0, "dev mask", 0), torch.device("cpu")) for _ in "ab"
    )
    assert torch.equal(one[0]["input_ids"], two[0]["input_ids"]) and torch.equal(one[2], two[2])


def test_mistakes_are_one_sentence(tmp_path, encoder):
    with pytest.raises(ModelError, match="cannot be loaded as a masked model"):
        pretrain(tmp_path / "nowhere", pool(40), out=tmp_path / "out")
    finetune(encoder, golden(20), out=tmp_path / "teacher", options=FinetuneOptions(training=quick(epochs=1)))
    with pytest.raises(ModelError, match="encoder"):
        pretrain(tmp_path / "teacher", pool(40), out=tmp_path / "out")
    with pytest.raises(ModelError, match="share"):
        pretrain(encoder, pool(40), out=tmp_path / "out", options=MaskedOptions(share=0))
    with pytest.raises(DataError, match="too few rows"):
        pretrain(encoder, pool(1), out=tmp_path / "out")
    strange = Table("p", "p.csv", np.array(["a", "b"], dtype=object), ["zzz", "yyy"])
    with pytest.raises(DataError, match="no text with a token"):
        pretrain(encoder, strange, out=tmp_path / "out")
    with pytest.raises(DataError, match="not a dev text"):
        pretrain(encoder, pool(9), dev=pool(9), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
