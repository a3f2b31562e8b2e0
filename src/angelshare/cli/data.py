"""`angelshare data`: the public sets that audits and recipes use."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table as RichTable

from angelshare.progress import say

if TYPE_CHECKING:
    from angelshare.data.publicsets import PublicSet

app = typer.Typer(help="Public sets that audits and recipes use: list them, show one, bring one from the hub.")

Name = Annotated[str, typer.Argument(help="Name of the set, as `angelshare data list` prints it.")]
Root = Annotated[
    Path | None,
    typer.Option(help="Folder that holds the sets' files; by default $ANGELSHARE_DATA.", show_default=False),
]


@app.callback()
def _group() -> None:
    """Public sets that audits and recipes use: list them, show one, bring one from the hub."""


def _where(found: "PublicSet", root: Path | None) -> str:
    from angelshare.data.publicsets import locate

    if any(locate(found, part, root) for part in found.parts if found.parts[part].files):
        return "folder"
    if not any(part.files for part in found.parts.values()):
        return "package"
    return "hub" if found.hub else "publisher"


@app.command("list")
def list_command(root: Root = None) -> None:
    """Name every set, where it would be read from here, and what it is."""
    from angelshare.data import catalogue

    rows = [(s.name, _where(s, root), s.licence, s.title) for s in catalogue.catalogue()]
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = RichTable("name", "read from", "licence", "what it is", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


@app.command("show")
def show_command(name: Name, root: Root = None) -> None:
    """Say what is known of a set: hub id, files, licence, citation, columns."""
    from angelshare.data import catalogue
    from angelshare.data.publicsets import locate

    found = catalogue.find(name)
    facts = {
        "title": found.title,
        "licence": found.licence,
        "citation": found.citation,
        "homepage": found.homepage or "none",
        "hub": found.hub or "not there as its publisher made it",
        "read from": _where(found, root),
        "note": found.note,
    }
    if found.columns is not None:
        named = found.columns
        facts |= {"text": named.text, "pair": named.pair or ""}
        facts |= {kind: getattr(named, kind) or "" for kind in ("label", "toxicity", "regression")}
        facts |= {"labels": ", ".join(named.labels), "identities": ", ".join(named.identities)}
    if found.names:
        facts["names"] = ", ".join(found.names)
    for part, spec in found.parts.items():
        here = " (here)" if spec.files and locate(found, part, root) else ""
        facts[f"part {part}"] = (", ".join(spec.files) or "in the package") + here
    width = max(map(len, facts))
    for key, value in facts.items():
        if value:
            typer.echo(f"{key:<{width}}  {value}")


@app.command("fetch")
def fetch_command(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to put the set's folder into; by default $ANGELSHARE_DATA.", show_default=False),
    ] = None,
) -> None:
    """Bring a set from the hub into a folder, as Parquet files that every command then finds there."""
    from angelshare.data import catalogue

    for path in catalogue.fetch(name, out or catalogue.data_folder()):
        say(f"Wrote {path}")
