"""GLUE: an encoder fine-tuned on each task, and what it then says of the published rows. The audit `glue` judges it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from angelshare import runs, store
from angelshare.data.glue import GOLD, ORIGINAL, PREDICTIONS, Task, open_task, tasks_named, write_gold
from angelshare.data.tables import Table, sampled
from angelshare.errors import DataError
from angelshare.progress import say
from angelshare.training import encoders
from angelshare.training.engine import LOG, TrainOptions
from angelshare.training.finetune import FinetuneOptions, finetune, learnable
from angelshare.training.outputs import public_name, whole
from angelshare.training.rows import table_digest
from angelshare.training.workplace import TRAINING, Workplace
from angelshare.types import Predictions

__all__ = ["GlueOptions", "glue"]

DEV_SHARE, DEV_ROWS = 0.1, 1000
"""Of the training rows so many are held out to choose the checkpoint: this share, and at most so many."""


@dataclass(frozen=True, kw_only=True)
class GlueOptions:
    """How to fine-tune. The defaults are those of Ahn et al. 2022, appendix D.2.

    Attributes
    ----------
    tasks : names of `data.glue.TASKS`.
    seeds : trainings a task: heads, orders of rows, dropout and rows held out are drawn anew.
    train_rows : rows learnt from at most, drawn with the seed, each label keeping its share; all where None.
    pooling : cls, the encoder's own classification head on its first token, or mean over the tokens' states.
    max_length : tokens a row is cut to.
    """

    tasks: tuple[str, ...] = ORIGINAL
    seeds: int = 1
    train_rows: int | None = None
    pooling: Literal["mean", "cls"] = "cls"
    max_length: int = 128
    training: TrainOptions = field(
        default_factory=lambda: TrainOptions(
            learning_rate=2e-5, batch_size=32, epochs=3, warmup=0.0, weight_decay=0.0, clip=1.0
        )
    )

    def __post_init__(self) -> None:
        tasks_named(self.tasks)
        if self.seeds < 1 or (self.train_rows is not None and self.train_rows < 1):
            raise DataError(
                f"The seeds and the training rows must be at least 1. Got {self.seeds} and {self.train_rows} instead."
            )

    def drawn(self, train: Table, seed: int) -> Table:
        """The rows that one training is about."""
        return train if self.train_rows is None else sampled(train, self.train_rows, seed)

    def of(self, train: Table, seed: int) -> FinetuneOptions:
        """For one training: no early stop, for the paper has none."""
        return FinetuneOptions(
            pooling=self.pooling,
            max_length=self.max_length,
            dev_fraction=min(DEV_SHARE, DEV_ROWS / len(train)),
            seed=seed,
            training=replace(self.training, patience=self.training.epochs),
        )

    def facts(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name not in ("training", "tasks")}
        return {**own, "tasks": list(self.tasks), **self.training.facts()}


def glue(
    encoder: str | Path, *, out: str | Path, options: GlueOptions | None = None, root: str | Path | None = None
) -> Path:
    """Fine-tune an encoder on GLUE's tasks; what each model says of the published labelled rows goes into `out`.

    The published rows choose nothing: a hashed tenth of the training rows, 1,000 at most, chooses the epoch whose
    weights are kept, by accuracy (of ties by the loss), or by the squared error where numbers are predicted.

    Parameters
    ----------
    encoder : directory or hub id.
    out : a directory of TASK/seed-N/predictions.parquet. Run again after an interruption, it goes on, and ends with the
        same bytes; the fine-tuned models are not kept.
    root : folder of the sets; by default $ANGELSHARE_DATA, then the hub.

    Raises
    ------
    DataError : a task's files are nowhere or broken, or `out` was made from other data or options.
    ModelError : the encoder cannot be loaded.
    """
    options = options or GlueOptions()
    opened = {task: open_task(task, root) for task in tasks_named(options.tasks)}
    for train, _ in opened.values():  # a mistake is found before anything is written
        for seed in range(options.seeds):
            rows = options.drawn(train, seed)
            learnable(rows, None, None, options.of(rows, seed))
    place = Workplace(out, _facts(encoder, opened, options))
    if place.finished:
        return place.out
    parts = {"": _about(place, encoder, opened, options)}
    for task, (train, judged) in opened.items():
        parts[task.name] = gold = place.work / task.name / "gold"
        if not whole(gold):
            with runs.atomic_directory(gold) as aside:
                write_gold(aside / GOLD, judged)
        for seed in range(options.seeds):
            rows = options.drawn(train, seed)
            said = place.work / task.name / f"seed-{seed}"
            parts[f"{task.name}/{said.name}"] = said
            if not whole(said):
                say(f"GLUE: {task.name}, training {seed + 1} of {options.seeds}, on {len(rows):,} rows.")
                _answer(encoder, rows, judged, options.of(rows, seed), said)
    place.publish(parts)
    return place.out


def _facts(encoder: str | Path, opened: Mapping[Task, tuple[Table, Table]], options: GlueOptions) -> Mapping[str, Any]:
    return {
        "command": "glue",
        "encoder": encoders.fingerprint(encoder),
        "data": {
            task.name: {"train": table_digest(train), "judged": table_digest(judged)}
            for task, (train, judged) in opened.items()
        },
        "options": options.facts(),
    }


def _about(
    place: Workplace, encoder: str | Path, opened: Mapping[Task, tuple[Table, Table]], options: GlueOptions
) -> Path:
    """What is known of the encoder. An encoder that cannot be loaded is found here, before anything is trained."""
    made = place.work / "about" / "made"
    if whole(made):
        return made
    first, _ = next(iter(opened.values()))
    spec = encoders.Spec(str(encoder), options.pooling, first.labels, first.multilabel, 0, regression=first.regression)
    with place.preparing():
        model, _ = encoders.build(spec)
    about = {
        "encoder": public_name(encoder),
        "kind": getattr(model.config, "inner", model.config).model_type,
        "parameters": sum(each.numel() for each in model.base_model.parameters()),
    }
    with runs.atomic_directory(made) as aside:
        runs.write_json(aside / TRAINING, {"facts": place.facts, "training": about})
    return made


def _answer(encoder: str | Path, train: Table, judged: Table, options: FinetuneOptions, said: Path) -> None:
    """Train one model, keep what it says and how its training went, and drop it: there are many, and all are large."""
    folder = said.parent / f"model-{options.seed}"
    model = finetune(encoder, train, out=folder, options=options)
    found = Predictions(
        public_name(encoder),
        judged.ids,
        judged.labels,
        judged.multilabel,
        model.predict_logits(judged.inputs),
        fingerprint=model.fingerprint,
    )
    with runs.atomic_directory(said) as aside:
        store.write_predictions(aside / PREDICTIONS, table_digest(judged), found)
        for name in (TRAINING, LOG):
            shutil.copyfile(folder / name, aside / name)
    shutil.rmtree(folder)
