"""The intervals hold the truth as often as they say: two small cells of the grid, and its page."""

import numpy as np
import pytest

from angelshare.stats import coverage as grid
from angelshare.stats.delong import delong
from angelshare.stats.simulate import Cell, Decisions, _estimate, accuracy_coverage, coverage


@pytest.mark.parametrize("cell", [Cell("continuous", 50, 0.95), Cell("paired", 50, 0.8)])
def test_the_default_intervals_cover(cell):
    shares = coverage(cell, 400, seed=3)
    chosen = [share for method, share in shares.items() if method in grid.CHOSEN]
    assert len(chosen) == 1 and chosen[0] > 0.915


def test_the_rule_of_three_keeps_rare_differences_covered():
    shares = accuracy_coverage(Decisions(50, 0.03, paired=True), 500, seed=1)
    assert shares["normal bootstrap"] > 0.95 > 0.8 > shares["percentile"]


def test_the_simulated_error_is_delongs():
    scores = Cell("paired", 40, 0.8).scores(np.random.default_rng(1))
    positive = np.arange(80) >= 40
    orders = np.argsort(scores, axis=1)
    value, error, _ = _estimate(scores, orders, 1, np.ones(80), np.empty(scores.shape))
    aucs, covariance = delong(scores.T, positive)
    assert value == pytest.approx(aucs[1] - aucs[0])
    assert error**2 == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def test_the_truth_of_tied_scores():
    cell = Cell("ties", 4000, 0.8)
    scores = cell.scores(np.random.default_rng(0))[0]
    assert delong(scores, np.arange(8000) >= 4000)[0][0] == pytest.approx(cell.truth, abs=0.015)


def test_the_page_names_the_chosen_methods(monkeypatch, tmp_path):
    monkeypatch.setattr(grid, "SIZES", (50,))
    monkeypatch.setattr(grid, "AREAS", (0.8,))
    page, lowest = grid.measure(simulations=8, seed=1)
    assert 0 <= lowest <= 1 and page.count("## ") == 7 and "**logit bootstrap**" in page
