"""angelshare label: a transfer set out of a teacher and texts."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training

__all__ = ["command"]


def command(
    teacher: Annotated[str, typer.Argument(metavar="TEACHER", help="A directory, a hub id, or module:object.")],
    texts: Annotated[list[str], typer.Argument(metavar="TEXTS...", help="Files of texts, or hub:owner/name.")],
    out: Annotated[Path, typer.Option("--out", help="The transfer set to make.")],
    text: shared.Text = "text",
    id: shared.Id = None,
    shard_rows: Annotated[int, typer.Option("--shard-rows", min=1, help="Rows that are committed together.")] = 2048,
    max_length: Annotated[
        int | None, typer.Option("--max-length", min=2, help="Tokens a text is cut to; default the teacher's limit.")
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
) -> None:
    """Ask the teacher about every text once, and keep its soft labels as checksummed shards.

    Stopped and run again with the same options, it labels what is left; the bytes are the same in the end.
    """
    training.require_torch()
    from angelshare.data.tables import read
    from angelshare.models.loading import load
    from angelshare.training.label import label, loaded

    tables = [read(source, shared.columns(text, id=id)) for source in texts]
    asked = loaded(load(teacher, allow_code=allow_code, max_length=max_length))
    label(asked, tables, out, shard_rows=shard_rows)
    typer.echo(out)
