import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import tiny_encoder
from tiny_models import TEXTS, wordpiece
from transformers import AutoTokenizer

from angelshare.models.batching import CHARACTERS_A_TOKEN, buckets, clean, encode, restored, shuffled

lengths = st.lists(st.integers(0, 50), min_size=1, max_size=200).map(np.array)


@given(lengths, st.integers(1, 300), st.integers(1, 20))
@settings(deadline=None)
def test_buckets_hold_every_row_once_within_the_budget(lengths, budget, rows) -> None:
    batches = buckets(lengths, budget, rows)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget
    firsts = [lengths[batch[0]] for batch in batches]
    assert firsts == sorted(firsts, reverse=True)


@given(lengths, st.integers(1, 300))
@settings(deadline=None)
def test_restored_puts_answers_back(lengths, budget) -> None:
    batches = buckets(lengths, budget)
    answers = [np.stack([batch, lengths[batch]], axis=1).astype(np.float32) for batch in batches]
    back = restored(answers, batches)
    assert (back[:, 0] == np.arange(len(lengths))).all()
    assert (back[:, 1] == lengths).all()


@given(lengths, st.integers(1, 16), st.integers(0, 3))
@settings(deadline=None)
def test_shuffled_holds_every_row_once_and_repeats_itself(lengths, size, epoch) -> None:
    batches = shuffled(lengths, size, seed=4, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    again = shuffled(lengths, size, seed=4, epoch=epoch)
    assert all((one == other).all() for one, other in zip(batches, again, strict=True))


def test_shuffled_differs_by_epoch_and_seed_and_pads_little() -> None:
    rows = np.random.default_rng(0).integers(1, 200, 3000)
    orders = {np.concatenate(shuffled(rows, 32, seed, epoch)).tobytes() for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
    padded = sum(len(batch) * rows[batch].max() for batch in shuffled(rows, 32, 0, 0))
    assert padded < 1.1 * rows.sum()


def test_encode_equals_the_tokenizer_row_by_row() -> None:
    tokenizer = wordpiece()
    encoded = encode(tokenizer, TEXTS, 12)
    expected = [tokenizer(text, truncation=True, max_length=12)["input_ids"] for text in TEXTS]
    batch = encoded.batch(np.arange(len(TEXTS)))
    for row, ids, mask in zip(expected, batch["input_ids"].tolist(), batch["attention_mask"].tolist(), strict=True):
        assert [token for token, real in zip(ids, mask, strict=True) if real] == row
        assert all(token == tokenizer.pad_token_id for token in ids[len(row) :])
        assert sum(mask) == len(row)
    assert len(encode(tokenizer, [], 12)) == 0


def test_clean_caps_and_replaces_lone_surrogates() -> None:
    assert clean("ab\ud800c\udfff", 4) == "ab\ufffdc"
    assert clean("naïve 😀", 100) == "naïve 😀"
    assert len(clean("x" * 10**6, 8 * CHARACTERS_A_TOKEN)) == 256


@pytest.fixture
def bert(tmp_path):
    return AutoTokenizer.from_pretrained(tiny_encoder(tmp_path / "encoder"))


def test_a_pair_is_one_row_that_tells_its_texts_apart(bert) -> None:
    tokenizer = bert
    pairs = list(zip(TEXTS[:4], TEXTS[4:8], strict=True))
    encoded = encode(tokenizer, pairs, 64, typed=True)
    batch = encoded.batch(np.arange(4))
    for at, (first, second) in enumerate(pairs):
        expected = tokenizer(first, second)
        length = len(expected["input_ids"])
        for name in ("input_ids", "token_type_ids"):
            assert batch[name][at, :length].tolist() == expected[name]
            assert batch["attention_mask"][at].sum() == length
    assert "token_type_ids" not in encode(tokenizer, pairs, 64).batch(np.arange(4))
    assert "token_type_ids" not in encode(tokenizer, TEXTS[:4], 64, typed=True).batch(np.arange(4))


def test_of_a_pair_the_longer_text_is_cut(bert) -> None:
    encoded = encode(bert, [("the film " * 100_000, "good"), ("\ud800", "good")], 12, typed=True)
    assert encoded.lengths.max() == 12
    assert encoded.batch(np.arange(2))["token_type_ids"][0].tolist() == [0] * 10 + [1] * 2
