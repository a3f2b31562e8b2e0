"""A student out of a teacher's soft labels, and the two controls that tell what the soft labels were worth."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import torch
from torch import Tensor

from angelshare import losses
from angelshare.data.tables import Columns, Table
from angelshare.errors import ModelError
from angelshare.models.batching import Encoded, encode
from angelshare.models.card import CardFacts
from angelshare.models.classifier import default_max_length
from angelshare.models.students import KINDS, StudentOptions, build
from angelshare.progress import say
from angelshare.training import material, outputs, selection
from angelshare.training.baseline import baseline
from angelshare.training.engine import Run
from angelshare.training.options import DistilOptions
from angelshare.training.rows import Rows, mixed
from angelshare.training.twins import Mixed, Mixing, Twins
from angelshare.training.workplace import Workplace
from angelshare.types import Classifier

if TYPE_CHECKING:
    from angelshare.models.classifier import TorchClassifier

__all__ = ["baseline", "distil"]

Objective = Callable[[Tensor, Tensor, Mixed | None], dict[str, Tensor]]
"""(logits of a batch, its row numbers, what is mixed into it) -> the losses to add up."""

Batch = dict[str, Tensor]
"""What a model reads: token ids and attention mask."""


def distil(
    kind: str,
    *,
    teacher: Classifier | str | Path | None,
    texts: Table | str | Path | Sequence[Table | str | Path],
    out: str | Path,
    gold: Table | str | Path | None = None,
    dev: Table | str | Path | None = None,
    columns: Columns | None = None,
    seeds: int = 1,
    controls: bool = True,
    options: DistilOptions | None = None,
    student: StudentOptions | None = None,
) -> "TorchClassifier":
    """Distil a student, with its controls, for each seed.

    The soft student and the `hard` control learn from all rows; the `gold` control from the golden rows alone, for
    as many optimizer steps, assessed on the same dev rows at the same steps. All three begin from the same weights,
    with the same vocabulary (that of the transfer set). Each keeps the weights of its best dev score.

    Parameters
    ----------
    kind : bow, cnn, bilstm or transformer.
    teacher : a classifier, or what `load` takes; None where a transfer set holds all its answers.
    texts : tables or files of texts for the teacher to label, or one transfer set made by `label`.
    gold : human labels, with the teacher's labels; the teacher labels these texts too. Without, there is no `gold`
        control.
    dev : golden labels that choose the checkpoint. Without, a hashed share of `gold`, or else of the transfer set, is
        held out.
    out : becomes the student's model directory (of seed 0), with `controls/gold`, `controls/hard` and `seeds/N` in
        it. The transfer set is kept beside it, as `NAME.transfer`.

    Raises
    ------
    ModelError : labels differ between teacher and golden data.
    TrainingError : a loss or gradient is not finite; names the rows.
    DataError : `out` was made from other data or options.
    """
    if kind not in KINDS:
        raise ModelError(f"The student must be one of {', '.join(KINDS)}. Got '{kind}' instead.")
    options, student = options or DistilOptions(), student or StudentOptions()
    found = material.gather(teacher, texts, gold, dev, columns, options)
    if options.gold_ratio is not None and found.gold is None:
        raise ModelError("A share of golden rows needs golden rows. Name them with --gold, or leave --gold-ratio out.")
    _refuse_early(kind, found, options, student)
    facts = {
        "command": "distil",
        "student": {"kind": kind, **vars(student)},
        "teacher": found.teacher_fingerprint,
        "data": found.digests,
        "seeds": seeds,
        "controls": controls,
        "options": {**options.facts(), **options.train(kind).facts()},
    }
    place = Workplace(out, facts)
    if place.finished:
        return outputs.finished(place.out)
    rows, held = found.label(place)
    twins = found.twins(rows, held, place)
    parts: dict[str, Path] = {}
    for seed, role in _models(seeds, controls, rows):
        made = place.work / f"{role}-{seed}" / "made"
        if not outputs.whole(made):
            job = _Training(
                kind,
                role,
                options.seed + seed,
                rows,
                held,
                options,
                student,
                found.teacher,
                found.teacher_fingerprint,
                twins if role == "soft" else None,
            )
            _train(job, place, made)
        parts["/".join(_place(seed, role))] = made
    place.publish(parts)
    return outputs.finished(place.out)


def _refuse_early(kind: str, found: material.Material, options: DistilOptions, student: StudentOptions) -> None:
    """Raise for options that do not fit before the teacher labels anything: that may take hours."""
    options.soft_loss(found.multilabel)
    if options.follows_states and (kind != "transformer" or student.encoder or not _has_layers(found.teacher)):
        raise ModelError("Losses on hidden states need a transformer student of the teacher's own layers.")
    if kind == "transformer":
        build(kind, labels=found.labels, multilabel=found.multilabel, texts=(), teacher=found.teacher, options=student)


def _has_layers(teacher: Classifier | None) -> "TypeGuard[TorchClassifier]":
    return hasattr(teacher, "model")


def _models(seeds: int, controls: bool, rows: Rows) -> Iterator[tuple[int, str]]:
    if controls and not rows.golden.any():
        say("There are no golden labels: the control 'gold' is not applicable.")
    for seed in range(seeds):
        yield seed, "soft"
        if controls and rows.golden.any():
            yield seed, "gold"
        if controls:
            yield seed, "hard"


def _place(seed: int, role: str) -> list[str]:
    return (["seeds", str(seed)] if seed else []) + (["controls", role] if role != "soft" else [])


@dataclass(frozen=True)
class _Training:
    kind: str
    role: str
    seed: int
    rows: Rows
    held: Rows
    options: DistilOptions
    student: StudentOptions
    teacher: Classifier | None
    fingerprint: str
    twins: Twins | None

    @property
    def title(self) -> str:
        return f"{self.kind} {self.role} seed {self.seed}"


def _train(job: _Training, place: Workplace, made: Path) -> None:
    """The loop: one student on one kind of labels, from one seed."""
    rows, train = job.rows, job.options.train(job.kind)
    model, tokenizer = build(
        job.kind,
        labels=rows.labels,
        multilabel=rows.multilabel,
        texts=rows.texts,
        teacher=job.teacher,
        options=job.student,
        seed=job.seed,
    )
    limit = default_max_length(model, tokenizer)
    blended = mixed(rows, job.options.gold_ratio, job.seed)
    used = rows.take(rows.golden) if job.role == "gold" else blended
    texts, dev_texts = encode(tokenizer, used.texts, limit), encode(tokenizer, job.held.texts, limit)
    passes = -(-len(blended) // train.batch_size)
    run = Run(
        model,
        lengths=texts.lengths,
        ids=used.ids,
        options=train,
        seed=job.seed,
        work=made.parent,
        title=job.title,
        steps=train.epochs * passes,
        evaluate_every=passes,
    )
    objective = _objective(job.role, used, job.options, run.device)
    states = _states(job, run.device)
    mixing = None
    if job.twins is not None:
        known = {"texts": used.texts, "encoded": texts, "limit": limit, "seed": job.seed, "device": run.device}
        mixing = Mixing(job.twins, model, tokenizer, **known)
    for batch in run.batches():
        inputs = texts.batch(batch, run.device)
        twins = None if mixing is None else mixing(batch, run.step, inputs["input_ids"].shape[1])
        with run.forward():
            read = inputs if twins is None else twins.inputs(run.inner, inputs)
            output = run.model(**read, **({"output_hidden_states": True} if states else {}))
            found = objective(output.logits, torch.from_numpy(batch).to(run.device), twins)
            if states:
                found |= states(output.hidden_states[-1], inputs)
        run.descend(batch, found)
        if run.evaluation_due:
            run.assess(_assess(run, dev_texts, job.held))
    run.restore_best()
    training = {"role": job.role, "seed": job.seed, "rows": len(used), "dev_rows": len(job.held)}
    if mixing is not None:
        training["mixup"] = mixing.facts
    outputs.store(run, tokenizer, made, card=_card(job, run, len(used)), facts=place.facts, training=training)


def _card(job: _Training, run: Run, rows: int) -> CardFacts:
    options = job.options
    words = "" if job.twins is None else f", mixup of {outputs.public_name(job.twins.wanted.pairs.name)}"
    losses_of = {
        "soft": {
            f"{options.loss}, temperature {options.temperature}{words}": options.soft_weight,
            "gold": options.gold_weight,
            "hidden": options.hidden_weight,
            "cosine": options.cosine_weight,
        },
        "gold": {"golden labels": 1.0},
        "hard": {"the teacher's decisions": 1.0},
    }
    return CardFacts(
        name=f"{job.kind}, {job.role}",
        kind=job.kind,
        labels=job.rows.labels,
        multilabel=job.rows.multilabel,
        role="student" if job.role == "soft" else f"control: {job.role}",
        parameters=run.parameters,
        teacher=outputs.public_name(getattr(job.teacher, "source", "") or "a classifier"),
        teacher_fingerprint=job.fingerprint,
        data=[f"{rows:,} rows"],
        losses={name: weight for name, weight in losses_of[job.role].items() if weight},
        seeds=[job.seed],
        settings=options.train(job.kind).facts(),
        results=run.results(),
    )


def _assess(run: Run, encoded: Encoded, held: Rows) -> selection.DevScore:
    logits = run.score(encoded)
    if held.golden.all():
        return selection.against_gold(logits, held.targets, held.multilabel)
    assert held.logits is not None  # dev rows without golden labels come from the transfer set
    return selection.against_teacher(logits, held.logits, held.multilabel)


def _objective(role: str, rows: Rows, options: DistilOptions, device: torch.device) -> Objective:
    weights = torch.from_numpy(rows.weights).to(device)
    golden = torch.from_numpy(rows.golden).to(device)
    targets = torch.from_numpy(rows.targets).nan_to_num().to(device)  # rows nobody labelled weigh 0 below
    teacher = None if rows.logits is None else torch.from_numpy(rows.logits).to(device)
    on_labels = losses.golden_bce if rows.multilabel else losses.golden_cross_entropy
    if role == "gold":
        return lambda logits, at, twins: {"gold": on_labels(logits, targets[at], None, weights[at])}
    assert teacher is not None
    if role == "hard":
        decided = _decisions(teacher, rows.multilabel)
        return lambda logits, at, twins: {"hard": on_labels(logits, decided[at], None, weights[at])}
    soften = options.soft_loss(rows.multilabel)

    def both(logits: Tensor, at: Tensor, twins: Mixed | None) -> dict[str, Tensor]:
        follow = teacher[at] if twins is None else twins.targets(teacher[at])
        found = {"soft": torch.mul(soften(logits, follow, weights[at]), options.soft_weight)}
        if options.gold_weight:
            share = weights[at] * golden[at]
            found["gold"] = torch.mul(on_labels(logits, targets[at], None, share), options.gold_weight)
        return found

    return both


def _states(job: _Training, device: torch.device) -> Callable[[Tensor, Batch], dict[str, Tensor]] | None:
    """The losses between the student's last token states and the teacher's; None where none is asked for."""
    weights = {"hidden": job.options.hidden_weight, "cosine": job.options.cosine_weight}
    if job.role != "soft" or not job.options.follows_states or not _has_layers(job.teacher):
        return None
    teacher = job.teacher.model.to(device).eval()
    measures = {"hidden": losses.hidden_mse, "cosine": losses.hidden_cosine}

    def both(ours: Tensor, inputs: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            theirs = teacher(**inputs, output_hidden_states=True).hidden_states[-1]
        mask = inputs["attention_mask"]
        return {name: weight * measures[name](ours, theirs, mask) for name, weight in weights.items() if weight}

    return both


def _decisions(teacher: Tensor, multilabel: bool) -> Tensor:
    """One-hot argmax, or 1 where the probability is at least 0.5 (the logit at least 0)."""
    if multilabel:
        return (teacher >= 0).float()
    return torch.nn.functional.one_hot(teacher.argmax(1), teacher.shape[1]).float()
