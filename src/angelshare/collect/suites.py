"""What is audited on which rows: audits by name on the data given, or the user's own set in a few lines of TOML."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from angelshare.audits import registry
from angelshare.audits.budget import Margin, problem, read_toml
from angelshare.data.tables import Columns
from angelshare.errors import DataError

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


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


class Suite(BaseModel):
    """A user's own set of rows and the audits run on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    data: str = Field(min_length=1)
    audits: Names = ()
    positive: str | None = None
    identities: Literal["columns", "lexicon"] | None = None
    columns: ColumnNames = ColumnNames()
    margins: dict[str, Margin] = Field(default_factory=dict)

    @property
    def read_columns(self) -> Columns:
        return Columns(**self.columns.model_dump())


def read_suite(path: Path) -> Suite:
    """Read a suite; its data's path is relative to the file.

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
    beside = path.parent / suite.data
    return suite.model_copy(update={"data": str(beside)}) if beside.exists() else suite


def chosen(suites: Sequence[str | Path] | None) -> tuple[list[str], list[Suite]]:
    """Codes of audits to run on the data given, and suites that bring their own; all audits where none is named."""
    codes: list[str] = []
    own: list[Suite] = []
    for entry in suites or ():
        if not str(entry).strip():
            raise DataError(f"A suite's name is empty. Name one of {', '.join(registry.AUDITS)}, or a TOML file.")
        if str(entry).endswith(".toml"):
            own.append(read_suite(Path(entry)))
        else:
            codes.append(registry.find(str(entry)).code)
    return (list(dict.fromkeys(codes)) or ([] if own else list(registry.AUDITS))), own
