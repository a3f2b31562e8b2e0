"""What a paired difference lets us say."""

import math

from angelshare.findings import Outcome


def outcome(low: float | None, high: float | None, margin: float | None) -> Outcome:
    """The outcome of a difference (positive is better) with interval [low, high], given the margin.

    Parameters
    ----------
    margin : the loss that the user's budget allows, in the metric's units; None where nothing is to be judged.
    """
    if margin is None:
        return Outcome.NOT_JUDGED
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return Outcome.NOT_ENOUGH_DATA
    if high < -margin:
        return Outcome.LOSS
    if low > 0:
        return Outcome.GAIN
    if low >= -margin:
        return Outcome.NO_LOSS
    return Outcome.INCONCLUSIVE
