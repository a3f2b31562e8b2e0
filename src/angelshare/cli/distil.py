"""angelshare distil: a student out of a teacher, with the controls that tell what it gained."""

from pathlib import Path
from typing import Annotated

import typer

from angelshare.cli import augment as more
from angelshare.cli import columns as shared
from angelshare.cli import training
from angelshare.errors import ModelError

__all__ = ["command"]

LOSS = "Loss"
STUDENT = "Student"
MIXUP = "Mixup"
STUDENTS = ("bow", "cnn", "bilstm", "transformer", "tfidf")
OF_TFIDF = ("student", "gold", "out", "text", "label", "labels", "toxicity", "id")


def command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="bow, cnn, bilstm, transformer, or tfidf.")],
    out: Annotated[Path, typer.Option("--out", help="The student's model directory; controls and seeds go below it.")],
    teacher: Annotated[str | None, typer.Option("--teacher", help="A directory, a hub id, or module:object.")] = None,
    texts: Annotated[
        list[str] | None, typer.Option("--texts", help="Files of texts to label, or one transfer set; may be repeated.")
    ] = None,
    gold: Annotated[str | None, typer.Option("--gold", help="Golden rows, for the 'gold' control.")] = None,
    dev: Annotated[
        str | None, typer.Option("--dev", help="Golden rows that choose checkpoints; default a hashed tenth.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Train everything this many times.")] = 1,
    controls: Annotated[bool, typer.Option(help="Train the controls 'gold' and 'hard' along.")] = True,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Allow module:object to run its code.")] = False,
    text: shared.Text = "text",
    label: shared.Label = None,
    labels: shared.Labels = None,
    toxicity: shared.Toxicity = None,
    id: shared.Id = None,
    loss: Annotated[
        str, typer.Option("--loss", metavar="kl|mse|soft_ce|bce", help="To the soft labels.", rich_help_panel=LOSS)
    ] = "kl",
    temperature: Annotated[float, typer.Option("--temperature", help="Of both sides.", rich_help_panel=LOSS)] = 4.0,
    soft_weight: Annotated[float, typer.Option("--soft-weight", help="Of that loss.", rich_help_panel=LOSS)] = 1.0,
    gold_weight: Annotated[
        float, typer.Option("--gold-weight", help="Of the loss to golden labels.", rich_help_panel=LOSS)
    ] = 0.0,
    gold_ratio: Annotated[
        float | None,
        typer.Option(
            "--gold-ratio", help="Golden rows' share of each pass; default as many as there are.", rich_help_panel=LOSS
        ),
    ] = None,
    hidden_weight: Annotated[
        float,
        typer.Option("--hidden-weight", help="transformer: squared distance of last states.", rich_help_panel=LOSS),
    ] = 0.0,
    cosine_weight: Annotated[
        float, typer.Option("--cosine-weight", help="transformer: 1 - cosine of last states.", rich_help_panel=LOSS)
    ] = 0.0,
    vocabulary: Annotated[
        int | None,
        typer.Option(
            "--vocabulary", min=8, help="Words (bow, bilstm) or word pieces (cnn) kept.", rich_help_panel=STUDENT
        ),
    ] = None,
    ngrams: Annotated[
        int, typer.Option("--ngrams", min=1, help="bow: hash n-grams up to this length.", rich_help_panel=STUDENT)
    ] = 1,
    attention: Annotated[
        bool, typer.Option("--attention", help="bow: weigh the words by attention.", rich_help_panel=STUDENT)
    ] = False,
    preset: Annotated[
        str, typer.Option("--preset", metavar="1.7M|0.7M", help="bilstm: its size.", rich_help_panel=STUDENT)
    ] = "1.7M",
    embeddings: Annotated[
        str | None,
        typer.Option("--embeddings", metavar="ENCODER", help="cnn: take its embeddings.", rich_help_panel=STUDENT),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            "--layers", metavar="0,2,4|COUNT", help="transformer: layers of the teacher.", rich_help_panel=STUDENT
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", help="transformer: a small encoder instead of layers.", rich_help_panel=STUDENT),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option("--max-length", min=2, help="Tokens read; default the teacher's.", rich_help_panel=STUDENT),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            "--augment",
            metavar="eda|tang|masked|generate",
            help="Learn from copies of the texts, too, labelled by the teacher.",
            rich_help_panel=more.PANEL,
        ),
    ] = None,
    per_text: more.PerText = 1,
    no_protect: more.NoProtect = False,
    protect: more.Protect = None,
    language_model: more.Model = None,
    not_in: Annotated[
        list[str] | None,
        typer.Option(
            "--not-in",
            metavar="FILE[:COLUMN]",
            help="Drop texts and copies of this audit set, also set:NAME:PART; may be repeated.",
            rich_help_panel=more.PANEL,
        ),
    ] = None,
    mixup_pairs: Annotated[
        str | None,
        typer.Option(
            "--mixup-pairs",
            metavar="identities|gender-10|FILE",
            help="Mix texts with their twins, whose words of these pairs are swapped, and the teacher's answers, too.",
            rich_help_panel=MIXUP,
        ),
    ] = None,
    mixup_alpha: Annotated[
        float | None,
        typer.Option("--mixup-alpha", help="Shares come from Beta(alpha, alpha); default .4.", rich_help_panel=MIXUP),
    ] = None,
    learning_rate: training.LearningRate = None,
    batch_size: training.BatchSize = None,
    epochs: training.Epochs = None,
    patience: training.Patience = None,
    precision: training.Precision = None,
    seed: training.Seed = 0,
) -> None:
    """Distil a small model from a teacher's soft labels.

    The teacher labels each text once; its answers stay beside OUT as OUT.transfer. Stopped and run again with the same
    options, it goes on from the newest valid checkpoint.
    """
    from angelshare.training.baseline import baseline

    columns = shared.columns(text, label, labels, toxicity, id)
    if student not in STUDENTS:
        raise ModelError(f"The student must be one of {', '.join(STUDENTS)}. Got '{student}' instead.")
    if student == "tfidf":
        _refuse_the_rest(context)
        if gold is None:
            raise ModelError("The student tfidf learns from golden labels alone. Name them with --gold.")
        baseline(gold, out=out, columns=columns)
        typer.echo(out)
        return
    training.require_torch()
    from angelshare.mitigate.pairs import open_pairs
    from angelshare.models.loading import load
    from angelshare.models.students import StudentOptions
    from angelshare.training import classifier
    from angelshare.training.augmented import Augmentation
    from angelshare.training.engine import TrainOptions
    from angelshare.training.label import loaded
    from angelshare.training.options import DEFAULTS, DistilOptions
    from angelshare.training.twins import Mixup

    base = DEFAULTS.get(student, TrainOptions())
    chosen = training.trained(base, learning_rate, batch_size, epochs, patience, precision)
    copies = None
    if augment is not None:
        wanted = more.options(augment, per_text, no_protect, protect, seed=seed)
        copies = Augmentation(wanted, more.model(augment, language_model))
    elif more.given(context):
        raise ModelError(f"{more.given(context)} is for copies of the texts. Name a method with --augment.")
    mixup = None
    if mixup_pairs is not None:
        alpha = {} if mixup_alpha is None else {"alpha": mixup_alpha}
        mixup = Mixup(open_pairs(mixup_pairs), **alpha)
    elif mixup_alpha is not None:
        raise ModelError("--mixup-alpha is for mixed texts. Name their pairs with --mixup-pairs.")
    options = DistilOptions(
        loss=loss,  # type: ignore[arg-type]
        temperature=temperature,
        soft_weight=soft_weight,
        gold_weight=gold_weight,
        gold_ratio=gold_ratio,
        hidden_weight=hidden_weight,
        cosine_weight=cosine_weight,
        augment=copies,
        mixup=mixup,
        not_in=shared.audit_sets(not_in, text),
        seed=seed,
        training=chosen,
    )
    source = loaded(load(teacher, allow_code=allow_code)) if teacher is not None else None
    classifier.distil(
        student,
        teacher=source,
        texts=texts or [],
        gold=gold,
        dev=dev,
        out=out,
        columns=columns,
        seeds=seeds,
        controls=controls,
        options=options,
        student=StudentOptions(
            vocabulary=vocabulary,
            ngrams=ngrams,
            attention=attention,
            preset=preset,
            embeddings=embeddings,
            layers=_layers(layers),
            encoder=encoder,
            max_length=max_length,
        ),
    )
    typer.echo(out)


def _refuse_the_rest(context: typer.Context) -> None:
    """Raise for options that tfidf would ignore."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source is not None and source.name == "COMMANDLINE" and option.name not in OF_TFIDF:
            raise ModelError(f"The student tfidf learns from golden labels alone. Leave {option.opts[0]} out.")


def _layers(given: str | None) -> int | tuple[int, ...] | None:
    """A count, or numbers with commas."""
    if given is None:
        return None
    parts = given.split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise ModelError(f"--layers must be a count or numbers with commas. Got '{given}' instead.")
    return int(given) if len(parts) == 1 else tuple(int(part) for part in parts)
