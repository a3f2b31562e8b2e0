"""Simulated samples and the candidate intervals whose coverage is counted."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64
from scipy.stats import norm

from angelshare import runs
from angelshare.stats import intervals
from angelshare.stats.compiled import compiled, side_by_side
from angelshare.stats.resample import Resampling

DRAWS = 399
"""Replicates of each simulated sample."""

CLUSTER = 2
"""Rows of a simulated cluster; they correlate by one half."""

MANY = 2000
"""Rows a class from which half as many replicates must do."""

PARTS = 8
"""Streams that the simulations of a cell are cut into, so that threads may share them."""

Ends: TypeAlias = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: `n` rows (or clusters) a class, drawn from two normal distributions.

    Attributes
    ----------
    kind : "continuous", "ties" (scores rounded to whole numbers), "clusters", or "paired" (the difference of two
        models whose scores correlate by .8, the second .02 below the first).
    """

    kind: str
    n: int
    auc: float

    @property
    def truth(self) -> float:
        if self.kind == "paired":
            return -0.02
        if self.kind != "ties":
            return self.auc
        levels = np.arange(-12, 13)
        low, high = (np.diff(norm.cdf(np.append(levels, 13) - 0.5 - shift)) for shift in (0.0, _shift(self.auc)))
        return float(np.sum(high * (np.cumsum(low) - low / 2)))

    def scores(self, rng: np.random.Generator) -> Float64[np.ndarray, "models rows"]:
        """One sample: negatives first, then as many positives."""
        size = CLUSTER if self.kind == "clusters" else 1
        rows = 2 * self.n * size
        positive = np.arange(rows) >= rows // 2
        noise = rng.standard_normal(rows)
        if self.kind == "clusters":
            noise = np.sqrt(0.5) * (noise + np.repeat(rng.standard_normal(2 * self.n), size))
        first = noise + _shift(self.auc) * positive
        if self.kind == "ties":
            return np.asarray(np.round(first))[None]
        if self.kind != "paired":
            return np.asarray(first)[None]
        second = 0.8 * noise + 0.6 * rng.standard_normal(rows) + _shift(self.auc - 0.02) * positive
        return np.stack([first, second])


def _shift(auc: float) -> float:
    return float(np.sqrt(2) * norm.ppf(auc))


@dataclass(frozen=True, eq=False)
class Samples:
    """What intervals may be made of: the estimates of many samples, their errors, and the same of every replicate."""

    point: Float64[np.ndarray, " samples"]
    error: Float64[np.ndarray, " samples"]
    """DeLong's, over the sums of clusters."""
    acceleration: Float64[np.ndarray, " samples"]
    replicates: Float64[np.ndarray, "samples draws"]
    errors: Float64[np.ndarray, "samples draws"]
    n: int


@compiled
def _placements(scores, order, rows, weight, out):
    """The share of the other class below each positive, and above each negative, with weights; and the area."""
    half = rows // 2
    positives = weight[half:].sum()
    negatives = weight[:half].sum()
    below_positives = below_negatives = area = 0.0
    first = 0
    while first < rows:
        stop, tied_positives, tied_negatives = first, 0.0, 0.0
        while stop < rows and scores[order[stop]] == scores[order[first]]:
            if order[stop] >= half:
                tied_positives += weight[order[stop]]
            else:
                tied_negatives += weight[order[stop]]
            stop += 1
        for i in range(first, stop):
            if order[i] >= half:
                out[order[i]] = (below_negatives + tied_negatives / 2) / negatives
            else:
                out[order[i]] = 1 - (below_positives + tied_positives / 2) / positives
        area += tied_positives * (below_negatives + tied_negatives / 2)
        below_positives += tied_positives
        below_negatives += tied_negatives
        first = stop
    return area / positives / negatives


