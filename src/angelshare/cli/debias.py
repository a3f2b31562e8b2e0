"""angelshare debias: an encoder whose words of stereotypes point less along a gender, or another attribute."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training

__all__ = ["command"]

WORDS = "Words"


def command(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="A directory or a hub id.")],
    corpus: Annotated[
        list[str], typer.Argument(metavar="CORPUS...", help="Running text: files, hub:owner/name or set:NAME:PART.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The encoder's directory to make.")],
    pairs: Annotated[
        str,
        typer.Option(
            "--pairs", metavar="gender-10|FILE", help="The attribute's words: TOML or a table.", rich_help_panel=WORDS
        ),
    ] = "gender-10",
    targets: Annotated[
        str | None,
        typer.Option(
            "--targets",
            metavar="FILE|set:gender_words:stereotypes",
            help="Words that are to say nothing of the attribute, one a line; default our own list.",
            rich_help_panel=WORDS,
        ),
    ] = None,
    text: shared.Text = "text",
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="token|sentence",
            help="Turn the target words' states, or those of all tokens of their sentences.",
            rich_help_panel=training.PANEL,
        ),
    ] = "token",
    layers: Annotated[
        str,
        typer.Option("--layers", metavar="all|last", help="In which states turn.", rich_help_panel=training.PANEL),
    ] = "all",
    alpha: Annotated[
        float,
        typer.Option(
            "--alpha", help="Weight of the turning; keeping has the rest to 1.", rich_help_panel=training.PANEL
        ),
    ] = 0.2,
    sentences: Annotated[
        int,
        typer.Option(
            "--sentences",
            min=1,
            help="Of each kind at most: target words, words of either side.",
            rich_help_panel=training.PANEL,
        ),
    ] = 20_000,
    max_length: Annotated[
        int, typer.Option("--max-length", min=4, help="Tokens a sentence is cut to.", rich_help_panel=training.PANEL)
    ] = 128,
    learning_rate: training.LearningRate = None,
    batch_size: training.BatchSize = None,
    epochs: training.Epochs = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = 0,
) -> None:
    """Fine-tune an encoder so that stereotype words' states are orthogonal to those of gendered words (Kaneko 2021).

    What sentences with gendered words mean is kept. Stopped and run again with the same options, it goes on from its
    newest valid checkpoint.
    """
    training.require_torch()
    from angelshare.mitigate.targets import open_targets
    from angelshare.training.debiasing import DebiasOptions, debias

    default = DebiasOptions()
    options = DebiasOptions(
        level=level,  # type: ignore[arg-type]
        layers=layers,  # type: ignore[arg-type]
        alpha=alpha,
        sentences=sentences,
        max_length=max_length,
        seed=seed,
        training=training.trained(default.training, learning_rate, batch_size, epochs, patience, precision),
    )
    words = None if targets is None else open_targets(targets)
    columns = shared.columns(text)
    debias(encoder, corpus, out=out, pairs=pairs, targets=words, columns=columns, options=options)
    typer.echo(out)
