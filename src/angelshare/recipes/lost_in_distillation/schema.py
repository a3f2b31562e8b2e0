"""What this recipe's TOML holds besides claims: the paper's two tables, and the sizes of one run."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from angelshare.recipes.schema import Names, Paper, Strict, Training

__all__ = ["PaperTable", "Recipe", "Scale"]


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


class Recipe(Paper[Scale]):
    """The study of Chvasta et al. 2022."""

    gold: str
    positive: str
    suites: Names
    datasets: tuple[Dataset, ...]
    tables: tuple[PaperTable, ...]

    @model_validator(mode="after")
    def _whole_tables(self) -> "Recipe":
        for model in (model for table in self.tables for model in table.models):
            if {len(model.auc_pr), len(model.auc_roc)} != {len(self.datasets)}:
                raise ValueError(f"{model.paper} must have a figure for each of the {len(self.datasets)} data sets")
        return self
