"""Options that every command which trains shares."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from angelshare.errors import MissingPart

if TYPE_CHECKING:
    from angelshare.training.engine import TrainOptions

__all__ = ["BatchSize", "Epochs", "LearningRate", "Patience", "Precision", "Seed", "require_torch", "trained"]

PANEL = "Training"

LearningRate = Annotated[
    float | None,
    typer.Option("--learning-rate", help="The highest; it warms up and falls to 0.", rich_help_panel=PANEL),
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", min=1, help="Rows a step.", rich_help_panel=PANEL)]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Passes at most.", rich_help_panel=PANEL)]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience", min=1, help="Dev assessments without a better one before it stops.", rich_help_panel=PANEL
    ),
]
Precision = Annotated[
    str | None,
    typer.Option("--precision", metavar="auto|float32|bfloat16", help="Of the forward pass.", rich_help_panel=PANEL),
]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same bytes.", rich_help_panel=PANEL)]


def require_torch() -> None:
    """Say in one sentence what brings torch, where it is missing."""
    import importlib.util

    missing = [name for name in ("torch", "transformers", "accelerate") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPart(f"This command needs {', '.join(missing)}. Install it: pip install 'angelshare[train]'.")


def trained(
    base: "TrainOptions",
    learning_rate: float | None,
    batch_size: int | None,
    epochs: int | None,
    patience: int | None,
    precision: str | None,
) -> "TrainOptions":
    """The defaults, with what the user chose in their place."""
    from dataclasses import replace

    chosen: dict[str, Any] = {
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "epochs": epochs,
        "patience": patience,
        "precision": precision,
    }
    return replace(base, **{name: value for name, value in chosen.items() if value is not None})
