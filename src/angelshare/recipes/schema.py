"""What every recipe's TOML holds: a paper's claims, how models are trained, and the scales of a run."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from angelshare.audits.budget import problem
from angelshare.errors import DataError

if TYPE_CHECKING:
    from angelshare.training.engine import TrainOptions

__all__ = ["Claim", "Figure", "Less", "Names", "Paper", "Part", "Strict", "Training", "checked", "read_toml"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Names = Annotated[tuple[str, ...], BeforeValidator(tuple)]


class Part(Strict):
    """Differences to the reference that a claim is about, and where it puts them (oriented: below 0 is worse)."""

    study: str
    models: Names
    suites: Names
    metric: str = "auc_roc"
    low: float = -math.inf
    high: float = math.inf


class Which(Strict):
    study: str
    model: str


class Less(Which):
    """One model drops less than another on a suite."""

    than: Which
    suite: str


class Figure(Strict):
    """A figure that the study itself computes, by its name, and where the claim puts it."""

    name: str
    low: float = -math.inf
    high: float = math.inf


class Claim(Strict):
    """A sentence of the paper as something that can be checked.

    Attributes
    ----------
    rule : the parts in plain words.
    mixed : differences of which some are to be above 0 and others below.
    """

    text: str
    rule: str
    parts: tuple[Part, ...] = ()
    mixed: tuple[Part, ...] = ()
    less: Less | None = None
    figures: tuple[Figure, ...] = ()


class Training(Strict):
    """How one model is trained; None takes the default of its kind."""

    epochs: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    max_length: int | None = Field(default=None, ge=4)
    vocabulary: int | None = Field(default=None, ge=1)
    filters: int | None = Field(default=None, ge=1)
    layers: int | None = Field(default=None, ge=1)
    rows: int | None = Field(default=None, ge=1)

    def over(self, default: "TrainOptions") -> "TrainOptions":
        names = ("epochs", "batch_size", "learning_rate")
        return replace(default, **{n: value for n in names if (value := getattr(self, n)) is not None})


S = TypeVar("S", bound=Strict)
P = TypeVar("P", bound=Strict)


class Paper(Strict, Generic[S]):
    """A paper: what it claimed, what is not as it was there, and the sizes at which the study is done here.

    Attributes
    ----------
    changes : what differs: (part, in the paper, here).
    """

    title: str
    paper: str
    changes: tuple[tuple[str, str, str], ...]
    claims: tuple[Claim, ...]
    scales: Mapping[str, S]

    def scale(self, name: str) -> S:
        """Raises DataError for a scale that the recipe has not."""
        if name not in self.scales:
            raise DataError(f"The scale must be one of {', '.join(self.scales)}. Got '{name}' instead.")
        return self.scales[name]


def read_toml(package: str) -> dict[str, Any]:
    """The settings that stand in a recipe's package."""
    return tomllib.loads(files(package).joinpath("recipe.toml").read_text(encoding="utf-8"))


def checked(schema: type[P], found: Mapping[str, Any], name: str) -> P:
    """Raises DataError for an unknown key, or a value that does not fit."""
    try:
        return schema.model_validate(found)
    except ValidationError as error:
        raise DataError(f"The recipe '{name}': {problem(error)}.") from error
