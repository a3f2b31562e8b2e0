"""angelshare counterfactual: a transfer set's texts with other identities in them, labelled too."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training
from angelshare.cli.balance import Gold, Positive, Seed, Threshold, Transfer

__all__ = ["command"]


def command(
    transfer: Transfer,
    teacher: Annotated[str, typer.Option("--teacher", help="The one that labelled TRANSFER.")],
    out: Annotated[Path, typer.Option("--out", help="The transfer set to make.")],
    swaps: Annotated[
        int | None, typer.Option("--swaps", min=1, help="Counterfactuals of a text at most; default all.")
    ] = None,
    gold: Gold = None,
    positive: Positive = None,
    threshold: Threshold = 0.5,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    id: shared.Id = None,
    seed: Seed = 0,
) -> None:
    """Add texts in which an identity was swapped for others of its category, labelled by the teacher.

    A text is swapped only where its grammar is known to agree. How many were made by term, and rates before and after,
    stand in the manifest. `distil --texts OUT` takes the result.
    """
    training.require_torch()
    from angelshare.models.loading import load
    from angelshare.training.counterfactual import counterfactual
    from angelshare.training.label import loaded

    counterfactual(
        transfer,
        teacher=loaded(load(teacher, allow_code=allow_code)),
        out=out,
        swaps=swaps,
        gold=gold,
        columns=shared.columns(text, label, labels, toxicity, id),
        positive=positive,
        threshold=threshold,
        seed=seed,
    )
    typer.echo(out)
