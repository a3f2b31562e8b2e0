"""angelshare demo: the whole way through on film reviews, in minutes."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import training

__all__ = ["command"]


def command(
    out: Annotated[Path, typer.Option("--out", help="Where the models and the report go.")] = Path("demo"),
) -> None:
    """Compress a sentiment model and account for what was lost, from texts to a report, without a model hub.

    An encoder from a Python package learns from 1,000 labelled film reviews, teaches a bag of words and a BiLSTM on
    6,530 unlabelled ones, and is audited beside them, their controls and TF-IDF on 1,000 more. Stopped and run again,
    it goes on.
    """
    training.require_torch()
    from angelshare.recipes.demo import demo

    result = demo(out)
    for line in result.verdicts():
        typer.echo(line)
    typer.echo(f"Report: {out / 'report.html'}")
