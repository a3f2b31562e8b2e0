"""What keeping rows costs, and what is left when the hardest are deferred."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from angelshare.metrics.deferral import disagreement, errors, kept_costs, left, places, remaining

TRUTH = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)


def test_errors_and_disagreements_by_hand():
    first, second = np.array([0, 0, 1]), np.array([0, 1, 0])
    one = np.array([[1, 0], [0, 1], [0, 1]], dtype=bool)
    np.testing.assert_array_equal(errors(first, one), [0, 1, 0])
    np.testing.assert_array_equal(disagreement(first, second), [0, 1, 1])
    np.testing.assert_array_equal(kept_costs(first, second, one), [0, 1, -1])
    np.testing.assert_array_equal(kept_costs(first, second, None), [0, 1, 1])
    several = np.array([[1, 1], [0, 1], [0, 0]], dtype=bool)
    np.testing.assert_array_equal(errors(several, TRUTH), [0.5, 0, 1])
    np.testing.assert_array_equal(disagreement(several, TRUTH), [0.5, 0, 1])


hardnesses = arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0, np.nan, np.inf]))


@given(hardnesses, st.floats(0, 1), st.integers(0, 9))
def test_a_threshold_parts_no_two_rows_that_look_equally_hard(hardness, share, seed):
    costs = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], len(hardness))
    known = np.nan_to_num(hardness, nan=np.inf)
    most = round(share * len(hardness))
    best = min((t for t in [-1.0, *known] if (known > t).sum() <= most), default=np.inf, key=lambda t: t)
    kept = known <= best
    assert remaining(hardness, costs, np.array([share]))[0] == np.mean(costs * kept)
    np.testing.assert_array_equal(places(hardness), [(known >= value).sum() for value in known])


def test_the_better_signal_leaves_less():
    costs = np.repeat([1.0, 0.0], [20, 80])
    assert left(costs + 0.01 * np.arange(100)[::-1], costs) < left(np.arange(100.0)[::-1] % 7, costs) <= costs.mean()
