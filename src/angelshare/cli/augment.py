"""angelshare augment: more texts out of texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training

if TYPE_CHECKING:
    from angelshare.data.augmentation import AugmentOptions

__all__ = ["Model", "NoProtect", "PerText", "Protect", "command", "given", "model", "options"]

PANEL = "Augmentation"
OF_COPIES = ("per_text", "no_protect", "protect", "language_model")

PerText = Annotated[int, typer.Option("--per-text", min=1, help="Copies of each text, at most.", rich_help_panel=PANEL)]
NoProtect = Annotated[
    bool,
    typer.Option("--no-protect", help="Touch negations and identity terms, too.", rich_help_panel=PANEL),
]
Protect = Annotated[
    Path | None,
    typer.Option("--protect", metavar="FILE", help="More words to protect, one a line.", rich_help_panel=PANEL),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--language-model",
        metavar="MODEL",
        help="masked, generate: the model that is asked.",
        rich_help_panel=PANEL,
    ),
]


def command(
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXTS...", help="Files of texts, set:NAME[:PART], or hub:owner/name.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A CSV, TSV, JSONL or Parquet file to make.")],
    method: Annotated[
        str, typer.Option("--method", metavar="eda|tang|masked|generate", help="How copies are made.")
    ] = "eda",
    per_text: PerText = 1,
    no_protect: NoProtect = False,
    protect: Protect = None,
    language_model: Model = None,
    mask: Annotated[
        str, typer.Option("--mask", metavar="WORD", help="tang: what masks a word.", rich_help_panel=PANEL)
    ] = "[MASK]",
    originals: Annotated[bool, typer.Option("--originals", help="Write the texts themselves, too.")] = False,
    not_in: Annotated[
        list[str] | None,
        typer.Option(
            "--not-in",
            metavar="FILE[:COLUMN]",
            help="Drop texts and copies of this audit set, also set:NAME:PART; may be repeated.",
        ),
    ] = None,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    id: shared.Id = None,
    weight: shared.Weight = None,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same bytes.")] = 0,
) -> None:
    """Write changed copies of texts, for a teacher to label.

    No copy equals a text or another copy. Negations and identity terms stay as they are. Each row says whose copy it
    is and how it was made; none has a label. `label` and `distil --texts` take the file.
    """
    from angelshare.data.augmentation import augment

    wanted = options(
        method,
        per_text,
        no_protect,
        protect,
        seed=seed,
        mask=mask,
        originals=originals,
        not_in=shared.audit_sets(not_in, text),
    )
    columns = shared.columns(text, label, labels, toxicity, id, weight)
    augment(texts, out, columns=columns, options=wanted, model=model(method, language_model))
    typer.echo(out)


def options(method: str, per_text: int, no_protect: bool, protect: Path | None, **others: object) -> "AugmentOptions":
    """The options as augmentation takes them."""
    from angelshare.data.augmentation import AugmentOptions
    from angelshare.data.augmentation.words import own_words

    own = () if protect is None else own_words(protect)
    return AugmentOptions(method=method, per_text=per_text, protect=not no_protect, words=own, **others)  # type: ignore[arg-type]


def model(method: str, named: str | None) -> object:
    """The language model, loaded as the method needs it; None where none is named."""
    if method not in ("masked", "generate") or named is None:
        return named
    training.require_torch()
    from angelshare.models.language import load_causal, load_masked

    return load_masked(named) if method == "masked" else load_causal(named)


def given(context: typer.Context) -> str:
    """The first option about copies that stands on the command line, or nothing."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in OF_COPIES and source is not None and source.name == "COMMANDLINE":
            return option.opts[0]
    return ""
