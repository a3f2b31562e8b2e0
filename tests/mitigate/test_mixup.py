"""Mixup's arithmetic against a loop over positions."""

import numpy as np
import pytest
import torch
from token_pairs import ids_of, wordpiece

from angelshare.errors import ModelError
from angelshare.mitigate.mixup import blend, check_alpha, check_parts, mixture, shares, taught
from angelshare.mitigate.pairs import open_pairs
from angelshare.mitigate.tokenpairs import TokenPairs


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 8.0])
def test_shares_are_those_of_the_beta_distribution(alpha):
    drawn = shares(alpha, 100_000, np.random.default_rng(0))
    assert drawn.dtype == np.float32 and drawn.mean() == pytest.approx(0.5, abs=0.005)
    assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.005)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1e-4, 1e4, float("nan"), float("inf")])
def test_an_alpha_without_shares_is_refused(alpha):
    with pytest.raises(ModelError, match=r"between 0\.001 and 1000"):
        check_alpha(alpha)
    assert np.isfinite(shares(1e-3, 9, np.random.default_rng(0))).all()


@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_blend_is_a_loop_over_places(shape):
    rng = np.random.default_rng(0)
    values, at = torch.from_numpy(rng.normal(size=(*shape, 2))), torch.from_numpy(rng.random(shape) < 0.5)
    count = int(at.sum())
    others, share = torch.from_numpy(rng.normal(size=(count, 2))), torch.from_numpy(rng.random(count))
    expected, number = values.clone(), 0
    for place in np.ndindex(shape):
        if at[place]:
            expected[place] = share[number] * values[place] + (1 - share[number]) * others[number]
            number += 1
    torch.testing.assert_close(blend(values, at, others, share), expected)


TEXTS = ["she told the man", "the cat sat", "he and her mankind", "[MASK] herself he"]


def drawn(share=(0.9, 0.5, 0.2, 0.7)):
    tokenizer = wordpiece()
    pairs = TokenPairs.of(open_pairs("gender-10"), tokenizer)
    ids, real = ids_of(tokenizer, TEXTS)
    found = mixture(pairs, ids, real, np.array(share, dtype=np.float32), torch.device("cpu"))
    return tokenizer, pairs, torch.from_numpy(ids), torch.from_numpy(real), found


def by_hand(tokenizer, pairs, share, at, values, again):
    """lambda * male + (1 - lambda) * female at every token of the list: `values` of the texts, `again` of the twins."""
    expected = values.clone()
    for row in range(len(TEXTS)):
        for token in range(values.shape[1]):
            word = tokenizer.convert_ids_to_tokens(int(at[row, token]))
            partner = pairs.partners.get(word)
            whole = token + 1 == values.shape[1] or int(at[row, token + 1]) != tokenizer.convert_tokens_to_ids("##kind")
            if partner is None or not whole:
                continue
            male, female = values[row, token], again[row, token]
            if not partner.second:
                male, female = female, male
            expected[row, token] = share[row] * male + (1 - share[row]) * female
    return expected


