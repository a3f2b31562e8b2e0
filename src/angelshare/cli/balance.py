"""angelshare balance: identity-balanced data added to a transfer set."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training

__all__ = ["Gold", "Positive", "Seed", "Threshold", "Transfer", "command"]

Transfer = Annotated[Path, typer.Argument(metavar="TRANSFER", help="A transfer set, made by label.")]
Gold = Annotated[
    str | None, typer.Option("--gold", help="Golden rows: their labels say who is positive, before the teacher.")
]
Positive = Annotated[
    str | None, typer.Option("--positive", metavar="LABEL", help="Whose rates are counted; needed with many labels.")
]
Threshold = Annotated[float, typer.Option("--threshold", help="Probability from which a row is positive.")]
Seed = Annotated[int, typer.Option("--seed", help="Same seed, same bytes.")]


def command(
    transfer: Transfer,
    pool: Annotated[
        list[str], typer.Option("--pool", help="Texts, or transfer sets of the same teacher; may be repeated.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The transfer set to make.")],
    teacher: Annotated[
        str | None, typer.Option("--teacher", help="Labels the pool's texts: the one that labelled TRANSFER.")
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
    """Add rows that mention an identity and are not toxic, until its rate of toxic rows is the set's.

    Rows are drawn from the pool for each identity of the lexicon whose texts are toxic more often than the set's (Dixon
    et al. 2018). Counts and rates before and after stand in the manifest. `distil --texts OUT` takes the result.
    """
    training.require_torch()
    from angelshare.models.loading import load
    from angelshare.training.balance import balance
    from angelshare.training.label import loaded

    balance(
        transfer,
        pool,
        out=out,
        teacher=None if teacher is None else loaded(load(teacher, allow_code=allow_code)),
        gold=gold,
        columns=shared.columns(text, label, labels, toxicity, id),
        positive=positive,
        threshold=threshold,
        seed=seed,
    )
    typer.echo(out)
