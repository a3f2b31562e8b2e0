"""The study of Ahn et al. 2022, step by step: teachers, students in every way, what SEAT and GLUE say of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig

from angelshare import runs
from angelshare.collect import audit
from angelshare.data.glue import tasks_named
from angelshare.data.stream import open_sources
from angelshare.data.tables import Table
from angelshare.data.tokens import StoreOptions
from angelshare.mitigate.pairs import open_words
from angelshare.recipes import demo
from angelshare.recipes.abreast import Job, abreast
from angelshare.recipes.claims import answers
from angelshare.recipes.gender_bias_distilbert.exhibits import beside, changes, depths
from angelshare.recipes.gender_bias_distilbert.schema import FULL, Recipe, Scale, Way
from angelshare.recipes.rows import first
from angelshare.recipes.schema import Claim
from angelshare.recipes.steps import Steps, refuse_others, settled
from angelshare.result import AuditResult
from angelshare.training.debiasing import DebiasOptions, debias
from angelshare.training.encoder_options import RECIPE, EncoderMixup, EncoderOptions, HeadOptions
from angelshare.training.encoders import masked
from angelshare.training.glue import GlueOptions, glue
from angelshare.training.masked_distillation import distil_encoder
from angelshare.training.masked_head import train_head
from angelshare.training.outputs import public_name
from angelshare.training.settings import TrainOptions

__all__ = ["reproduce"]

CORPUS = ("set:corpus:train", "set:corpus:encyclopedia")
HELD_OUT = "held-out"
LEAST, MOST = 12, 40
"""Words of a text for the audits of masked tokens: longer ones take long to guess token by token."""

PAIRS = "gender-10"
WEIGHTS = {"kl": 5.0, "mlm": 2.0, "cosine": 1.0}
THEIR_OWN = "minilm-l3"
"""A student that somebody else made, where it is at hand."""


def reproduce(
    recipe: Recipe, scale: Scale, out: Path, *, encoder: str | None = None, workers: int | None = None
) -> AuditResult:
    """Do the study at a scale; run again after an interruption, it goes on.

    Parameters
    ----------
    out : becomes the folder of the models and audits, and of the report.
    encoder : an encoder without a masked-model head, in place of the scale's.
    workers : students worked on at once, each in a process with its share of the cores; default one a core, and one
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
    masked(chosen, seed=0)
    tasks_named(scale.glue or ("cola",))
    texts = _held_out(scale)
    step = Steps(recipe.title, out, plan)
    step("teacher", partial(_teach, scale, chosen, out))
    ways = {way for way in (*scale.ways, *scale.glue_ways) if recipe.ways[way].teacher == "debiased"}
    if ways:
        step("debiased", partial(_debias, scale, out))
    most = workers or (1 if torch.cuda.is_available() else os.cpu_count() or 1)
    students = _students(scale)
    jobs: dict[str, Job] = {
        str(each): (_distil, (recipe.ways[each.way], scale, out, each)) for each in students if not each.done(out)
    }
    step("students", lambda: abreast(jobs, most))
    tuned = _tuned(scale)
    more: dict[str, Job] = {f"glue {name}": (_glue, (scale, out, name)) for name in tuned if not _glued(out, name)}
    step("GLUE", lambda: abreast(more, most))
    found = step("audits", partial(_audits, scale, out, students, texts))
    return _report(recipe, scale, out, chosen, step, students, found)


@dataclass(frozen=True)
class Made:
    """A student: the way it is distilled, and its number of layers; a directory a seed."""

    way: str
    layers: int
    seed: int = 0

    def __str__(self) -> str:
        return self.name if not self.seed else f"{self.name}, seed {self.seed}"

    @property
    def name(self) -> str:
        return f"{self.way}-{self.layers}"

    def place(self, out: Path) -> Path:
        return out / "students" / (self.name if not self.seed else f"{self.name}-seed-{self.seed}")

    def done(self, out: Path) -> bool:
        return (self.place(out) / runs.MANIFEST).exists()


