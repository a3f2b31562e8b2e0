"""What this recipe's TOML holds besides claims: data sets, students, the posts' tables, and the sizes of one run."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from angelshare.recipes.schema import Paper, Strict, Training

__all__ = ["Dataset", "PaperRow", "PaperTable", "Recipe", "Scale", "Sizes", "Student"]

Metric = Literal["accuracy", "mcc", "auc_roc"]


class Student(Strict):
    """A student out of a data set's teacher.

    Attributes
    ----------
    controls : whether its two controls are trained along.
    augmented : whether it learns from augmented texts too.
    """

    kind: Literal["bow", "bilstm", "transformer"]
    attention: bool = False
    ngrams: int = Field(default=1, ge=1)
    preset: Literal["0.7M", "1.7M"] = "1.7M"
    controls: bool = False
    augmented: bool = True


class Switched(Strict):
    """A student with its teacher behind it, which gets at most this share of the rows."""

    student: str
    deferred: float = Field(gt=0, lt=1)


class Dataset(Strict):
    """A data set, and who is trained on it.

    Attributes
    ----------
    test, dev : without, a part of the training rows, by the hash of their ids.
    labelled : training rows whose labels are used; the others are texts without labels. All where None.
    students, switches : by name.
    """

    train: str
    test: str | None = None
    dev: str | None = None
    labelled: int | None = Field(default=None, ge=2)
    metric: Metric = "accuracy"
    students: Mapping[str, Student]
    switches: Mapping[str, Switched] = Field(default_factory=dict)


class PaperRow(Strict):
    """A model of the posts and ours; `why` where we have none."""

    paper: str
    parameters: str = ""
    values: tuple[float | None, ...]
    ours: str = ""
    why: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> "PaperRow":
        if bool(self.ours) == bool(self.why):
            raise ValueError(f"{self.paper} must have either a model of ours or the reason why there is none")
        return self


class PaperTable(Strict):
    """A table of the posts: the metrics of its columns, and rows by data set."""

    title: str
    metrics: tuple[str, ...]
    rows: Mapping[str, tuple[PaperRow, ...]]


class Sizes(Strict):
    """Rows of one data set at most, those with the smallest hash of their id; all where None.

    Attributes
    ----------
    per_text : augmented texts made of each text.
    teacher_epochs : passes of the teacher over its golden rows; the scale's where None.
    """

    train: int | None = Field(default=None, ge=10)
    pool: int | None = Field(default=None, ge=0)
    test: int | None = Field(default=None, ge=10)
    per_text: int = Field(default=0, ge=0)
    max_length: int = Field(default=128, ge=4)
    teacher_epochs: int | None = Field(default=None, ge=1)


class Scale(Strict):
    """The sizes of one run."""

    about: str
    encoder: str
    augment: Literal["eda", "tang"] = "eda"
    sizes: Mapping[str, Sizes]
    draws: int = Field(default=1000, ge=100)
    seeds: int = Field(default=3, ge=1)
    teacher: Training
    bow: Training
    bilstm: Training
    transformer: Training


class Recipe(Paper[Scale]):
    """The study of the three posts."""

    datasets: Mapping[str, Dataset]
    tables: tuple[PaperTable, ...]

    @model_validator(mode="after")
    def _whole(self) -> "Recipe":
        for table in self.tables:
            for name, rows in table.rows.items():
                if name not in self.datasets:
                    raise ValueError(f"{table.title} names the data set {name}, which the recipe has not")
                for row in rows:
                    if len(row.values) != len(table.metrics):
                        raise ValueError(f"{row.paper} must have {len(table.metrics)} values in {table.title}")
        for scale in self.scales.values():
            missing = self.datasets.keys() - scale.sizes.keys()
            if missing:
                raise ValueError(f"a scale has no sizes of {', '.join(sorted(missing))}")
        return self