@compiled
def _estimate(scores, orders, size, drawn, places):
    """The area (or the second's less the first's), its error and its acceleration, clusters drawn as often as told."""
    models, rows = scores.shape
    weight = np.repeat(drawn, size)
    value = _placements(scores[0], orders[0], rows, weight, places[0])
    if models == 2:
        value = _placements(scores[1], orders[1], rows, weight, places[1]) - value
    units = rows // size
    squares, cubes = 0.0, 0.0
    for side in range(2):
        count, total, square, cube = 0.0, 0.0, 0.0, 0.0
        for unit in range(side * units // 2, (side + 1) * units // 2):
            gap = 0.0
            for row in range(unit * size, (unit + 1) * size):
                gap += (places[1, row] - places[0, row] if models == 2 else places[0, row]) - value
            count += drawn[unit]
            total += drawn[unit] * gap
            square += drawn[unit] * gap * gap
            cube += drawn[unit] * gap * gap * gap
        square -= total * total / count
        squares += square / (count * size) ** 2 * count / (count - 1)
        cubes += cube / (count * size) ** 3
    error = np.sqrt(max(squares, 0.0))
    return value, error, cubes / 6 / error**3 if error > 0 else 0.0


@compiled
def _replicates(scores, orders, size, drawn, values, errors):
    places = np.empty(scores.shape)
    for at in range(len(values)):
        values[at], errors[at], _ = _estimate(scores, orders, size, drawn[at], places)


def simulate(cell: Cell, rng: np.random.Generator, drawn: Float64[np.ndarray, "draws units"], count: int) -> Samples:
    """Draw samples and their replicates."""
    points, replicates = np.empty((3, count)), np.empty((2, count, len(drawn)))
    for i in range(count):
        scores = np.ascontiguousarray(cell.scores(rng))
        orders = np.argsort(scores, axis=1)
        size = scores.shape[1] // (2 * cell.n)
        points[:, i] = _estimate(scores, orders, size, np.ones(2 * cell.n), np.empty(scores.shape))
        _replicates(scores, orders, size, drawn, replicates[0, i], replicates[1, i])
    return Samples(points[0], points[1], points[2], replicates[0], replicates[1], cell.n)


def percentile(s: Samples) -> Ends:
    low, high = np.quantile(s.replicates, [0.025, 0.975], axis=1)
    return low, high


def bca(s: Samples) -> Ends:
    """Bias-corrected and accelerated (Efron 1987)."""
    point = s.point[:, None]
    below = np.mean(s.replicates < point, axis=1) + np.mean(s.replicates == point, axis=1) / 2
    draws = s.replicates.shape[1]
    bias = norm.ppf(np.clip(below, 0.5 / draws, 1 - 0.5 / draws))
    ordered = np.sort(s.replicates, axis=1)
    ends = []
    for tail in norm.ppf([0.025, 0.975]):
        at = norm.cdf(bias + (bias + tail) / (1 - s.acceleration * (bias + tail))) * (draws - 1)
        low = np.floor(at).astype(np.int64)
        picked = [np.take_along_axis(ordered, np.minimum(k, draws - 1)[:, None], axis=1)[:, 0] for k in (low, low + 1)]
        ends.append(picked[0] + (at - low) * (picked[1] - picked[0]))
    return ends[0], ends[1]


def studentised(s: Samples) -> Ends:
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(s.errors > 0, (s.replicates - s.point[:, None]) / s.errors, 0.0)
    high, low = np.quantile(t, [0.025, 0.975], axis=1)
    return s.point - low * s.error, s.point - high * s.error


def normal(s: Samples, error: np.ndarray) -> Ends:
    step = intervals.normal_factor(0.95) * error
    return s.point - step, s.point + step


def logit(s: Samples, error: np.ndarray) -> Ends:
    pairs = zip(s.point, error, strict=True)
    ends = np.array([intervals.bounded(float(p), float(e), s.n, 0.0, 1.0) for p, e in pairs])
    return ends[:, 0], ends[:, 1]


def spread(s: Samples) -> np.ndarray:
    return np.asarray(np.std(s.replicates, axis=1, ddof=1))


Method: TypeAlias = Callable[[Samples], Ends]
VALUE_METHODS: dict[str, Method] = {
    "percentile": percentile,
    "BCa": bca,
    "studentised": studentised,
    "DeLong": lambda s: normal(s, s.error),
    "logit DeLong": lambda s: logit(s, s.error),
    "logit bootstrap": lambda s: logit(s, spread(s)),
}
DELTA_METHODS: dict[str, Method] = {
    "percentile": percentile,
    "BCa": bca,
    "studentised": studentised,
    "DeLong": lambda s: normal(s, s.error),
    "normal bootstrap": lambda s: normal(s, spread(s)),
}


def covered(methods: dict[str, Method], samples: Samples, truth: float) -> Float64[np.ndarray, " methods"]:
    """How many of the samples' intervals hold the truth, for each method."""
    ends = [method(samples) for method in methods.values()]
    return np.array([np.sum((low <= truth + 1e-12) & (truth - 1e-12 <= high)) for low, high in ends], dtype=np.float64)


def coverage(cell: Cell, simulations: int, seed: int) -> dict[str, float]:
    """Share of samples whose interval holds the truth, for each candidate method."""
    methods = DELTA_METHODS if cell.kind == "paired" else VALUE_METHODS
    each, strata = -(-simulations // PARTS), np.repeat([0, 1], cell.n)

    def work(part: int) -> Float64[np.ndarray, " methods"]:
        rng = runs.rng(seed, cell.kind, cell.n, str(cell.auc), part)
        draws = DRAWS if cell.n < MANY else DRAWS // 2
        drawn = Resampling(strata, draws=draws, seed=int(rng.integers(2**31))).weights().astype(np.float64)
        return covered(methods, simulate(cell, rng, drawn, each), cell.truth)

    hits = np.sum(side_by_side(work, range(PARTS)), axis=0)
    return dict(zip(methods, (hits / (each * PARTS)).tolist(), strict=True))


@dataclass(frozen=True)
class Decisions:
    """One cell of the grid for accuracy: n decisions, right with probability `rate`; or, `paired`, the difference of
    two models that differ on `rate` of the rows, in two thirds of them to the second's harm.
    """

    n: int
    rate: float
    paired: bool

    @property
    def truth(self) -> float:
        return -self.rate / 3 if self.paired else self.rate


def accuracy_coverage(cell: Decisions, simulations: int, seed: int) -> dict[str, float]:
    """As `coverage`, for accuracy: its replicates are multinomial draws, made at once."""
    rng = runs.rng(seed, "accuracy", cell.n, str(cell.rate), str(cell.paired))
    gains = [cell.rate / 3, cell.rate * 2 / 3] if cell.paired else [cell.rate, 0.0]
    shares = rng.multinomial(cell.n, [*gains, 1 - sum(gains)], size=simulations) / cell.n
    drawn = rng.multinomial(cell.n, shares[:, None, :], size=(simulations, DRAWS)) / cell.n
    point, replicates = shares[:, 0] - shares[:, 1], drawn[..., 0] - drawn[..., 1]
    nothing = np.zeros(simulations)
    samples = Samples(point, nothing, nothing, replicates, replicates, cell.n)
    hidden = intervals.rule_of_three(cell.n) / intervals.normal_factor(0.95)
    methods: dict[str, Method] = {"percentile": percentile, "bias-corrected": bca}
    if cell.paired:
        methods["normal bootstrap"] = lambda s: normal(s, np.where(spread(s) > 0, spread(s), hidden))
    else:
        methods["logit bootstrap"] = lambda s: logit(s, spread(s))
    hits = covered(methods, samples, cell.truth)
    return dict(zip(methods, (hits / simulations).tolist(), strict=True))
