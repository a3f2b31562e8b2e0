"""Word-order sensitivity: how much of what a model gets right hangs on the order of the words (Pham et al. 2020)."""

import numpy as np
from jaxtyping import Float64, Int, Real


def word_order_sensitivity(
    kept: Real[np.ndarray, "rows figures"],
    truth: Int[np.ndarray, " rows"],
    classes: int,
    weights: Real[np.ndarray, "*any rows"] | None = None,
) -> Float64[np.ndarray, "*any figures"]:
    """WOS = (1 - p) / (1 - 1 / classes): 0 where order is of no account, 1 where without it only luck is left.

    For two classes this is the paper's (100 - p) / 50. Below luck it exceeds 1.

    Parameters
    ----------
    kept : share of each row's shuffles, in [0, 1], whose label is still the right one; a column a length of blocks.
    truth : (rows,) the class of each, in 0..classes - 1.
    weights : (..., rows); leading axes, bootstrap replicates say, pass through.

    Returns
    -------
    With p the mean over classes of the mean of `kept`: rows of a class stay balanced in every replicate. NaN where a
    class has no row.
    """
    weight = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    parts = []
    for label in range(classes):
        mine = np.flatnonzero(truth == label)
        with np.errstate(invalid="ignore"):
            parts.append(weight[..., mine] @ kept[mine] / weight[..., mine].sum(axis=-1)[..., None])
    return np.asarray((1 - np.mean(parts, axis=0)) / (1 - 1 / classes), dtype=np.float64)
