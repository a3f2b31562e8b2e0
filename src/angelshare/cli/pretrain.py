"""angelshare pretrain: an encoder trained further on texts, before it is fine-tuned."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training

__all__ = ["command"]


def command(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="A directory or a hub id.")],
    pool: Annotated[
        list[str], typer.Argument(metavar="POOL...", help="Texts: files, hub:owner/name or set:NAME:PART.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The encoder's directory to make; finetune takes it.")],
    dev: Annotated[
        str | None, typer.Option("--dev", help="Texts that choose the checkpoint; default a hashed twentieth of POOL.")
    ] = None,
    text: shared.Text = "text",
    id: shared.Id = None,
    share: Annotated[
        float, typer.Option("--share", help="Of the tokens that are masked.", rich_help_panel=training.PANEL)
    ] = 0.15,
    max_length: Annotated[
        int, typer.Option("--max-length", min=4, help="Tokens a text is cut to.", rich_help_panel=training.PANEL)
    ] = 256,
    learning_rate: training.LearningRate = None,
    batch_size: training.BatchSize = None,
    epochs: training.Epochs = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = 0,
) -> None:
    """Train an encoder further on texts as a masked model, so that it knows their domain.

    An encoder without a masked-model head gets a new one. Stopped and run again with the same options, it goes on from
    its newest valid checkpoint.
    """
    training.require_torch()
    from angelshare.training.masked import MaskedOptions, pretrain

    default = MaskedOptions()
    options = MaskedOptions(
        share=share,
        max_length=max_length,
        seed=seed,
        training=training.trained(default.training, learning_rate, batch_size, epochs, patience, precision),
    )
    pretrain(encoder, pool, dev=dev, out=out, columns=shared.columns(text, id=id), options=options)
    typer.echo(out)
