"""What is audited on which rows: audits by name, named suites, or the user's own in a few lines of TOML."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from angelshare.audits import registry
from angelshare.audits.budget import Margin, problem, read_toml
from angelshare.data.tables import Columns
from angelshare.errors import DataError

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]
Sources = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else tuple(value)),
    Field(min_length=1),
]


class ColumnNames(BaseModel):
    """The [columns] of a suite: which column of its data is what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = "text"
    label: str | None = None
    labels: Names = ()
    toxicity: str | None = None
    identities: Names = ()
    id: str | None = None
    cluster: str | None = None
    weight: str | None = None
    kinds: Names = ()
    score: str | None = None


class Suite(BaseModel):
    """A set of rows and the audits run on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    data: Sources
    otherwise: str | None = None
    rows: int | None = Field(default=None, ge=1)
    audits: Names = ()
    positive: str | None = None
    identities: Literal["columns", "lexicon"] | None = None
    columns: ColumnNames = ColumnNames()
    margins: dict[str, Margin] = Field(default_factory=dict)

    @property
    def read_columns(self) -> Columns:
        return Columns(**self.columns.model_dump())


Entry = str | Path | Suite


@cache
def named() -> Mapping[str, Suite]:
    """The suites that come with angelshare, by name."""
    text = files("angelshare.collect").joinpath("suites.toml").read_text(encoding="utf-8")
    return {name: Suite(name=name, **found) for name, found in tomllib.loads(text).items()}


def read_suite(path: Path) -> Suite:
    """Read a suite; its data's paths are relative to the file.

    Raises
    ------
    DataError
        For a file that is missing or is not TOML, an unknown key or audit.
    """
    found: dict[str, Any] = read_toml(path)
    try:
        suite = Suite.model_validate(found)
    except ValidationError as error:
        keys = ", ".join(Suite.model_fields)
        raise DataError(f"{path}: {problem(error)}. The keys of a suite are {keys}.") from error
    for code in suite.audits:
        registry.find(code)
    otherwise = suite.otherwise and _beside(path, suite.otherwise)
    return suite.model_copy(
        update={"data": tuple(_beside(path, source) for source in suite.data), "otherwise": otherwise}
    )


def _beside(path: Path, source: str) -> str:
    beside = path.parent / source
    return str(beside) if beside.exists() else source


@dataclass(frozen=True)
class Chosen:
    """Audits to run on the data given, and suites that bring their own.

    Attributes
    ----------
    asked : False where the user named nothing, and the codes are the usual audits.
    """

    codes: Sequence[str]
    own: Sequence[Suite] = field(default_factory=list)
    asked: bool = True


def chosen(entries: Sequence[Entry] | None, *, data: bool) -> Chosen:
    """What the names stand for. A name of both an audit and a suite is the audit where there is `data` to run it on.

    Raises
    ------
    DataError
        For a name of neither.
    """
    codes: list[str] = []
    own: list[Suite] = []
    for entry in entries or ():
        name = entry if isinstance(entry, Suite) else str(entry)
        if isinstance(name, Suite):
            own.append(name)
        elif name.endswith(".toml"):
            own.append(read_suite(Path(name)))
        elif name in registry.AUDITS and (data or name not in named()):
            codes.append(name)
        elif name in named():
            own.append(named()[name])
        else:
            raise DataError(
                f"A suite must be an audit ({', '.join(registry.AUDITS)}), a set of rows with its audits "
                f"({', '.join(named())}) or a TOML file. Got '{name}' instead."
            )
    if not codes and not own:
        return Chosen(registry.USUAL, asked=False)
    return Chosen(list(dict.fromkeys(codes)), own)
