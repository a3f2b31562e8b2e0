"""What this recipe's TOML holds besides claims: the ways of distilling, the paper's tables, and the sizes of a run."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from angelshare.data.glue import TASKS
from angelshare.recipes.schema import Names, Paper, Strict

__all__ = ["PaperRow", "PaperTable", "Recipe", "Scale", "Way"]


class Way(Strict):
    """A way of distilling a student.

    Attributes
    ----------
    losses : those that are weighed above 0.
    mixup : where pair words are mixed; nowhere where empty.
    teacher : whose answers it follows.
    """

    losses: tuple[Literal["kl", "mlm", "cosine"], ...] = ("kl", "mlm", "cosine")
    mixup: tuple[Literal["input", "output", "logits"], ...] = ()
    teacher: Literal["teacher", "debiased"] = "teacher"


class PaperRow(Strict):
    """A line of a table of the paper, and the way of ours."""

    paper: str
    values: tuple[float, ...]
    ours: str


class PaperTable(Strict):
    """A table of the paper's: of SEAT's effect sizes and their mean, or of GLUE's figures and their average."""

    title: str
    metrics: tuple[str, ...]
    of: Literal["seat", "glue"]
    rows: tuple[PaperRow, ...]


class Scale(Strict):
    """The sizes of one run.

    Attributes
    ----------
    corpus_share : of the corpus's texts.
    head_steps, steps : of the teacher's head, and of every student; with batches of so many sequences.
    dev_tokens, evaluations : of the dev part, about how many tokens are assessed, and how often.
    layers : numbers of layers of the students that are distilled in all ways; the first is that of the tables.
    figure : numbers of layers of students that are distilled in the paper's way alone, for the figure.
    ways : by name.
    sentences, debias_epochs : for the debiased teacher, of each kind of sentence.
    read : texts with a pair word, for the audits of masked tokens.
    glue : tasks; none where empty. The students of glue_ways with the first number of layers are fine-tuned on them,
        as the teacher is; the first of these ways is the one that the others are compared with.
    """

    about: str
    encoder: str
    corpus_share: float = Field(default=1.0, gt=0, le=1)
    max_length: int = Field(default=128, ge=16)
    head_steps: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1)
    epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=5e-4, gt=0)
    dev_tokens: int = Field(default=16_384, ge=100)
    evaluations: int = Field(default=20, ge=1)
    seeds: int = Field(default=1, ge=1)
    layers: tuple[int, ...]
    figure: tuple[int, ...] = ()
    ways: Names
    sentences: int = Field(default=20_000, ge=1)
    debias_epochs: int = Field(default=3, ge=1)
    read: int = Field(default=500, ge=1)
    glue: Names = ()
    glue_ways: Names = ()
    glue_rows: int | None = Field(default=None, ge=10)
    glue_epochs: int = Field(default=3, ge=1)
    glue_seeds: int = Field(default=1, ge=1)
    draws: int = Field(default=1000, ge=100)


class Recipe(Paper[Scale]):
    """The study of Ahn et al. 2022."""

    ways: Mapping[str, Way]
    tables: tuple[PaperTable, ...]

    @model_validator(mode="after")
    def _whole(self) -> "Recipe":
        for table in self.tables:
            for row in table.rows:
                if len(row.values) != len(table.metrics):
                    raise ValueError(f"{row.paper} must have {len(table.metrics)} values in {table.title}")
                if row.ours not in self.ways:
                    raise ValueError(f"{table.title} names the way {row.ours}, which the recipe has not")
        for scale in self.scales.values():
            unknown = [way for way in (*scale.ways, *scale.glue_ways) if way not in self.ways]
            unknown += [task for task in scale.glue if task not in TASKS]
            if unknown:
                raise ValueError(f"a scale names {unknown[0]}, which the recipe has not")
            if not scale.layers or FULL not in scale.ways:
                raise ValueError(f"a scale must have layers, and the way {FULL}")
        return self


FULL = "full"
"""The paper's own way, with which the others are compared."""
