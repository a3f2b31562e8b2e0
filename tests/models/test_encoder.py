"""Encoders and masked models of real architectures: what they answer, and which directories are none."""

import numpy as np
import pytest
import torch
from test_language import SIZES, bert, gpt, tokenizer
from tiny_models import TEXTS, bert_config, wordpiece
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel

from angelshare.errors import ModelError, WrongKind
from angelshare.models.base import label_settings, seeded
from angelshare.models.encoder import load_encoder
from angelshare.models.language import load_masked
from angelshare.models.loading import load_as
from angelshare.models.pooled import PooledConfig, PooledForSequenceClassification


def states(model, text):
    """The last layer's states of one text alone."""
    ids = model.tokenizer(text, truncation=True, max_length=model.max_length, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return model.model(input_ids=ids).last_hidden_state[0].numpy()


def test_each_pooling_of_each_text_as_if_alone(encoder):
    model = load_encoder(str(encoder))
    for pooling, pick in (("cls", lambda s: s[0]), ("mean", lambda s: s.mean(0)), ("first-word", lambda s: s[1])):
        found = model.encode(TEXTS, pooling)
        assert found.shape == (len(TEXTS), 32) and found.dtype == np.float32
        for text, vector in zip(TEXTS, found, strict=True):
            assert vector == pytest.approx(pick(states(model, text)), abs=1e-5), (pooling, text)
    assert model.encode([], "mean").shape == (0, 32)
    assert np.isfinite(model.encode(["\ud800 cat", "cat " * 200_000], "cls")).all()


def test_heads_do_not_change_the_vectors_nor_does_saving(tmp_path, encoder):
    plain = load_encoder(bert(BertModel, tmp_path / "plain"))
    wanted = plain.encode(TEXTS, "mean")
    headed = seeded(9, "head", make=lambda: BertForMaskedLM(plain.model.config))
    headed.bert.load_state_dict(plain.model.state_dict(), strict=False)
    headed.save_pretrained(tmp_path / "headed")
    tokenizer().save_pretrained(tmp_path / "headed")
    for _ in range(2):
        again = load_encoder(str(tmp_path / "headed"))
        assert np.array_equal(again.encode(TEXTS, "mean"), wanted) and again.fingerprint == plain.fingerprint
    assert load_encoder(str(tmp_path / "plain")).fingerprint == plain.fingerprint
    assert load_encoder(str(encoder)).fingerprint != plain.fingerprint


def test_the_encoder_inside_a_classifier(tmp_path):
    inner = bert_config()
    config = PooledConfig(encoder={**inner.to_diff_dict(), "model_type": "bert"}, **label_settings(("a", "b"), False))
    pooled = seeded(1, "p", make=lambda: PooledForSequenceClassification(config))
    pooled.save_pretrained(tmp_path / "pooled")
    wordpiece().save_pretrained(tmp_path / "pooled")
    found = load_as("encoder", tmp_path / "pooled")
    assert found.kind == "bert"
    for name, tensor in pooled.encoder.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], tensor)
    config = bert_config(**label_settings(("a", "b"), False))
    seeded(2, "c", make=lambda: BertForSequenceClassification(config)).save_pretrained(tmp_path / "cls")
    wordpiece().save_pretrained(tmp_path / "cls")
    assert load_as("encoder", tmp_path / "cls").encode(["a cat"], "cls").shape == (1, 32)


def test_what_is_none_is_one_sentence(tmp_path, encoder):
    with pytest.raises(WrongKind, match="is no encoder: it was trained to write on"):
        load_as("encoder", gpt(tmp_path / "gpt"))
    with pytest.raises(WrongKind, match="is no masked model: its architecture has none"):
        load_as("masked model", tmp_path / "gpt")
    with pytest.raises(WrongKind, match="no head was trained to guess words"):
        load_as("masked model", encoder)
    with pytest.raises(ModelError, match="does not exist") as caught:
        load_as("encoder", tmp_path / "nowhere")
    assert not isinstance(caught.value, WrongKind)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"has no config\.json"):
        load_as("encoder", tmp_path / "empty")
    (tmp_path / "gpt" / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot be loaded as an encoder") as caught:
        load_as("encoder", tmp_path / "gpt")
    assert "\n" not in str(caught.value)


def test_tokens_are_hidden_one_at_a_time(tmp_path):
    model = load_masked(bert(BertForMaskedLM, tmp_path / "bert"))
    texts = ["the cat sat on the mat", "", "bad", "☃ dog ☃", "good movie " * 60]
    counts = model.token_counts(texts)
    assert counts.tolist() == [6, 0, 1, 1, 30]  # unknown ones cannot be hidden, and 32 are read
    positions = [np.array([0, 5]), np.array([], dtype=int), np.array([0]), np.array([0]), np.array([3, 29])]
    log_probs, right = model.token_log_probs(texts, positions)
    at = 0
    for text, hidden in zip(texts, positions, strict=True):
        ids = model.tokenizer(text, truncation=True, max_length=32, return_tensors="pt")["input_ids"]
        places = [place for place, token in enumerate(ids[0].tolist()) if token not in model.tokenizer.all_special_ids]
        for place in hidden:
            seen = ids.clone()
            seen[0, places[place]] = model.tokenizer.mask_token_id
            with torch.inference_mode():
                chances = model.model(input_ids=seen).logits[0, places[place]].log_softmax(-1)
            truth = int(ids[0, places[place]])
            assert log_probs[at] == pytest.approx(float(chances[truth]), abs=1e-5)
            assert right[at] == (int(chances.argmax()) == truth)
            at += 1
    assert at == len(log_probs) == 6


def test_a_vocabulary_is_how_texts_are_cut(tmp_path):
    one = load_masked(bert(BertForMaskedLM, tmp_path / "one"))
    config = BertConfig(vocab_size=len(tokenizer()), max_position_embeddings=32, **{**SIZES, "num_hidden_layers": 2})
    seeded(1, "deeper", make=lambda: BertForMaskedLM(config)).save_pretrained(tmp_path / "two")
    tokenizer().save_pretrained(tmp_path / "two")
    two = load_masked(str(tmp_path / "two"))
    assert one.vocabulary == two.vocabulary and one.fingerprint != two.fingerprint
    other = tokenizer()
    other.add_tokens(["movies"])
    two.tokenizer = other
    assert one.vocabulary != two.vocabulary
