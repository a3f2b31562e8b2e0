"""What audits found: every number with its interval. The second narrow waist, and one versioned schema."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal

SCHEMA = 1

Better = Literal["higher", "lower", "target", "neutral"]
"""`neutral`: neither more nor less is better. Such a figure is shown, and never judged."""


class Outcome(StrEnum):
    """What a paired difference lets us say. A suite's outcome is its worst, in this order."""

    FAILED = "failed"
    LOSS = "loss"
    INCONCLUSIVE = "inconclusive"
    NO_LOSS = "no_loss"
    GAIN = "gain"
    NOT_ENOUGH_DATA = "not_enough_data"
    NOT_APPLICABLE = "not_applicable"
    NOT_JUDGED = "not_judged"
    """A figure that has no margin or no reference: shown, never judged."""


JUDGED = (Outcome.FAILED, Outcome.LOSS, Outcome.INCONCLUSIVE, Outcome.NO_LOSS, Outcome.GAIN)


def worst(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The worst judged outcome; None when nothing could be judged. `not_enough_data` is counted apart."""
    found = set(outcomes)
    return next((outcome for outcome in JUDGED if outcome in found), None)


@dataclass(frozen=True)
class Estimate:
    """A figure and how sure it is.

    `method` names the interval ("delong_logit", "bca", ...), `unit` what was resampled ("row", "cluster", "none").
    `low` and `high` are None where no interval exists; missing is never zero.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    method: str = "none"
    level: float = 0.95
    unit: str = "row"


@dataclass(frozen=True)
class Metric:
    """A figure's name and direction. A `target` metric is judged by |value - target|, lower."""

    name: str
    better: Better = "higher"
    target: float | None = None
    low: float = 0.0
    high: float = 1.0
    """The range, for intervals that respect it; infinite where there is none."""


@dataclass(frozen=True)
class Finding:
    """An audit's answer for one model, metric and slice.

    `delta` is the paired difference to the reference, oriented so that positive is better; `low` and `high` beside it
    are unadjusted, `family_low` and `family_high` simultaneous over the family that decides the outcome.
    """

    suite: str
    audit: str
    model: str
    metric: str
    slice: str
    better: Better
    value: Estimate | None
    outcome: Outcome
    reference: str | None = None
    delta: Estimate | None = None
    family_low: float | None = None
    family_high: float | None = None
    family_size: int = 1
    p: float | None = None
    p_holm: float | None = None
    p_bh: float | None = None
    margin: float | None = None
    target: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows behind the figure: positives, negatives, discarded replicates..."""
    seeds: Sequence[float] = ()
    """The value of every seed, where the model was trained with several."""
    seeds_disagree: bool = False
    """Differences of some seeds are above 0 and of others below: no loss or gain of the method can be claimed."""
    approximate: bool = False
    """The cell is smaller than the sizes at which the interval's coverage was measured."""
    note: str = ""
    """Why there is no figure, or what a reader must know of it: one sentence."""


@dataclass(frozen=True)
class Exhibit:
    """Rows that a report shows beside the figures: disagreements, swap ladders, reliability curves.

    `kind` names the template that draws it; rows hold JSON values only, and their texts are hostile.
    """

    suite: str
    audit: str
    kind: str
    rows: Sequence[Mapping[str, Any]]
    note: str = ""


@dataclass(frozen=True)
class Subject:
    """A model that was audited."""

    name: str
    role: Literal["reference", "student", "control", "tfidf", "other"]
    source: str
    fingerprints: Sequence[str]
    """One a seed."""
    labels: Sequence[str] = ()
    kind: str = ""
    """The architecture: "bow", "cnn", "bert", "tfidf", "predictions file"..."""
    parameters: int | None = None
    size_bytes: int | None = None
    of: str = ""
    """For a control: the student it belongs to."""


ESTIMATE_FIELDS = tuple(f.name for f in fields(Estimate))