def _students(scale: Scale) -> list[Made]:
    """The deepest first, so that no core waits for one at the end."""
    named = [(way, layers) for layers in scale.layers for way in scale.ways]
    named += [(FULL, layers) for layers in scale.figure if layers not in scale.layers]
    ordered = sorted(named, key=lambda each: -each[1])
    return [Made(way, layers, seed) for seed in range(scale.seeds) for way, layers in ordered]


def _store(scale: Scale) -> StoreOptions:
    return StoreOptions(max_length=scale.max_length, share=scale.corpus_share)


def _held_out(scale: Scale) -> Table:
    """Texts of the corpus's dev part with a pair word: of these no student learns."""
    options, pairs = _store(scale), open_words(PAIRS).pattern
    found = dict.fromkeys(
        text
        for source in open_sources(CORPUS)
        for part in source.open()
        for text in part.texts
        if LEAST <= len(text.split()) <= MOST and pairs.search(text) and options.part(text) == "dev"
    )
    ids = np.array([str(at) for at in range(len(found))], dtype=object)
    return first(Table(HELD_OUT, HELD_OUT, ids, list(found)), scale.read)


def _teach(scale: Scale, encoder: str, out: Path) -> None:
    options = HeadOptions(
        corpus=_store(scale), steps=scale.head_steps, dev_tokens=scale.dev_tokens, evaluations=scale.evaluations
    )
    train_head(encoder, CORPUS, out=out / "teacher", options=options)


def _debias(scale: Scale, out: Path) -> None:
    training = replace(DebiasOptions().training, epochs=scale.debias_epochs)
    options = DebiasOptions(sentences=scale.sentences, max_length=scale.max_length, training=training)
    debias(out / "teacher", CORPUS, out=out / "debiased", pairs=PAIRS, options=options)


def _distil(way: Way, scale: Scale, out: Path, made: Made) -> None:
    settings = {"learning_rate": scale.learning_rate, "batch_size": scale.batch_size, "epochs": scale.epochs}
    options = EncoderOptions(
        layers=made.layers,
        **{f"{loss}_weight": WEIGHTS[loss] if loss in way.losses else 0.0 for loss in WEIGHTS},  # type: ignore[arg-type]
        mixup=EncoderMixup(open_words(PAIRS), parts=way.mixup) if way.mixup else None,
        steps=scale.steps,
        dev_tokens=scale.dev_tokens,
        evaluations=scale.evaluations,
        seed=made.seed,
        training=TrainOptions(**{**RECIPE, **settings}),
    )
    distil_encoder(out / way.teacher, out / "teacher.tokens", out=made.place(out), options=options)


def _tuned(scale: Scale) -> list[str]:
    """Which encoders are fine-tuned on GLUE: the teacher, and the students of the tables' ways."""
    if not scale.glue:
        return []
    return ["teacher", *(f"{way}-{scale.layers[0]}" for way in scale.glue_ways)]


def _glued(out: Path, name: str) -> bool:
    return (out / "glue" / name / runs.MANIFEST).exists()


def _glue(scale: Scale, out: Path, name: str) -> None:
    training = replace(GlueOptions().training, epochs=scale.glue_epochs)
    options = GlueOptions(
        tasks=scale.glue,
        seeds=scale.glue_seeds,
        train_rows=scale.glue_rows,
        pooling="mean",
        max_length=min(128, scale.max_length),
        training=training,
    )
    glue(out / "teacher" if name == "teacher" else out / "students" / name, out=out / "glue" / name, options=options)


