"""angelshare reproduce: a paper's study on the user's own teacher, its tables beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import training
from angelshare.progress import say

__all__ = ["command"]


def command(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE", help="lost-in-distillation, unreasonable-distillation or gender-bias-distilbert."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Where the models, the audits and the report go.")],
    scale: Annotated[str, typer.Option("--scale", help="smoke, cpu, long, gpu or paper.")] = "cpu",
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", help="The teachers' encoder, in place of the scale's: directory or hub id."),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option(
            "--pool", help="Texts without labels, in place of the scale's: files, hub:owner/name or set:NAME:PART."
        ),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option("--scorer", help="A third model, for the suite false-positives, which is left out without one."),
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Let module:object run its module.")] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Data sets or students worked on at once."),
    ] = None,
) -> None:
    """Do a paper's study again: teachers, students and controls, its suites, and its claims one by one.

    Stopped and run again with the same options, it goes on; what is finished takes no time. The data sets are read from
    $ANGELSHARE_DATA. The report is OUT/report/report.html, beside the models and the audit of each track.
    """
    training.require_torch()
    from angelshare.recipes import papers

    given = {"encoder": encoder, "pool": pool, "scorer": scorer, "allow_code": allow_code, "workers": workers}
    result = papers.reproduce(recipe, scale, out, **given)
    for row in next(exhibit.rows for exhibit in result.exhibits if exhibit.kind == "claims"):
        typer.echo(f"({row['number']}) {row['text']} {str(row['answer']).capitalize()}.")
    say(f"Report: {out / 'report' / 'report.html'}")
