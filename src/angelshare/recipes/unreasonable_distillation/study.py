"""The study of the three posts, step by step: a data set at a time, then what word order tells of all of them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from angelshare import runs
from angelshare.collect import audit
from angelshare.collect.switching import switch
from angelshare.data.augmentation import AugmentOptions, augment
from angelshare.data.tables import Table, read
from angelshare.errors import DataError
from angelshare.models.students import StudentOptions
from angelshare.progress import say
from angelshare.recipes import demo
from angelshare.recipes.abreast import Job, abreast
from angelshare.recipes.claims import answers
from angelshare.recipes.rows import first, without
from angelshare.recipes.schema import Training
from angelshare.recipes.steps import Steps, refuse_others, settled
from angelshare.recipes.unreasonable_distillation.exhibits import beside, changes, foretold, order, shares, won_back
from angelshare.recipes.unreasonable_distillation.schema import Dataset, Recipe, Scale, Sizes, Student, Switched
from angelshare.result import AuditResult
from angelshare.training import encoders
from angelshare.training.classifier import baseline, distil
from angelshare.training.finetune import FinetuneOptions, finetune
from angelshare.training.label import LabelOptions, label
from angelshare.training.options import DEFAULTS, DistilOptions
from angelshare.training.outputs import public_name

__all__ = ["reproduce"]

AUDITS, TIMED = ("quality", "fidelity", "word-order"), ("deferral", "cost")

HELD_OUT = 0.3
"""Share of the training rows that are the test set of a data set which has none."""

SENSITIVE = ("cola", "sst2", "imdb", "emotion")
"""From the most to the least sensitive to the order of words, by the posts."""


def reproduce(
    recipe: Recipe, scale: Scale, out: Path, *, encoder: str | None = None, workers: int | None = None
) -> AuditResult:
    """Do the study at a scale; run again after an interruption, it goes on.

    Parameters
    ----------
    out : becomes the folder of the models and audits, a folder a data set, and of the report about all of them.
    encoder : the teachers' encoder, in place of the scale's.
    workers : data sets worked on at once, each in a process with its share of the cores; default one a core, and one
        where there is a GPU.

    Raises
    ------
    DataError : data is missing or broken, or `out` was made from other options.
    """
    named = encoder or scale.encoder
    chosen = str(demo.encoder()) if named == "package" else named
    plan = {
        "recipe": recipe.title,
        "scale": scale.model_dump(mode="json", exclude={"about"}),
        "encoder": public_name(chosen),
    }
    refuse_others(out, plan)
    encoders.masked(chosen, seed=0)
    material = {name: Material.of(dataset, scale.sizes[name]) for name, dataset in recipe.datasets.items()}
    texts = runs.digest(*(part for each in material.values() for part in each.parts()))
    step = Steps(recipe.title, out, plan | {"texts": texts})
    courses = {
        name: Course(name, dataset, scale, out / name, step.of(name), chosen, material[name])
        for name, dataset in recipe.datasets.items()
    }
    jobs: dict[str, Job] = {
        name: (_course, (dataset, scale, out, name, step.of(name), chosen))
        for name, dataset in recipe.datasets.items()
        if not courses[name].finished
    }
    cores = 1 if torch.cuda.is_available() else os.cpu_count() or 1
    step("data sets", lambda: abreast(jobs, workers or min(cores, len(jobs) or 1)))
    found = step("audits", lambda: {name: found for each in courses.values() for name, found in each.audits().items()})
    return _report(recipe, scale, out, chosen, step, courses, found)


def _course(dataset: Dataset, scale: Scale, out: Path, name: str, step: Steps, encoder: str) -> None:
    """All of one data set but what is timed."""
    course = Course(name, dataset, scale, out / name, step, encoder, Material.of(dataset, scale.sizes[name]))
    course.train()
    if not dataset.switches:
        course.audits()


@dataclass(frozen=True, eq=False)
class Material:
    """The rows of one data set; none of the texts to test on is trained on."""

    train: Table
    dev: Table
    test: Table
    pool: Table | None

    @classmethod
    def of(cls, dataset: Dataset, sizes: Sizes) -> "Material":
        train = read(dataset.train)
        if dataset.test is None:
            train, test = train.split(HELD_OUT, 0)
        else:
            test = read(dataset.test)
        test = first(test, sizes.test)
        train = without(train, [test])
        golden = first(first(train, sizes.train), dataset.labelled)
        pool = None
        if dataset.labelled is not None and sizes.pool != 0:
            chosen = set(golden.ids)
            rest = train.take(np.array([name not in chosen for name in train.ids]))
            pool = replace(first(rest, sizes.pool), name=f"{train.name}-unlabelled", labels=(), targets=None)
        if dataset.dev is None:
            golden, dev = golden.split(0.1, 0)
        else:
            dev = without(read(dataset.dev), [test])
        return cls(golden, dev, test, pool)

    def parts(self) -> list[str]:
        """What decides the study's figures, for the digest of its plan."""
        tables = [table for table in (self.train, self.dev, self.test, self.pool) if table is not None]
        return [part for table in tables for part in (table.name, *map(str, table.ids), *table.texts)]


