"""Intervals against simulated truth."""

import numpy as np

from angelshare.findings import Estimate
from angelshare.stats import intervals


def test_a_difference_of_independent_figures_covers_the_truth():
    rng = np.random.default_rng(0)
    truth, n, covered = (0.8, 0.6), (80, 120), 0
    for _ in range(1000):
        shares = [float(np.clip(rng.binomial(k, p) / k, 1e-9, 1 - 1e-9)) for k, p in zip(n, truth, strict=True)]
        errors = [np.sqrt(share * (1 - share) / k) for k, share in zip(n, shares, strict=True)]
        one, other = (
            Estimate(share, *intervals.bounded(share, error, k, 0.0, 1.0), n=k)
            for share, error, k in zip(shares, errors, n, strict=True)
        )
        found = intervals.independent_difference(one, other)
        covered += found.low <= truth[0] - truth[1] <= found.high
    assert 930 <= covered <= 970
    assert intervals.independent_difference(Estimate(0.5), Estimate(0.2, 0.1, 0.3)).low is None
