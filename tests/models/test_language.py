"""The models that augmentation asks: guesses are whole words, and what is written depends on prompt and draws alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import wordpiece
from transformers import BertConfig, BertForMaskedLM, BertModel, GPT2Config, GPT2LMHeadModel

from angelshare.errors import ModelError
from angelshare.models.base import seeded
from angelshare.models.language import TOP_P, TorchCausal, _drawn, load_causal, load_masked
from angelshare.types import Guesser, LanguageModel

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def tokenizer(mask: bool = True):
    made = wordpiece()
    if mask:
        made.add_special_tokens({"mask_token": "[MASK]"})
    made.add_special_tokens({"eos_token": "[SEP]"})
    return made


def bert(kind, directory: Path, mask: bool = True) -> str:
    words = tokenizer(mask)
    config = BertConfig(vocab_size=len(words), max_position_embeddings=32, **SIZES)
    seeded(0, "tiny", make=lambda: kind(config)).save_pretrained(directory)
    words.save_pretrained(directory)
    return str(directory)


def gpt(directory: Path) -> str:
    words = tokenizer()
    config = GPT2Config(
        vocab_size=len(words), n_positions=64, n_embd=16, n_layer=1, n_head=2, bos_token_id=3, eos_token_id=3
    )
    seeded(0, "tiny", make=lambda: GPT2LMHeadModel(config)).save_pretrained(directory)
    words.save_pretrained(directory)
    return str(directory)


def test_guesses_are_the_likeliest_whole_words(tmp_path: Path) -> None:
    model = load_masked(bert(BertForMaskedLM, tmp_path / "bert"))
    assert isinstance(model, Guesser)
    texts = [["the", "cat,", "sat"], ["a", "[MASK]", "Dog!"], ["you"], ["bad"] * 60]
    hidden = [[1, 2], [2], [], [0, 59]]
    found = model.guesses(texts, hidden, 5)
    assert [len(places) for places in found] == [2, 1, 0, 1]  # the last is behind what the model reads
    pieces = {model.tokenizer.convert_ids_to_tokens(at) for at in range(len(model.tokenizer))}
    for word, share in (pair for places in found for place in places for pair in place):
        assert word.isalpha() and word in pieces and 0 < share < 1
    ids = model.tokenizer("the [MASK], [MASK]", return_tensors="pt")
    with torch.inference_mode():
        chances = model.model(**ids).logits[0].softmax(-1)
    place = ids["input_ids"][0].tolist().index(model.tokenizer.mask_token_id)
    best = sorted(
        ((float(chances[place, at]), word) for word, at in model.tokenizer.get_vocab().items() if word.isalpha())
    )
    assert [word for word, _ in found[0][0]] == [word for _, word in best[::-1][:5]]
    assert [share for _, share in found[0][0]] == pytest.approx([share for share, _ in best[::-1][:5]], rel=1e-4)
    alone = model.guesses(texts[:1], hidden[:1], 5)
    assert [[word for word, _ in place] for place in alone[0]] == [[word for word, _ in place] for place in found[0]]


def test_a_head_that_was_not_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no head was trained to guess words"):
        load_masked(bert(BertModel, tmp_path / "encoder"))
    with pytest.raises(ModelError, match="has no mask"):
        load_masked(bert(BertForMaskedLM, tmp_path / "blind", mask=False))
    with pytest.raises(ModelError, match="not trained to write on"):
        load_causal(bert(BertForMaskedLM, tmp_path / "masked"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded as a causal model") as caught:
        load_causal(str(tmp_path / "empty"))
    assert "\n" not in str(caught.value)


def test_draws_decide_what_is_written(tmp_path: Path) -> None:
    model = load_causal(gpt(tmp_path / "gpt"))
    assert isinstance(model, LanguageModel)
    prompts = ["the cat sat", "you", "bad movie bad movie " * 30, ""] * 6
    draws = np.random.default_rng(0).random((24, 9))
    found = model.generate(prompts, draws)
    assert found == model.generate(prompts, draws) and len(set(found)) > 12
    backwards = model.generate(prompts[::-1], draws[::-1])
    assert backwards[::-1] == found
    assert model.generate([], draws[:0]) == []
    assert all("\n" not in text for text in found)
    step = model.generate(prompts[:1], np.zeros((1, 1)))
    ids = model.tokenizer(prompts[0], return_tensors="pt")
    likeliest = int(model.model(input_ids=ids["input_ids"]).logits[0, -1].argmax())
    assert step == [model.tokenizer.decode([likeliest], skip_special_tokens=True)]


def test_writing_ends_with_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_causal(gpt(tmp_path / "gpt"))
    monkeypatch.setattr(
        type(model.tokenizer), "decode", lambda self, ids, **other: "".join("ab\nc"[at % 4] for at in ids)
    )
    found = model.generate(["the cat"] * 20, np.random.default_rng(1).random((20, 12)))
    assert all(set(text) <= set("abc") for text in found) and any(len(text) < 6 for text in found)


def test_tokens_are_drawn_from_the_likeliest() -> None:
    shares = torch.tensor([0.05, 0.5, 0.3, 0.15])
    logits = shares.log().repeat(1000, 1)
    drawn = _drawn(logits, torch.arange(0, 1, 0.001, dtype=torch.float64))
    counts = torch.bincount(drawn, minlength=4) / 1000
    assert TOP_P == 0.9 and counts.tolist() == pytest.approx([0, 0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95], abs=2e-3)
    assert _drawn(torch.tensor([[9.0, 0.0]]), torch.tensor([0.999999], dtype=torch.float64)).tolist() == [0]


def test_long_prompts_keep_their_end(tmp_path: Path) -> None:
    model = load_causal(gpt(tmp_path / "gpt"))
    assert isinstance(model, TorchCausal) and model.max_length == 48
    draws = np.full((1, 4), 0.3)
    assert model.generate(["bad " * 300 + "the cat"], draws) == model.generate(["bad " * 350 + "the cat"], draws)