@dataclass(frozen=True, eq=False)
class Course:
    """One data set from teacher to audits."""

    name: str
    dataset: Dataset
    scale: Scale
    out: Path
    step: Steps
    encoder: str
    rows: Material

    @property
    def sizes(self) -> Sizes:
        return self.scale.sizes[self.name]

    @property
    def finished(self) -> bool:
        return (self.out / "audits" / self.name / runs.MANIFEST).exists()

    def train(self) -> None:
        """The teacher, what it says of the texts, its students, and their switches."""
        self.step("teacher", self._teach)
        if self.sizes.per_text:
            self.step("augmented", self._augment)
        self.step("transfer", self._label)
        self.step("tfidf", lambda: baseline(self.rows.train, out=self.out / "tfidf"))
        for name, student in self.dataset.students.items():
            self.step(name, partial(self._distil, name, student))
        for name, switched in self.dataset.switches.items():
            self.step(name, partial(self._switch, name, switched))

    def audits(self) -> dict[str, AuditResult]:
        """By name. Where there are switches, speed counts: then nothing else is to run meanwhile."""
        switches = [name for name in self.dataset.switches if (self.out / name).exists()]
        models = {name: self.out / name for name in (*self.dataset.students, *switches, "tfidf")}
        codes = (*AUDITS, *TIMED) if self.dataset.switches else AUDITS
        found = {self.name: self._audit(self.name, self.out / "teacher", models, codes)}
        controlled = [name for name, student in self.dataset.students.items() if student.controls]
        others = {name: models[name] for name in self.dataset.students if name not in controlled}
        for name in controlled:
            first = name == controlled[0]
            study = f"{self.name}-gold" if first else f"{self.name}-{name}-gold"
            compared = {name: models[name]} | (others if first else {})
            found[study] = self._audit(study, _all_seeds(self.out / name, "gold"), compared, ("quality",))
        return found

    def _teach(self) -> None:
        default = FinetuneOptions()
        epochs = self.sizes.teacher_epochs or self.scale.teacher.epochs
        how = self.scale.teacher.model_copy(update={"epochs": epochs})
        options = replace(default, max_length=self.sizes.max_length, training=how.over(default.training))
        finetune(self.encoder, self.rows.train, dev=self.rows.dev, out=self.out / "teacher", options=options)

    @property
    def _more(self) -> Path:
        return self.out / "augmented.parquet"

    def _augment(self) -> None:
        options = AugmentOptions(method=self.scale.augment, per_text=self.sizes.per_text, not_in=self._apart)
        augment(self.rows.train, self._more, options=options)

    @property
    def _apart(self) -> list[tuple[Table, None]]:
        """The rows that nothing may be learnt from."""
        return [(self.rows.test, None), (self.rows.dev, None)]

    def _label(self) -> None:
        sources: list[Table | Path] = [self.rows.train]
        if self.rows.pool is not None:
            sources.append(self.rows.pool)
        if self.sizes.per_text:
            sources.append(self._more)
        label(self.out / "teacher", sources, self.out / "transfer", options=LabelOptions(not_in=self._apart))

    def _distil(self, name: str, student: Student) -> None:
        how: Training = getattr(self.scale, student.kind)
        distil(
            student.kind,
            teacher=self.out / "teacher",
            texts=self.out / "transfer" if student.augmented else [self.rows.train],
            gold=self.rows.train,
            dev=self.rows.dev,
            out=self.out / name,
            seeds=self.scale.seeds,
            controls=student.controls,
            options=DistilOptions(training=how.over(DEFAULTS[student.kind])),
            student=_student_options(student, how, self.sizes),
        )

    def _switch(self, name: str, switched: Switched) -> None:
        """Calibrated on the dev rows: neither model learnt from them, though they chose the checkpoints.

        Where they are too few to promise anything there is no switch.
        """
        target = f"deferred={switched.deferred}"
        parts = (self.out / switched.student, self.out / "teacher")
        try:
            switch(*parts, self.rows.dev, target=target, out=self.out / name, not_in=[(self.rows.test, None)])
        except DataError as error:
            say(str(error))

    def _audit(
        self, study: str, reference: Path | list[Path], models: Mapping[str, Path], audits: tuple[str, ...]
    ) -> AuditResult:
        place = self.out / "audits" / study
        if (place / runs.MANIFEST).exists():
            return AuditResult.load(place)
        return self.step(
            f"audit-{study}",
            lambda: audit(
                reference=reference,
                models=models,
                data=replace(self.rows.test, name=self.name),
                suites=audits,
                draws=self.scale.draws,
                out=place,
                answers=self.out / "audits" / "predictions",
            ),
        )


def _student_options(student: Student, how: Training, sizes: Sizes) -> StudentOptions:
    return StudentOptions(
        vocabulary=how.vocabulary,
        attention=student.attention,
        ngrams=student.ngrams,
        preset=student.preset,
        layers=how.layers if student.kind == "transformer" else None,
        max_length=sizes.max_length,
    )


def _all_seeds(place: Path, control: str) -> list[Path]:
    """A control of every seed of a student."""
    own = Path("controls") / control
    return [place / own, *(seed / own for seed in sorted((place / "seeds").glob("*")))]


def _report(
    recipe: Recipe,
    scale: Scale,
    out: Path,
    encoder: str,
    step: Steps,
    courses: Mapping[str, Course],
    found: Mapping[str, AuditResult],
) -> AuditResult:
    """The audit of SST-2, the data set with the switch, with what was found on all of them in front."""
    findings = {study: result.findings for study, result in found.items()}
    unsettled = {
        (name, student): f"{student} had not converged."
        for name, course in courses.items()
        for student in course.dataset.students
        if not settled(course.out / student)
    }
    figures = order(found, SENSITIVE) | foretold(recipe, found) | won_back(recipe, found)
    exhibits = [
        answers(recipe.claims, findings, unsettled, figures),
        beside(recipe, found),
        shares(recipe, found),
        changes(recipe, public_name(encoder)),
    ]
    first_shown = found["sst2"]
    about = f"{scale.about}; {step.took()}"
    facts = {**first_shown.facts, "title": recipe.title, "paper": recipe.paper, "scale": about}
    result = replace(first_shown, exhibits=(*exhibits, *first_shown.exhibits), facts=facts, predictions={})
    result.save(out / "report")
    return result
