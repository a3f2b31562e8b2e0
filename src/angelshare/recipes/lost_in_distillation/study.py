"""The study of Chvasta et al. 2022, step by step: two tracks, curves over data, data against bias, one report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from angelshare import runs
from angelshare.collect import audit
from angelshare.collect.loaded import agreed
from angelshare.collect.plan import tables_of
from angelshare.collect.suites import Suite
from angelshare.collect.suites import named as named_suites
from angelshare.data.sampling import Selection
from angelshare.data.tables import Table, hashed, read
from angelshare.data.transfer import TransferRows, TransferSet, TransferWriter, open_transfer, recut
from angelshare.errors import DataError
from angelshare.findings import Exhibit
from angelshare.models.loading import load
from angelshare.models.students import StudentOptions
from angelshare.progress import say
from angelshare.recipes import demo
from angelshare.recipes.claims import answers
from angelshare.recipes.lost_in_distillation.exhibits import against_bias, beside, curve
from angelshare.recipes.lost_in_distillation.schema import Recipe, Scale
from angelshare.recipes.rows import first, shared, without
from angelshare.recipes.schema import Training
from angelshare.recipes.steps import Steps, refuse_others, settled
from angelshare.result import AuditResult
from angelshare.training import encoders
from angelshare.training.balance import balance
from angelshare.training.classifier import baseline, distil
from angelshare.training.counterfactual import counterfactual
from angelshare.training.finetune import FinetuneOptions, finetune
from angelshare.training.label import LabelOptions, label
from angelshare.training.masked import MaskedOptions, pretrain
from angelshare.training.options import DEFAULTS, DistilOptions
from angelshare.training.outputs import public_name

__all__ = ["reproduce"]

ENCYCLOPEDIA = "set:corpus:encyclopedia"
SHARD_ROWS = 2048
SWAPS = 2
"""Counterfactuals of a text at most: enough that every term comes up, few enough that they stay a part of the set."""


def reproduce(
    recipe: Recipe,
    scale: Scale,
    out: Path,
    *,
    encoder: str | None = None,
    pool: Sequence[str] = (),
    scorer: Any = None,
    allow_code: bool = False,
) -> AuditResult:
    """Do the study at a scale; run again after an interruption, it goes on.

    Parameters
    ----------
    out : becomes the folder of the models, of the studies' audits, and of the report about all of them.
    encoder : the teachers' encoder, in place of the scale's.
    pool : texts without labels, in place of the scale's: files, "hub:" or "set:" names.
    scorer : a third model, for the suite `false-positives`, which is left out without one.

    Raises
    ------
    DataError : data is missing or broken, or `out` was made from other options.
    """
    study = _Study.begun(recipe, scale, out, encoder=encoder, pool=pool, scorer=scorer, allow_code=allow_code)
    study.label()
    found = {"open": study.open_track(), "big": study.big_track()}
    found["sizes"], found["ratios"] = study.sizes(), study.ratios()
    found["mitigation"] = study.mitigation()
    return study.report(found)


@dataclass(eq=False)
class _Study:
    """The steps."""

    recipe: Recipe
    scale: Scale
    out: Path
    step: Steps
    encoder: str
    gold: Table
    pool: list[Table]
    suites: list[Suite]
    audited: list[Table]
    scorer: Any
    allow_code: bool

    @classmethod
    def begun(
        cls,
        recipe: Recipe,
        scale: Scale,
        out: Path,
        *,
        encoder: str | None,
        pool: Sequence[str],
        scorer: Any,
        allow_code: bool,
    ) -> "_Study":
        """Everything is looked at before hours of work rest on it: first what takes no time."""
        sources = tuple(pool) or scale.pool
        if not sources:
            raise DataError("This scale brings no texts without labels. Name some with --pool.")
        named = encoder or scale.encoder
        chosen = str(demo.encoder()) if named == "package" else named
        plan = {
            "recipe": recipe.title,
            "scale": scale.model_dump(mode="json", exclude={"about"}),
            "encoder": public_name(chosen),
            "scorer": None if scorer is None else str(getattr(scorer, "fingerprint", scorer)),
        }
        refuse_others(out, plan)
        encoders.masked(chosen, seed=0)
        third = load(scorer, allow_code=allow_code) if isinstance(scorer, str | Path) else scorer
        suites = [_suite(name, scale) for name in recipe.suites if name != "false-positives" or scorer is not None]
        if scorer is None:
            say("Without --scorer the suite 'false-positives' is left out.")
        tables = shared([replace(read(source), labels=(), targets=None) for source in sources], scale.pool_rows)
        audited = [table for suite in suites for table in tables_of(suite)]
        gold = first(without(read(scale.gold or recipe.gold), audited), scale.golden)
        if third is not None:
            agreed(gold, third.labels, third.multilabel, None)
        texts = runs.digest(*(part for table in (gold, *tables) for part in (table.name, *table.texts)))
        steps = Steps(recipe.title, out, plan | {"texts": texts})
        return cls(recipe, scale, out, steps, chosen, gold, tables, suites, audited, scorer, allow_code)

    # -- texts -------------------------------------------------------------------------------------------------------

    def label(self) -> None:
        """The open track's teacher, and what it says of golden data and pool, without the texts of any suite."""
        self._teacher("teacher", self.encoder, self.gold, self.scale.teacher)
        self._labelled("teacher", "labelled", [self.gold, *self.pool])

    def _teacher(self, name: str, encoder: str | Path, train: Table, how: Training) -> None:
        default = FinetuneOptions()
        options = replace(default, max_length=how.max_length or default.max_length, training=how.over(default.training))
        self.step(name, lambda: finetune(encoder, train, out=self.out / name, options=options))

    def _labelled(self, teacher: str, name: str, texts: Sequence[Table], chosen: int | None = None) -> TransferSet:
        selection = None if chosen is None else Selection(count=chosen, positive=self.recipe.positive)
        audited = [(table, None) for table in self.audited]
        options = LabelOptions(selection=selection, not_in=audited, cache=self.out / "answers")
        return self.step(name, lambda: label(self.out / teacher, texts, self.out / name, options=options))

    def _set(self, like: str, name: str, parts: Iterable[TransferRows]) -> Path:
        """A transfer set of these rows, labelled by the teacher of the set `like`."""
        given, place = open_transfer(self.out / like), self.out / "sets" / name
        rows = TransferRows.joined(list(parts))
        plan = runs.digest(*map(str, rows.ids), *rows.texts, rows.logits.tobytes())
        writer = TransferWriter(
            place, labels=given.labels, multilabel=given.multilabel, teacher=given.teacher, plan_digest=plan
        )
        for index, piece in enumerate(recut([rows], SHARD_ROWS)):
            if index not in writer.done:
                writer.commit(index, piece)
        writer.finish()
        return place

    def _parts(self, labelled: str) -> tuple[TransferRows, TransferRows]:
        """(golden rows, rows of the pool), each in the order of their hashes: any number of the first are a sample."""
        rows = open_transfer(self.out / labelled).read()
        rows = rows.take(
            np.argsort([hashed(f"{where}/{name}") for where, name in zip(rows.source, rows.ids, strict=True)])
        )
        golden = rows.source == self.gold.name
        return rows.take(golden), rows.take(~golden)

    def _sizes(self, labelled: str) -> list[int]:
        """The scale's sizes, none above what the pool has."""
        count = len(self._parts(labelled)[1])
        return sorted({min(size, count) for size in self.scale.sizes})

    def _grown(self, labelled: str, size: int) -> Path:
        """Golden data and so many rows of the pool."""
        golden, pool = self._parts(labelled)
        return self._set(labelled, f"{labelled}-{size}", [golden, pool.take(np.arange(size))])

    # -- models ------------------------------------------------------------------------------------------------------

    def _student(
        self, kind: str, name: str, texts: Path, how: Training, *, teacher: str = "teacher", gold: Table | None = None,
        seeds: int = 1, controls: bool = False,
    ) -> Path:  # fmt: skip
        place = self.out / name
        self.step(
            name,
            lambda: distil(
                kind,
                teacher=self.out / teacher,
                texts=texts,
                gold=self.gold if gold is None else gold,
                out=place,
                seeds=seeds,
                controls=controls,
                options=_distilled(kind, how),
                student=_student_options(kind, how),
            ),
        )
        return place

    def open_track(self) -> AuditResult:
        """Table 2: a small transfer set, half toxic, with controls; and the whole pool, for a CNN and a transformer."""
        scale, seeds = self.scale, self.scale.seeds
        self._labelled("teacher", "chosen", self.pool, scale.chosen)
        golden, _ = self._parts("labelled")
        small = self._set("labelled", "small", [golden, open_transfer(self.out / "chosen").read()])
        large = self._grown("labelled", max(self._sizes("labelled")))
        models = {
            "cnn": self._student("cnn", "cnn", small, scale.cnn, seeds=seeds.student, controls=True),
            "bow": self._student("bow", "bow", small, scale.bow, seeds=seeds.student, controls=True),
            "cnn-more": self._student("cnn", "cnn-more", large, scale.cnn_more, seeds=seeds.more),
            "transformer-more": self._student(
                "transformer", "transformer-more", large, scale.transformer, seeds=seeds.more
            ),
        }
        self.step("tfidf", lambda: baseline(self.gold, out=self.out / "tfidf"))
        return self._audit("open", "teacher", models | {"tfidf": self.out / "tfidf"})

    def big_track(self) -> AuditResult:
        """Table 3: the encoder trained further on the pool; teacher and student with identity-balanced data."""
        scale, how, default = self.scale, self.scale.pretrain, MaskedOptions()
        options = replace(default, max_length=how.max_length or 256, training=how.over(default.training))
        texts = shared(self.pool, how.rows)
        encoder = self.out / "big-encoder"
        self.step("big-encoder", lambda: pretrain(self.encoder, texts, out=encoder, options=options))
        golden, _ = self._parts("labelled")
        before = self._set("labelled", "golden", [golden])
        known: dict[str, Any] = {"positive": self.recipe.positive, "gold": self.gold}
        passages = self._passages()
        self.step(
            "balanced-golden",
            lambda: balance(before, passages, teacher=self.out / "teacher", out=self.out / "balanced-golden", **known),
        )
        more = open_transfer(self.out / "balanced-golden").read()
        more = more.take(~np.isin(more.ids.astype(str), golden.ids.astype(str)))
        train = _with_negatives(self.gold, more)
        self._teacher("big-teacher", encoder, train, scale.big_teacher or scale.teacher)
        self._labelled("big-teacher", "big-labelled", [self.gold, *self.pool])
        large = self._grown("big-labelled", max(self._sizes("big-labelled")))
        self.step(
            "big-balanced",
            lambda: balance(large, passages, teacher=self.out / "big-teacher", out=self.out / "big-balanced", **known),
        )
        cnn = self._student(
            "cnn", "big-cnn", self.out / "big-balanced", scale.big_cnn or scale.cnn_more, teacher="big-teacher",
            seeds=scale.seeds.more,
        )  # fmt: skip
        return self._audit("big", "big-teacher", {"cnn": cnn})

    def _passages(self) -> Table:
        return first(read(ENCYCLOPEDIA), self.scale.passages)

    def sizes(self) -> AuditResult:
        """Fig. 2: the same student on more and more of the pool."""
        models, sizes = {}, self._sizes("labelled")
        for size in sizes:
            texts = self._grown("labelled", size)
            seeds = self.scale.seeds
            models[f"bow {size}"] = self._student(
                "bow", f"sizes/bow-{size}", texts, self.scale.bow, seeds=seeds.student
            )
            if size == max(sizes):
                models[f"cnn {size}"] = self.out / "cnn-more"
            else:
                place = f"sizes/cnn-{size}"
                models[f"cnn {size}"] = self._student("cnn", place, texts, self.scale.cnn_more, seeds=seeds.more)
        return self._audit("sizes", "teacher", models, ranking=True)

    def ratios(self) -> AuditResult:
        """Fig. 3: the same rows of the pool beside more and more golden rows, at a smaller and smaller ratio."""
        golden, pool = self._parts("labelled")
        rows = pool.take(np.arange(min(self.scale.ratio_rows, len(pool))))
        models = {}
        for count in (*self.scale.golden_sizes, len(golden)):
            few = golden.take(np.arange(min(count, len(golden))))
            gold = self.gold.take(np.isin(self.gold.ids.astype(str), few.ids.astype(str)))
            texts = self._set("labelled", f"golden-{count}", [few, rows])
            models[f"bow {len(rows) / len(few):.3g}"] = self._student(
                "bow", f"ratios/bow-{count}", texts, self.scale.bow, gold=gold, seeds=self.scale.seeds.student
            )
        return self._audit("ratios", "teacher", models, ranking=True)

    def mitigation(self) -> AuditResult:
        """The bag of words before and after identity-balanced data, counterfactual data, and both."""
        largest = max(self._sizes("labelled"))
        base = self._grown("labelled", largest)
        teacher = self.out / "teacher"
        known: dict[str, Any] = {"positive": self.recipe.positive, "gold": self.gold, "teacher": teacher}
        places = {name: self.out / "sets" / name for name in ("balanced", "counterfactual", "both")}
        passages = self._passages()
        self.step("balanced", lambda: balance(base, passages, out=places["balanced"], **known))
        swapped: dict[str, Any] = {"swaps": SWAPS, **known}
        self.step("counterfactual", lambda: counterfactual(base, out=places["counterfactual"], **swapped))
        self.step("both", lambda: counterfactual(places["balanced"], out=places["both"], **swapped))
        seeds = self.scale.seeds.student
        models = {
            f"bow-{name}": self._student("bow", f"mitigation/bow-{name}", texts, self.scale.bow, seeds=seeds)
            for name, texts in places.items()
        }
        before = self.out / "sizes" / f"bow-{largest}"
        reference = [before, *sorted((before / "seeds").glob("*"))]
        return self._audit("mitigation", reference, models)

    # -- audits ------------------------------------------------------------------------------------------------------

    def _audit(
        self, study: str, reference: str | list[Path], models: Mapping[str, Any], *, ranking: bool = False
    ) -> AuditResult:
        """All suites; with `ranking`, only the audits that a curve shows."""
        suites: list[Any] = list(self.suites)
        if ranking:
            suites = [
                suite if suite.name == "false-positives" else suite.model_copy(update={"audits": ("quality",)})
                for suite in suites
            ]
        place = self.out / "audits" / study
        if (place / runs.MANIFEST).exists():
            return AuditResult.load(place)
        return self.step(
            f"audit-{study}",
            lambda: audit(
                reference=self.out / reference if isinstance(reference, str) else reference,
                models=models,
                suites=[*suites, "identity-swaps"],
                positive=self.recipe.positive,
                scorer=self.scorer,
                allow_code=self.allow_code,
                draws=self.scale.draws,
                out=place,
                answers=self.out / "audits" / "predictions",
            ),
        )

    def report(self, found: Mapping[str, AuditResult]) -> AuditResult:
        """The open track's audit, with the paper's tables, the claims and the curves of all studies in front."""
        findings = {study: result.findings for study, result in found.items()}
        parameters = {
            (study, subject.name): subject.parameters for study, result in found.items() for subject in result.subjects
        }
        unsettled = {
            (study, model): f"{model} had not converged."
            for (study, model), place in self._trained().items()
            if not settled(place)
        }
        exhibits = [
            answers(self.recipe.claims, findings, unsettled),
            beside(self.recipe, findings, parameters),
            curve("sizes", "Rows of the pool", found["sizes"]),
            curve("ratios", "Rows of the pool for each golden row", found["ratios"]),
            against_bias(found["mitigation"]),
            Exhibit(
                "",
                "recipe",
                "changes",
                [dict(zip(("part", "paper", "ours"), row, strict=True)) for row in self._changes()],
            ),
        ]
        first = found["open"]
        scale = f"{self.scale.about}; {self.step.took()}"
        facts = {**first.facts, "title": self.recipe.title, "paper": self.recipe.paper, "scale": scale}
        result = replace(first, exhibits=(*exhibits, *first.exhibits), facts=facts, predictions={})
        result.save(self.out / "report")
        return result

    def _trained(self) -> dict[tuple[str, str], Path]:
        return {
            ("open", "cnn"): self.out / "cnn",
            ("open", "cnn-more"): self.out / "cnn-more",
            ("open", "transformer-more"): self.out / "transformer-more",
            ("big", "cnn"): self.out / "big-cnn",
        }

    def _changes(self) -> list[tuple[str, str, str]]:
        sizes = [
            ("encoder", "BERT-base", public_name(self.encoder)),
            ("golden rows", "1.8M", f"{len(self.gold):,}"),
            ("rows of the pool", "20M", f"{sum(map(len, self.pool)):,}"),
        ]
        return [*sizes, *self.recipe.changes]


