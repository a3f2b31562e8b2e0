"""angelshare distil-encoder: a masked model with fewer layers out of a bigger one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angelshare.cli import columns as shared
from angelshare.cli import training
from angelshare.errors import ModelError

if TYPE_CHECKING:
    from angelshare.training.encoder_options import EncoderMixup

__all__ = ["command"]

LOSS, CORPUS, MIXUP = "Loss", "Corpus", "Mixup"


def command(
    teacher: Annotated[
        str,
        typer.Argument(metavar="TEACHER", help="A masked model (BERT, RoBERTa, DistilBERT...): directory or hub id."),
    ],
    corpus: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS...",
            help="Texts: .txt (a text a line), tables (also .gz), Parquet, hub:owner/name, set:NAME:PART; or one "
            "NAME.tokens that another run made of them.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The student's model directory to make.")],
    layers: Annotated[
        str | None,
        typer.Option("--layers", metavar="N|A,B,C", help="How many of the teacher's layers, or which. Default half."),
    ] = None,
    train_head: Annotated[
        bool,
        typer.Option("--train-head", help="TEACHER has no masked-model head: train one first, beside OUT (.teacher)."),
    ] = False,
    head_steps: Annotated[
        int | None, typer.Option("--head-steps", min=1, help="Steps of --train-head; default one pass.")
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset", metavar="distilbert|as-printed", help="Weights 5/2/1, or 1/1/1.", rich_help_panel=LOSS
        ),
    ] = "distilbert",
    kl: Annotated[
        float | None, typer.Option("--kl", help="Weight of the KL to the teacher.", rich_help_panel=LOSS)
    ] = None,
    mlm: Annotated[
        float | None, typer.Option("--mlm", help="Weight of the masked tokens.", rich_help_panel=LOSS)
    ] = None,
    cosine: Annotated[
        float | None, typer.Option("--cosine", help="Weight of 1 - cosine of the last states.", rich_help_panel=LOSS)
    ] = None,
    temperature: Annotated[float, typer.Option("--temperature", help="Of the KL.", rich_help_panel=LOSS)] = 2.0,
    kl_over: Annotated[
        str,
        typer.Option(
            "--kl-over",
            metavar="attended|masked",
            help="Tokens of the KL: all but padding, or the masked.",
            rich_help_panel=LOSS,
        ),
    ] = "attended",
    dropout: Annotated[
        float | None, typer.Option("--dropout", help="The student's; default the teacher's.", rich_help_panel=LOSS)
    ] = None,
    mixup_pairs: Annotated[
        str | None,
        typer.Option(
            "--mixup-pairs",
            metavar="gender-10|FILE",
            help="Mix the words of these pairs with their partners: what the student reads, and what it follows.",
            rich_help_panel=MIXUP,
        ),
    ] = None,
    mixup_alpha: Annotated[
        float | None,
        typer.Option("--mixup-alpha", help="Shares come from Beta(alpha, alpha); default .4.", rich_help_panel=MIXUP),
    ] = None,
    mixup_at: Annotated[
        str | None,
        typer.Option(
            "--mixup-at",
            metavar="input,output,logits",
            help="The student's embeddings, the teacher's last states, its logits; default logits,input.",
            rich_help_panel=MIXUP,
        ),
    ] = None,
    text: shared.Text = "text",
    corpus_share: Annotated[
        float, typer.Option("--corpus-share", help="Of the texts that are read.", rich_help_panel=CORPUS)
    ] = 1.0,
    max_length: Annotated[
        int,
        typer.Option(
            "--max-length", min=16, help="Tokens of a sequence; longer texts are split.", rich_help_panel=CORPUS
        ),
    ] = 512,
    dev_share: Annotated[
        float, typer.Option("--dev-share", help="Of the texts, held out by hash.", rich_help_panel=CORPUS)
    ] = 0.01,
    share: Annotated[
        float, typer.Option("--share", help="Of the tokens that are masked.", rich_help_panel=CORPUS)
    ] = 0.15,
    learning_rate: training.LearningRate = None,
    batch_size: training.BatchSize = None,
    accumulate: Annotated[
        int | None,
        typer.Option(
            "--accumulate",
            min=1,
            help="Parts that a step's rows are computed in, to save memory.",
            rich_help_panel=training.PANEL,
        ),
    ] = None,
    epochs: training.Epochs = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="In place of epochs.", rich_help_panel=training.PANEL)
    ] = None,
    precision: training.Precision = None,
    seed: training.Seed = 0,
) -> None:
    """Distil a masked model into one of fewer layers, as DistilBERT was.

    The student starts from the teacher's layers. With --kl 0 --cosine 0 it is the control that learns without it.
    Stopped and run again with the same options, it goes on from its newest valid checkpoint.
    """
    training.require_torch()
    from dataclasses import replace

    from angelshare.data.tokens import StoreOptions
    from angelshare.training.encoder_options import PRESETS, EncoderOptions, HeadOptions
    from angelshare.training.masked_distillation import distil_encoder
    from angelshare.training.masked_head import train_head as first

    if preset not in PRESETS:
        raise ModelError(f"The preset must be one of {', '.join(PRESETS)}. Got '{preset}' instead.")
    given = {"kl_weight": kl, "mlm_weight": mlm, "cosine_weight": cosine}
    weights = {name: PRESETS[preset][name] if value is None else value for name, value in given.items()}
    store = StoreOptions(max_length=max_length, share=corpus_share, dev_share=dev_share)
    base = EncoderOptions().training
    base = (
        base if accumulate is None else replace(base, accumulate=accumulate, batch_size=batch_size or base.batch_size)
    )
    options = EncoderOptions(
        layers=_layers(layers),
        temperature=temperature,
        kl_over=kl_over,  # type: ignore[arg-type]
        dropout=dropout,
        masked=share,
        corpus=store,
        steps=steps,
        mixup=_mixup(mixup_pairs, mixup_alpha, mixup_at),
        seed=seed,
        training=training.trained(base, learning_rate, batch_size, epochs, None, precision),
        **weights,  # type: ignore[arg-type]
    )
    columns, texts = shared.columns(text), corpus
    if train_head:
        made = out.with_name(f"{out.name}.teacher")
        how = training.trained(HeadOptions().training, None, None, None, None, precision)
        head = HeadOptions(corpus=store, masked=share, steps=head_steps, seed=seed, training=how)
        teacher = str(first(teacher, texts, out=made, columns=columns, options=head))
        texts = [str(made.with_name(f"{made.name}.tokens"))]
    distil_encoder(teacher, texts, out=out, columns=columns, options=options)
    typer.echo(out)


def _mixup(pairs: str | None, alpha: float | None, at: str | None) -> "EncoderMixup | None":
    from dataclasses import replace

    from angelshare.mitigate.mixup import ALPHA
    from angelshare.mitigate.pairs import open_words
    from angelshare.training.encoder_options import EncoderMixup

    if pairs is None:
        if alpha is not None or at is not None:
            name = "--mixup-alpha" if alpha is not None else "--mixup-at"
            raise ModelError(f"{name} is for mixed words. Name their pairs with --mixup-pairs.")
        return None
    found = EncoderMixup(open_words(pairs), ALPHA if alpha is None else alpha)
    return found if at is None else replace(found, parts=tuple(part.strip() for part in at.split(",")))


def _layers(given: str | None) -> int | tuple[int, ...] | None:
    """How many layers, or which: "4", or "0,2,5"."""
    if given is None:
        return None
    try:
        numbers = tuple(int(one) for one in given.split(","))
    except ValueError as error:
        raise ModelError(f"The layers must be a number, or numbers between commas. Got '{given}' instead.") from error
    return numbers if "," in given else numbers[0]
