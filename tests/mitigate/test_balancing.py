"""How many rows make the rates match, and which are drawn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from angelshare.mitigate.balancing import Tally, draw, wanted


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_with_the_rows_wanted_the_rates_match_and_with_one_fewer_they_do_not(rows):
    marks = {"gay": np.array([a for a, _, _ in rows]), "black": np.array([b for _, b, _ in rows])}
    positive = np.array([c for _, _, c in rows])
    half = len(rows) // 2
    parts = (slice(None, half), slice(half, None))
    tally = Tally()
    for part in parts:
        tally = tally.plus({name: mark[part] for name, mark in marks.items()}, positive[part])
    whole = positive.mean()
    counts = wanted(tally)
    for name, mark in marks.items():
        mine = positive[mark]
        if not mark.any() or mine.mean() <= whole:
            assert name not in counts
            continue
        rate = mine.sum() / (len(mine) + counts[name])
        assert rate <= whole * (1 + 1e-12)
        assert mine.sum() / (len(mine) + counts[name] - 1) > whole * (1 - 1e-12)


@given(st.integers(0, 2**31), st.integers(1, 60))
def test_each_identity_gets_what_it_wants_or_all_there_is_in_any_order(seed, rows):
    rng = np.random.default_rng(seed)
    marks, keys = rng.random((rows, 3)) < 0.3, rng.random(rows)
    counts = rng.integers(0, 15, size=3)
    drawn = draw(marks, keys, counts)
    assert len(set(drawn.tolist())) == len(drawn)
    for at in range(3):
        assert marks[drawn, at].sum() >= min(counts[at], marks[:, at].sum())
    order = rng.permutation(rows)
    assert set(order[draw(marks[order], keys[order], counts)].tolist()) == set(drawn.tolist())


def test_the_facts_count_the_set_and_leave_out_who_is_never_mentioned():
    tally = Tally().plus({"gay": np.array([1.0, 0.0, 1.0]), "black": np.zeros(3)}, np.array([True, False, False]))
    assert tally.facts() == {
        "all": {"rows": 3, "positive": 1, "rate": 1 / 3},
        "gay": {"rows": 2, "positive": 1, "rate": 0.5},
    }
