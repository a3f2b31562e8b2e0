"""angelshare label: a transfer set out of a teacher and texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training
from angelshare.errors import DataError

if TYPE_CHECKING:
    from angelshare.data.sampling import Selection

__all__ = ["command"]

EXECUTOR = "Executor"
SELECTION = "Selection"


def command(
    teacher: Annotated[str, typer.Argument(metavar="TEACHER", help="A directory, a hub id, or module:object.")],
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXTS...", help="Files of texts, set:NAME[:PART], or hub:owner/name.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The transfer set to make.")],
    text: shared.Text = "text",
    id: shared.Id = None,
    weight: shared.Weight = None,
    shard_rows: Annotated[int, typer.Option("--shard-rows", min=1, help="Rows that are committed together.")] = 2048,
    max_length: Annotated[
        int | None, typer.Option("--max-length", min=2, help="Tokens a text is cut to; default the teacher's limit.")
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Look up, and keep, the teacher's answers here.")
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            metavar="serial|processes|ray",
            help="Who scores; the result is the same.",
            rich_help_panel=EXECUTOR,
        ),
    ] = "serial",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="How many, one thread each; default one a core.", rich_help_panel=EXECUTOR
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option("--address", help="ray: a running cluster; default this machine.", rich_help_panel=EXECUTOR),
    ] = None,
    watchdog: Annotated[
        float,
        typer.Option(
            "--watchdog", metavar="SECONDS", help="Fail when no shard was scored for so long.", rich_help_panel=EXECUTOR
        ),
    ] = 1800.0,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Keep this many rows, by score.", rich_help_panel=SELECTION)
    ] = None,
    balance: Annotated[
        float | None,
        typer.Option("--balance", help="Share of positives among them; default 0.5.", rich_help_panel=SELECTION),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", help="A probability that counts as positive; default 0.5.", rich_help_panel=SELECTION
        ),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option("--positive", metavar="LABEL", help="The label that decides.", rich_help_panel=SELECTION),
    ] = None,
    match: Annotated[
        Path | None,
        typer.Option(
            "--match", help="Follow the scores of this transfer set of the teacher's.", rich_help_panel=SELECTION
        ),
    ] = None,
    not_in: Annotated[
        list[str] | None,
        typer.Option(
            "--not-in",
            metavar="FILE[:COLUMN]",
            help="Drop texts of this audit set, also set:NAME:PART; may be repeated.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    distinct: Annotated[
        bool, typer.Option("--distinct", help="Drop near-duplicates of earlier texts.", rich_help_panel=SELECTION)
    ] = False,
    skip_empty: Annotated[
        bool,
        typer.Option("--skip-empty", help="Drop, and count, rows without a text.", rich_help_panel=SELECTION),
    ] = False,
) -> None:
    """Ask the teacher about every text once, and keep its soft labels as checksummed shards.

    Texts are streamed. Stopped and run again with the same options, it labels what is left; the bytes are the same in
    the end. With --count it scores until each class (--balance) or range of scores (--match) has its rows, and keeps
    those alone.
    """
    training.require_torch()
    import os

    from angelshare.training.executors import ExecutorOptions, Named
    from angelshare.training.label import LabelOptions, label

    if workers is None:
        workers = 1 if executor == "serial" else os.cpu_count() or 1
    options = LabelOptions(
        shard_rows=shard_rows,
        selection=_selection(count, balance, threshold, positive, match),
        not_in=shared.audit_sets(not_in, text),
        distinct=distinct,
        skip_empty=skip_empty,
        executor=ExecutorOptions(kind=executor, workers=workers, address=address, watchdog=watchdog),  # type: ignore[arg-type]
        cache=cache,
    )
    named = Named(teacher, allow_code=allow_code, max_length=max_length)
    label(named, texts, out, columns=shared.columns(text, id=id, weight=weight), options=options)
    typer.echo(out)


def _selection(
    count: int | None, balance: float | None, threshold: float | None, positive: str | None, match: Path | None
) -> "Selection | None":
    from angelshare.data.sampling import Selection
    from angelshare.data.transfer import open_transfer

    if count is None:
        given = {"--balance": balance, "--match": match, "--threshold": threshold, "--positive": positive}
        idle = next((name for name, value in given.items() if value is not None), None)
        if idle is not None:
            raise DataError(
                f"{idle} chooses rows by score, which needs to know how many. Name --count, or leave it out."
            )
        return None
    if balance is not None and match is not None:
        raise DataError("Either --balance or --match decides which rows are kept. Leave one out.")
    return Selection(
        count=count,
        balance=0.5 if balance is None else balance,
        match=None if match is None else open_transfer(match),
        threshold=0.5 if threshold is None else threshold,
        positive=positive,
    )
