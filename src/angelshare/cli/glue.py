"""angelshare glue: an encoder fine-tuned on GLUE's tasks, and its answers kept for an audit."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import training

__all__ = ["command"]


def command(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="A directory or a hub id.")],
    out: Annotated[Path, typer.Option("--out", help="Where what each model says of the published rows goes.")],
    tasks: Annotated[
        str | None,
        typer.Option(
            "--tasks",
            metavar="A,B,C",
            help="Of mnli, qqp, qnli, sst2, cola, stsb, mrpc, rte (all of them by default), and sts: STS 2015.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Train on each task this many times.")] = 1,
    train_rows: Annotated[
        int | None, typer.Option("--train-rows", min=1, help="Rows learnt from at most, drawn with the seed.")
    ] = None,
    pooling: Annotated[
        str,
        typer.Option("--pooling", metavar="mean|cls", help="Of the tokens' states.", rich_help_panel=training.PANEL),
    ] = "cls",
    max_length: Annotated[
        int, typer.Option("--max-length", min=8, help="Tokens a row is cut to.", rich_help_panel=training.PANEL)
    ] = 128,
    learning_rate: training.LearningRate = None,
    batch_size: training.BatchSize = None,
    epochs: training.Epochs = None,
    precision: training.Precision = None,
) -> None:
    """Fine-tune an encoder on GLUE's tasks, and keep what it says of their published rows.

    The defaults are the settings of Ahn et al. 2022. The published rows choose nothing: a tenth of the training rows
    chooses the epoch. Rows come from ANGELSHARE_DATA or the hub. Stopped and run again, it goes on.

    Two such directories are judged by angelshare audit reference=DIR student=DIR --suite glue.
    """
    training.require_torch()
    from angelshare.training.glue import GlueOptions, glue

    default = GlueOptions()
    names = default.tasks if tasks is None else tuple(name.strip() for name in tasks.split(",") if name.strip())
    options = GlueOptions(
        tasks=names,
        seeds=seeds,
        train_rows=train_rows,
        pooling=pooling,  # type: ignore[arg-type]
        max_length=max_length,
        training=training.trained(default.training, learning_rate, batch_size, epochs, None, precision),
    )
    typer.echo(glue(encoder, out=out, options=options))
