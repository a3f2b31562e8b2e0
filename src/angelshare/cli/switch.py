"""angelshare switch: the student answers, the teacher only where it must, with a promise about what that costs."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared

__all__ = ["command"]

HARDNESS = "Hardness"


def command(
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="A directory, a hub id, or module:object.")],
    teacher: Annotated[
        str, typer.Argument(metavar="TEACHER", help="Of the same labels; it may be another than the student's own.")
    ],
    calibrate: Annotated[
        str,
        typer.Option(
            "--calibrate", metavar="FILE", help="Rows neither model learnt from, like those to come; or set:NAME:PART."
        ),
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="WHAT=X",
            help="deferred=0.2: share of rows sent to the teacher at most. loss=0.01: accuracy lost against the "
            "teacher at most. group-loss=0.02: the same, of every identity group.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The switch to make: a directory that loads like any model.")],
    delta: Annotated[float, typer.Option("--delta", help="The chance that the target is exceeded all the same.")] = 0.1,
    signal: Annotated[
        str,
        typer.Option(
            "--signal",
            metavar="auto|NAME",
            help="maximum, margin, entropy, energy, predictor, distance or shuffle; auto chooses among them.",
            rich_help_panel=HARDNESS,
        ),
    ] = "auto",
    transfer: Annotated[
        str | None,
        typer.Option(
            "--transfer", metavar="DIR|FILE", help="distance: texts the student learnt from.", rich_help_panel=HARDNESS
        ),
    ] = None,
    identities: Annotated[
        str | None,
        typer.Option("--identities", metavar="A,B|lexicon", help="group-loss: identity columns, or the word list."),
    ] = None,
    not_in: Annotated[
        list[str] | None,
        typer.Option(
            "--not-in",
            metavar="FILE[:COLUMN]",
            help="An audit set: its rows, and those of named suites, are left out or refused; may be repeated.",
        ),
    ] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="LABEL", help="Which label --toxicity stands for.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same bytes.")] = 0,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    id: shared.Id = None,
) -> None:
    """Let the student answer, and the teacher only where the text looks hard to the student.

    The teacher is not asked whether a text is hard. The threshold keeps the target with a certainty of 1 - delta on
    texts like those that calibrate it; where none does, this says so and makes nothing. Without labels a loss is a
    decision that is not the teacher's. The result is a model: `audit`, `label` and `distil` take it.
    """
    from dataclasses import replace

    from angelshare.collect.switching import switch, told

    groups = [name.strip() for name in (identities or "").split(",") if name.strip()]
    named = () if identities == "lexicon" else tuple(groups)
    found = switch(
        student,
        teacher,
        calibrate,
        target=target,
        out=out,
        signal=signal,
        delta=delta,
        columns=replace(shared.columns(text, label, labels, toxicity, id), identities=named),
        positive=positive,
        identities="lexicon" if identities == "lexicon" else groups or None,
        transfer=transfer,
        not_in=shared.audit_sets(not_in, text),
        seed=seed,
        allow_code=allow_code,
    )
    typer.echo(told(found))
    typer.echo(out)
