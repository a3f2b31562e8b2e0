"""The budget: how much of each figure may be lost before it counts as a loss."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from angelshare.errors import DataError
from angelshare.findings import JUDGED, Finding, Outcome
from angelshare.stats.outcome import outcome


def _number(value: Any) -> Any:
    """A whole number as a fraction: to Python, 0 equals `false` and 1 `true`."""
    if value is True:
        raise ValueError("must be a number from 0, or false")
    return float(value) if isinstance(value, int) and value is not False else value


Margin = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | Literal[False], BeforeValidator(_number)]
"""The largest loss within budget; `false`: show the figure, never judge it."""

DEFAULTS: Mapping[str, float | Literal[False]] = {
    "*/auc_roc*": 0.01,
    "*/auc_pr*": 0.01,
    "quality/accuracy*": 0.01,
    "quality/macro_f1*": 0.01,
    "quality/mcc*": 0.02,
    "quality/log_loss*": 0.02,
    "quality/calibration_error*": 0.02,
    "quality/accuracy@*": False,
    "quality/macro_f1@*": False,
    "quality/mcc@*": False,
    "quality/log_loss@*": False,
    "quality/calibration_error@*": False,
    "by-column/accuracy": 0.02,
    "false-positives/false_positive_rate": 0.02,
    "identity-auc/*_auc": 0.02,
    "identity-auc/*_mean": 0.01,
    "identity-auc/*_power_mean": 0.02,
    "identity-auc/jigsaw_final": 0.01,
    "seat/effect_size*": 0.2,
    "seat/mean_effect*": 0.1,
    "mlm/masked_accuracy": 0.01,
    "glue/*": 0.02,
    "glue/glue_average": 0.01,
}
"""Margins of "audit/metric" patterns: 0.01 for AUC and accuracy, 0.02 for a group or a task, a small effect for d.

At another class rate (`accuracy@0.08`) the threshold and the calibration stay those of the data's own rate, so only the
ranking is judged there.
"""


class Budget(BaseModel):
    """Margins by the glob pattern of "audit/metric"; the longest that matches holds, the file's before the defaults.

    `false` instead of a number means: show the figure, never judge it.

    Examples
    --------
    >>> Budget(margins={"identity-auc/*": 0.03}).margin("identity-auc", "bpsn_auc")
    0.03
    >>> Budget().margin("quality", "accuracy")
    0.01
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    margins: dict[str, Margin] = Field(default_factory=dict)

    def margin(self, audit: str, metric: str) -> float | None:
        """The largest loss that is within budget, in units of the metric; None where nothing is to be judged."""
        name = f"{audit}/{metric}"
        for margins in (self.margins, DEFAULTS):
            matching = [pattern for pattern in margins if fnmatchcase(name, pattern)]
            if matching:
                found = margins[max(matching, key=len)]
                return None if found is False else float(found)
        return None

    def in_force(self) -> dict[str, float | Literal[False]]:
        """Every pattern that holds, the defaults that the file replaces left out."""
        return {**{pattern: m for pattern, m in DEFAULTS.items() if pattern not in self.margins}, **self.margins}

    def unmatched(self, findings: Iterable[Finding]) -> list[str]:
        """The file's patterns that are of none of the figures: slips of the pen, which would leave the defaults."""
        names = {f"{finding.audit}/{finding.metric}" for finding in findings}
        return [pattern for pattern in self.margins if not any(fnmatchcase(name, pattern) for name in names)]

    def with_margins(self, margins: Mapping[str, float | Literal[False]]) -> "Budget":
        """The budget with some margins replaced."""
        return Budget(margins={**self.margins, **margins})


UNION = ("float", "constrained-float", "literal[False]")
"""What pydantic adds to the place of a margin that is neither."""


def problem(error: ValidationError) -> str:
    """The first of pydantic's complaints as half a sentence: which key, what rule, which value."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part not in UNION)
    if first["type"] == "extra_forbidden":
        return f"the key '{key}' is unknown"
    return f"'{key}': {first['msg'][0].lower()}{first['msg'][1:]}, got {first.get('input')!r}"


def read_toml(path: Path) -> dict[str, object]:
    """Raises DataError with one sentence where the file is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Give the path of a TOML file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not TOML: {error}. Mend that line.") from error


def read_budget(path: str | Path) -> Budget:
    """Read a budget file: a [margins] table of "audit/metric" patterns.

    Raises
    ------
    DataError
        For a file that is missing, is not TOML, or has an unknown key or a margin that is not a number from 0.
    """
    path = Path(path)
    try:
        return Budget.model_validate(read_toml(path))
    except ValidationError as error:
        raise DataError(
            f'{path}: {problem(error)}. A budget holds a [margins] table of "audit/metric" patterns, '
            "each a number from 0, or false."
        ) from error


def rejudge(findings: Iterable[Finding], budget: Budget, reference: str) -> list[Finding]:
    """The same intervals under another budget's margins.

    Figures that were not measured, and steps between controls, stay as they are.
    """
    return [_rejudged(finding, budget) if finding.reference == reference else finding for finding in findings]


def _rejudged(finding: Finding, budget: Budget) -> Finding:
    low, high = deciding_interval(finding)
    measured = finding.outcome in (*JUDGED, Outcome.NOT_JUDGED) and finding.outcome is not Outcome.FAILED
    if not measured or low is None or high is None:
        return finding
    margin = budget.margin(finding.audit, finding.metric)
    judged = Outcome.NOT_JUDGED if margin is None else outcome(low, high, margin, seeds_disagree=finding.seeds_disagree)
    return replace(finding, margin=margin, outcome=judged)


def deciding_interval(finding: Finding) -> tuple[float | None, float | None]:
    """The simultaneous interval in a family, else the one of the difference itself."""
    if finding.family_low is not None:
        return finding.family_low, finding.family_high
    return (None, None) if finding.delta is None else (finding.delta.low, finding.delta.high)