def test_both_words_of_a_pair_become_the_same_mixture():
    tokenizer, _, ids, _, found = drawn()
    assert found.rows.tolist() == [0, 2, 3]
    assert found.own.tolist() == pytest.approx([1 - 0.9, 0.9, 0.2, 1 - 0.2, 1 - 0.7, 0.7])
    embed = torch.nn.Embedding(len(tokenizer), 3, _weight=torch.randn(len(tokenizer), 3, generator=torch.Generator()))
    share = (0.9, 0.5, 0.2, 0.7)
    mixed = found.inputs(embed, ids)
    expected = by_hand(tokenizer, open_pairs("gender-10"), share, ids, embed(ids), embed(found.twins))
    torch.testing.assert_close(mixed, expected)
    assert torch.equal(mixed[1], embed(ids)[1])
    mixed.sum().backward()
    female, male = (tokenizer.convert_tokens_to_ids(word) for word in ("herself", "himself"))
    assert embed.weight.grad[female].tolist() == pytest.approx([0.3] * 3)
    assert embed.weight.grad[male].tolist() == pytest.approx([0.7] * 3)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_teachers_answers_are_mixed_at_the_chosen_places(share, every):
    """Of all tokens, or of some, as a loop that projects only what a loss needs has them."""
    tokenizer, _, ids, real, found = drawn((share,) * 4)
    rng = torch.Generator()
    rng.manual_seed(0)
    values, again = (torch.randn(*ids.shape, 5, generator=rng) for _ in "ab")
    chosen = real & (torch.arange(ids.numel()).view(ids.shape) % every == 0)
    expected = by_hand(tokenizer, open_pairs("gender-10"), (share,) * 4, ids, values, again)[chosen]
    torch.testing.assert_close(found.follow(values[chosen], chosen, again[found.wanted(chosen)]), expected)


class Teacher:
    """Says of each token what the whole row holds; counts the rows it reads."""

    def __init__(self, vocabulary):
        rng = torch.Generator()
        rng.manual_seed(1)
        self.table, self.read = torch.randn(vocabulary, 4, generator=rng), 0

    def everything(self, ids, mask):
        states = self.table[ids] + (self.table[ids] * mask[..., None]).sum(1, keepdim=True)
        return torch.cat([states, -states], 2), states

    def __call__(self, ids, mask, places):
        self.read += len(ids)
        logits, states = self.everything(ids, mask)
        return logits.flatten(0, 1)[places], states


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize(
    "parts", [("input",), ("output",), ("logits", "output"), ("logits", "output", "input"), ("logits", "input")]
)
def test_the_five_variants_of_table_2(parts, every):
    tokenizer, _, ids, real, found = drawn((0.3, 0.6, 0.9, 0.2))
    teacher, mask = Teacher(len(tokenizer)), real.long()
    places = torch.nonzero(real.flatten()).flatten()[::every]
    logits, states = taught(found, parts, teacher(ids, mask, places), places, mask, teacher)
    one, two = teacher.everything(ids, mask), teacher.everything(found.twins, mask)
    expected = [
        by_hand(tokenizer, open_pairs("gender-10"), (0.3, 0.6, 0.9, 0.2), ids, *both)
        for both in zip(one, two, strict=True)
    ]
    torch.testing.assert_close(logits, (expected[0] if "logits" in parts else one[0]).flatten(0, 1)[places])
    torch.testing.assert_close(states, expected[1] if "output" in parts else one[1])
    assert teacher.read == len(TEXTS) + (0 if parts == ("input",) else 3)  # the row without a pair word is read once


def test_the_teacher_is_not_asked_again_in_vain():
    tokenizer, _, ids, real, found = drawn()
    teacher, mask = Teacher(len(tokenizer)), real.long()
    places = torch.nonzero((ids == tokenizer.mask_token_id).flatten()).flatten()
    answer = teacher(ids, mask, places)
    for mixed, parts in ((None, ("logits", "output")), (found, ("input",)), (found, ("logits", "input"))):
        logits, states = taught(mixed, parts, answer, places, mask, teacher)
        assert logits is answer[0] and states is answer[1]
    assert teacher.read == len(TEXTS)


def test_no_pair_word_no_second_look():
    tokenizer = wordpiece()
    pairs = TokenPairs.of(open_pairs("gender-10"), tokenizer)
    ids, real = ids_of(tokenizer, ["the cat sat", "mankind", "[MASK]"])
    assert mixture(pairs, ids, real, shares(0.4, 3, np.random.default_rng(0)), torch.device("cpu")) is None


def test_parts_are_named_once_and_in_order():
    assert check_parts(["logits", "input"]) == ("input", "logits")
    for wrong in ([], ["inputs"]):
        with pytest.raises(ModelError, match="one or more of input, output, logits"):
            check_parts(wrong)
