"""Which column of a file is what: the options that several commands share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from angelshare.data.tables import Columns

__all__ = ["Id", "Label", "Labels", "Pair", "Regression", "Text", "Toxicity", "Weight", "audit_sets", "columns"]

PANEL = "Columns"

Text = Annotated[str, typer.Option("--text", metavar="COLUMN", help="The text.", rich_help_panel=PANEL)]
Label = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="One label a row, a name or an integer.", rich_help_panel=PANEL),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="A,B,C",
        help="A column a label: 0/1 or fractions, positive at 0.5; several may hold.",
        rich_help_panel=PANEL,
    ),
]
Toxicity = Annotated[
    str | None,
    typer.Option("--toxicity", metavar="COLUMN", help="One score in [0, 1], positive at 0.5.", rich_help_panel=PANEL),
]
Pair = Annotated[
    str | None, typer.Option("--pair", metavar="COLUMN", help="The second text of each row.", rich_help_panel=PANEL)
]
Regression = Annotated[
    str | None, typer.Option("--regression", metavar="COLUMN", help="A number to predict.", rich_help_panel=PANEL)
]
Id = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="Unique names of the rows.", rich_help_panel=PANEL)
]
Weight = Annotated[
    str | None, typer.Option("--weight", metavar="COLUMN", help="A row's share of the loss.", rich_help_panel=PANEL)
]


def columns(
    text: str = "text",
    label: str | None = None,
    labels: str | None = None,
    toxicity: str | None = None,
    id: str | None = None,
    weight: str | None = None,
    pair: str | None = None,
    regression: str | None = None,
) -> "Columns":
    """The options as the tables' reader takes them."""
    from angelshare.data.tables import Columns

    several = tuple(name.strip() for name in (labels or "").split(",") if name.strip())
    target = {"label": label, "labels": several, "toxicity": toxicity, "regression": regression}
    return Columns(text=text, id=id, weight=weight, pair=pair, **target)  # type: ignore[arg-type]


def audit_sets(given: Sequence[str] | None, text: str) -> "list[tuple[str, Columns]]":
    """Audit sets to keep apart: FILE or FILE:COLUMN; a file whose name holds a colon is taken as it is."""
    from angelshare.data.readers import HUB
    from angelshare.data.tables import SET, Columns

    found = []
    for one in given or ():
        name, colon, column = one.rpartition(":")
        whole = one.startswith((SET, HUB)) or not colon or Path(one).exists()
        found.append((one, Columns(text=text)) if whole else (name, Columns(text=column)))
    return found