def _suite(name: str, scale: Scale) -> Suite:
    suite = named_suites()[name]
    return suite.model_copy(update={"rows": scale.rows[name]}) if name in scale.rows else suite


def _with_negatives(gold: Table, more: TransferRows) -> Table:
    """Golden data with rows that are read as not positive (Dixon et al. 2018)."""
    assert gold.targets is not None
    return Table(
        f"{gold.name}-balanced",
        gold.source,
        np.concatenate([gold.ids, np.array([f"balanced/{name}" for name in more.ids], dtype=object)]),
        [*gold.texts, *more.texts],
        gold.labels,
        gold.multilabel,
        np.concatenate([gold.targets, np.zeros((len(more), len(gold.labels)), dtype=gold.targets.dtype)]),
    )


def _distilled(kind: str, how: Training) -> DistilOptions:
    """The paper's loss: cross entropy at temperature 1, on human labels where there are some."""
    return DistilOptions(loss="soft_ce", temperature=1.0, gold_weight=1.0, training=how.over(DEFAULTS[kind]))


def _student_options(kind: str, how: Training) -> StudentOptions:
    default = StudentOptions()
    return replace(
        default,
        vocabulary=how.vocabulary,
        filters=how.filters or default.filters,
        layers=how.layers if kind == "transformer" else None,
        max_length=how.max_length,
    )