def _audits(scale: Scale, out: Path, students: Sequence[Made], texts: Table) -> dict[str, AuditResult]:
    """SEAT and the audits of masked tokens of all against the teacher, and of each way against the paper's own."""
    places: dict[str, list[Path]] = {}
    for each in students:
        places.setdefault(each.name, []).append(each.place(out))
    teachers = {name: out / name for name in ("debiased",) if (out / name).exists()}
    judge = partial(_audit, scale, out, texts)
    found = {"teacher": judge("teacher", [out / "teacher"], {**places, **teachers, **_their_own()})}
    for layers in scale.layers:
        alike = {name.rpartition("-")[0]: place for name, place in places.items() if name.endswith(f"-{layers}")}
        for base in (FULL, "debiased"):
            others = {name: place for name, place in alike.items() if name != base}
            if base in alike and others:
                found[f"{base}-{layers}"] = judge(f"{base}-{layers}", alike[base], others)
    if scale.glue:
        base, *more = (f"{way}-{scale.layers[0]}" for way in scale.glue_ways)
        ways = dict(zip(scale.glue_ways[1:], more, strict=True))
        found["glue"] = _judge_glue(scale, out, "glue", base, ways)
        found["glue-teacher"] = _judge_glue(
            scale, out, "glue-teacher", "teacher", {name: name for name in (base, *more)}
        )
    return found


def _audit(
    scale: Scale,
    out: Path,
    texts: Table,
    study: str,
    reference: list[Path],
    models: Mapping[str, Path | list[Path]],
) -> AuditResult:
    return audit(
        reference=reference,
        models=models,
        data=texts,
        suites=("seat", "mlm", "pair-swaps"),
        pairs=PAIRS,
        draws=scale.draws,
        out=out / "audits" / study,
        answers=out / "audits" / "answers",
    )


def _judge_glue(scale: Scale, out: Path, study: str, reference: str, models: Mapping[str, str]) -> AuditResult:
    place, places = out / "glue" / reference, {name: out / "glue" / folder for name, folder in models.items()}
    return audit(reference=place, models=places, suites=("glue",), draws=scale.draws, out=out / "audits" / study)


def _their_own() -> dict[str, Path]:
    """Where it lies among the models at hand. It has no head, so SEAT alone can ask it."""
    place = Path(os.environ.get("ANGELSHARE_MODELS", "")) / THEIR_OWN
    return {THEIR_OWN: place} if place.is_dir() else {}


def _of_layers(claim: Claim, layers: Sequence[int]) -> Claim:
    """The claim about students of each of these numbers of layers."""
    parts = [
        part.model_copy(update={"study": part.study.replace("LAYERS", str(number))})
        for part in claim.parts
        for number in layers
    ]
    return claim.model_copy(update={"parts": tuple(parts)})


def _report(
    recipe: Recipe,
    scale: Scale,
    out: Path,
    encoder: str,
    step: Steps,
    students: Sequence[Made],
    found: Mapping[str, AuditResult],
) -> AuditResult:
    """The audit of all students against the teacher, with what the paper says in front."""
    findings = {study: result.findings for study, result in found.items()}
    unsettled: dict[tuple[str, str], str] = {}
    for each in students:
        if not settled(each.place(out)):
            why = f"{each.name} had not converged."
            unsettled |= {(f"{base}-{each.layers}", each.way): why for base in (FULL, "debiased")}
            if each.way in (FULL, "debiased"):
                others = {other.way for other in students if other.layers == each.layers}
                unsettled |= {(f"{each.way}-{each.layers}", way): why for way in others}
    claims = [_of_layers(claim, scale.layers) for claim in recipe.claims]
    figures, curve = depths(found["teacher"], scale, AutoConfig.from_pretrained(out / "teacher").num_hidden_layers)
    exhibits = [
        answers(claims, findings, unsettled, figures),
        beside(recipe, scale, found),
        curve,
        changes(recipe, public_name(encoder)),
    ]
    shown = found["teacher"]
    facts = {**shown.facts, "title": recipe.title, "paper": recipe.paper, "scale": f"{scale.about}; {step.took()}"}
    result = replace(shown, exhibits=(*exhibits, *shown.exhibits), facts=facts, predictions={})
    result.save(out / "report")
    return result
