"""What a paired difference lets us say."""

import math

from angelshare.findings import Outcome


def outcome(low: float | None, high: float | None, margin: float | None, *, seeds_disagree: bool = False) -> Outcome:
    """The outcome of a difference (positive is better) with interval [low, high], given the margin.

    Parameters
    ----------
    margin : the loss that the user's budget allows, in the metric's units; None where nothing is to be judged.
    seeds_disagree : the seeds' differences have both signs, so neither a loss nor a gain is one of the method.
    """
    if margin is None:
        return Outcome.NOT_JUDGED
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return Outcome.NOT_ENOUGH_DATA
    if high < -margin:
        return Outcome.INCONCLUSIVE if seeds_disagree else Outcome.LOSS
    if low > 0:
        return Outcome.INCONCLUSIVE if seeds_disagree else Outcome.GAIN
    if low >= -margin:
        return Outcome.NO_LOSS
    return Outcome.INCONCLUSIVE
