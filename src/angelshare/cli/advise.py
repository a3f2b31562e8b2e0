"""angelshare advise: which student is likely enough, and which to take."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared

__all__ = ["command"]


def command(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA|AUDIT_DIR",
            help="Golden rows that the teacher was not trained on: a file, hub:owner/name or set:NAME:PART; "
            "or the --out of an audit.",
        ),
    ],
    teacher: Annotated[
        str | None, typer.Option("--teacher", help="A directory, hub id, module:object or predictions file.")
    ] = None,
    student: Annotated[
        list[str] | None,
        typer.Option("--student", metavar="NAME=MODEL", help="A model to choose from; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the audit behind the advice goes.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows of DATA at most.")] = 5_000,
    positive: Annotated[str | None, typer.Option("--positive", metavar="LABEL", help="Whose score is ranked.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same figures.")] = 0,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    id: shared.Id = None,
) -> None:
    """Say which student is likely enough: bow, cnn, bilstm or transformer, with the figures and the rule.

    The teacher's word-order sensitivity decides; rows, lengths and labels say how far to trust the rule. With students,
    or of an audit with costs, every model's quality, size, speed and worst group's loss stand side by side.
    """
    from angelshare.collect import advise
    from angelshare.errors import AngelshareError

    students: dict[str, list[str]] = {}
    for entry in student or ():
        name, equals, model = entry.partition("=")
        if not (name and equals and model):
            raise AngelshareError(f"A student must be given as NAME=MODEL. Got '{entry}' instead.")
        students.setdefault(name, []).append(model)
    found = advise(
        data,
        teacher=teacher,
        students=students,
        columns=shared.columns(text, label, labels, toxicity, id),
        positive=positive,
        rows=rows,
        out=out,
        seed=seed,
        allow_code=allow_code,
    )
    typer.echo(str(found))
    if out is not None:
        typer.echo(f"Report: {out / 'report.html'}")
