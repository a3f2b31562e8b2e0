"""Word-order sensitivity against its formula."""

import numpy as np
import pytest

from angelshare.metrics.word_order import word_order_sensitivity


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_it_is_the_papers_formula_on_balanced_rows(classes):
    rng = np.random.default_rng(classes)
    truth = np.repeat(np.arange(classes), 20)
    kept = rng.integers(0, 11, (len(truth), 3)) / 10
    found = word_order_sensitivity(kept, truth, classes)
    p = 100 * kept.mean(axis=0)
    assert found == pytest.approx((100 - p) / (100 - 100 / classes), abs=1e-12)
    if classes == 2:
        assert found == pytest.approx((100 - p) / 50, abs=1e-12)


def test_its_ends_are_exact():
    truth = np.arange(60) % 3
    weights = np.random.default_rng(0).integers(0, 4, (50, 60))
    assert not word_order_sensitivity(np.ones((60, 1)), truth, 3, weights).any()
    assert word_order_sensitivity(np.full((60, 1), 1 / 3), truth, 3) == pytest.approx(1)
    assert word_order_sensitivity(np.zeros((60, 1)), truth, 3) == pytest.approx(1.5)


def test_a_weight_is_a_row_repeated_and_classes_stay_balanced():
    rng = np.random.default_rng(1)
    truth, kept, weights = np.arange(40) % 2, rng.random((40, 2)), rng.integers(1, 4, 40)
    again = np.repeat(np.arange(40), weights)
    wanted = word_order_sensitivity(kept[again], truth[again], 2)
    assert word_order_sensitivity(kept, truth, 2, weights) == pytest.approx(wanted)
    mean = np.mean([np.average(kept[truth == c], axis=0, weights=weights[truth == c]) for c in (0, 1)], axis=0)
    assert wanted == pytest.approx((1 - mean) * 2)
    weights[truth == 1] = 0
    assert np.isnan(word_order_sensitivity(kept, truth, 2, weights)).all()
