"""angelshare finetune: a teacher from an encoder and golden labels."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training

__all__ = ["command"]


def command(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="A directory or a hub id.")],
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="Golden rows: a file, hub:owner/name or set:NAME:PART.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The model directory to make.")],
    dev: Annotated[
        str | None, typer.Option("--dev", help="Rows that choose the checkpoint; default a hashed tenth of TRAIN.")
    ] = None,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    pair: shared.Pair = None,
    regression: shared.Regression = None,
    id: shared.Id = None,
    weight: shared.Weight = None,
    pooling: Annotated[
        str,
        typer.Option("--pooling", metavar="mean|cls", help="Of the tokens' states.", rich_help_panel=training.PANEL),
    ] = "mean",
    class_weights: Annotated[
        bool, typer.Option("--class-weights", help="Weigh rare labels up.", rich_help_panel=training.PANEL)
    ] = False,
    max_length: Annotated[
        int, typer.Option("--max-length", min=2, help="Tokens a text is cut to.", rich_help_panel=training.PANEL)
    ] = 256,
    learning_rate: training.LearningRate = None,
    batch_size: training.BatchSize = None,
    epochs: training.Epochs = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = 0,
) -> None:
    """Make a teacher: fine-tune an encoder on golden labels.

    Stopped and run again with the same options, it goes on from its newest valid checkpoint.
    """
    training.require_torch()
    from angelshare.training.finetune import FinetuneOptions, finetune

    default = FinetuneOptions()
    options = FinetuneOptions(
        pooling=pooling,  # type: ignore[arg-type]
        class_weights=class_weights,
        max_length=max_length,
        seed=seed,
        training=training.trained(default.training, learning_rate, batch_size, epochs, patience, precision),
    )
    chosen = shared.columns(text, label, labels, toxicity, id, weight, pair, regression)
    finetune(encoder, train, dev=dev, out=out, columns=chosen, options=options)
    typer.echo(out)
