"""What a recipe's TOML may hold: the paper's figures and claims, and the scales at which it is done again."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from angelshare.audits.budget import problem
from angelshare.errors import DataError

if TYPE_CHECKING:
    from angelshare.training.engine import TrainOptions

__all__ = ["Claim", "Less", "PaperTable", "Part", "Recipe", "Scale", "Training", "named", "read_recipe"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Names = Annotated[tuple[str, ...], BeforeValidator(tuple)]


class Dataset(Strict):
    """A data set of the paper, and the suites that stand for it here."""

    name: str
    suites: Names


class PaperModel(Strict):
    """The paper's figures of one model, a value a data set in the recipe's order."""

    paper: str
    ours: str
    parameters: str
    auc_pr: Annotated[tuple[float, ...], BeforeValidator(tuple)]
    auc_roc: Annotated[tuple[float, ...], BeforeValidator(tuple)]


class PaperTable(Strict):
    title: str
    study: str
    models: tuple[PaperModel, ...]


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


class Seeds(Strict):
    """Seeds of the student with its controls, and of the students on more data."""

    student: int = Field(ge=1)
    more: int = Field(ge=1)


class Scale(Strict):
    """The sizes of one run.

    Attributes
    ----------
    encoder : a directory, a hub id, or "package": the encoder of the demo.
    golden, pool_rows : rows at most, those with the smallest hash of their id.
    passages : of the encyclopedia, from which identity-balanced data is drawn.
    chosen : rows of the small transfer set, half of them positive by the teacher.
    sizes : rows of the pool in the curve of Fig. 2; the largest is that of the students on more data.
    golden_sizes, ratio_rows : golden rows, and rows of the pool beside each, in the curve of Fig. 3.
    rows : of a suite at most, by its name; whole templates.
    """

    about: str
    encoder: str
    gold: str | None = None
    golden: int | None = Field(default=None, ge=10)
    pool: Names
    pool_rows: int | None = Field(default=None, ge=10)
    passages: int = Field(ge=1)
    chosen: int = Field(ge=2)
    sizes: Annotated[tuple[int, ...], BeforeValidator(tuple), Field(min_length=1)]
    golden_sizes: Annotated[tuple[int, ...], BeforeValidator(tuple)]
    ratio_rows: int = Field(ge=1)
    rows: Mapping[str, int] = Field(default_factory=dict)
    draws: int = Field(default=1000, ge=100)
    seeds: Seeds
    teacher: Training
    pretrain: Training
    big_teacher: Training | None = None
    bow: Training
    cnn: Training
    cnn_more: Training
    big_cnn: Training | None = None
    transformer: Training


class Recipe(Strict):
    """A paper: its figures, what it claimed, and how the study is done here."""

    title: str
    paper: str
    gold: str
    positive: str
    suites: Names
    changes: tuple[tuple[str, str, str], ...]
    """What differs: (part, in the paper, here)."""
    datasets: tuple[Dataset, ...]
    tables: tuple[PaperTable, ...]
    claims: tuple[Claim, ...]
    scales: Mapping[str, Scale]

    @model_validator(mode="after")
    def _whole_tables(self) -> "Recipe":
        for model in (model for table in self.tables for model in table.models):
            if {len(model.auc_pr), len(model.auc_roc)} != {len(self.datasets)}:
                raise ValueError(f"{model.paper} must have a figure for each of the {len(self.datasets)} data sets")
        return self

    def scale(self, name: str) -> Scale:
        """Raises DataError for a scale that the recipe has not."""
        if name not in self.scales:
            raise DataError(f"The scale must be one of {', '.join(self.scales)}. Got '{name}' instead.")
        return self.scales[name]


@cache
def named() -> Mapping[str, str]:
    """The recipes by name -> their files."""
    found = sorted(path.name for path in files("angelshare.recipes").iterdir() if path.name.endswith(".toml"))
    return {name.removesuffix(".toml").replace("_", "-"): name for name in found}


def read_recipe(name: str) -> Recipe:
    """Raises DataError for a recipe that does not exist."""
    if name not in named():
        raise DataError(f"The recipe must be one of {', '.join(named())}. Got '{name}' instead.")
    text = files("angelshare.recipes").joinpath(named()[name]).read_text(encoding="utf-8")
    return checked(tomllib.loads(text), name)


def checked(found: Mapping[str, Any], name: str) -> Recipe:
    """Raises DataError for an unknown key, or a value that does not fit."""
    try:
        return Recipe.model_validate(found)
    except ValidationError as error:
        raise DataError(f"The recipe '{name}': {problem(error)}.") from error
