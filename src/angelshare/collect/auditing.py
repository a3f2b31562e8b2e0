"""The only meeting of models and audits: each request goes to its models, the answers go to the judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from angelshare import runs
from angelshare.audits import registry
from angelshare.audits.base import (
    ROWS,
    Answers,
    Audit,
    AuditData,
    Background,
    Cost,
    FollowsUp,
    Member,
    Request,
    Settings,
    no_figure,
)
from angelshare.audits.budget import Budget, read_budget
from angelshare.audits.classifier.false_positives import FalsePositives
from angelshare.audits.encoder.pair_swaps import PairSwaps
from angelshare.audits.encoder.seat import Seat
from angelshare.collect import cost, glue, readings
from angelshare.collect.cache import Cache, key
from angelshare.collect.loaded import Labels, Voice, agreed, subject
from angelshare.collect.plan import Data, Task, Wanted, plan
from angelshare.collect.routes import routes
from angelshare.collect.subjects import Contestant, contestants
from angelshare.collect.suites import Entry
from angelshare.data.seat import DEFAULT
from angelshare.data.tables import Columns
from angelshare.errors import DataError, ModelError, WrongKind
from angelshare.findings import Exhibit, Finding, Outcome, Subject
from angelshare.progress import say
from angelshare.result import PREDICTIONS, AuditResult, refuse_others
from angelshare.types import Answer, Pooling, Predictions, Readings, Scale

SCORER = "scorer"
NO_SWITCH = "This model is no switch: it defers nothing."


def audit(
    *,
    reference: Any,
    data: Data | Sequence[Data] | None = None,
    suites: Sequence[Entry] | None = None,
    rows: int | None = None,
    scorer: Any = None,
    columns: Columns | None = None,
    positive: str | None = None,
    identities: str | Sequence[str] | None = None,
    background: Background = "all",
    budget: Budget | str | Path | None = None,
    out: str | Path | None = None,
    answers: str | Path | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    threshold: float = 0.5,
    positive_rate: float | None = None,
    swaps: Literal["toxicity", "sentiment"] | None = None,
    pairs: str = "gender-10",
    tests: Sequence[str] = (),
    pooling: Sequence[Pooling] = ("cls", "mean"),
    scores: Scale = "probabilities",
    allow_code: bool = False,
    models: Mapping[str, Any] | None = None,
    **students: Any,
) -> AuditResult:
    """Audit students against a reference, on the same rows.

    Parameters
    ----------
    reference, students : a model directory, a hub id, `module:object`, a predictions file, or an object that scores
        texts; a list of them is one model trained with several seeds. What `distil` wrote brings its seeds and
        controls. For the suite glue: directories that `angelshare glue` made.
    data : files, or tables already read.
    suites : codes of audits to run on the data, names of suites, or TOML files with sets of the user's own; all audits
        that fit the data by default.
    rows : rows of each suite at most: whole templates, or single rows, drawn with the seed.
    scorer : a model beside the audited ones, for the audits that ask a third opinion (false-positives).
    columns : which column is what, in files.
    positive : the label whose score AUC audits rank; needed where there are more than two.
    identities : "lexicon", or names of identity columns; the table's columns, else the lexicon, by default.
    background : what a row that nobody annotated for an identity is: part of its background, or left out.
    budget : margins, or a file of them.
    out : a folder to save to; predictions are kept there as they are made, and never made twice.
    answers : a folder of predictions that several audits share, in place of `out`/predictions.
    draws, seed, level : of the paired bootstrap and its intervals.
    threshold : probability from which a label counts as given.
    positive_rate : share of positives to re-weight quality to, besides the data's own.
    swaps : which built-in sentences fit, where the positive label's name does not tell.
    pairs : of pair-swaps: a named list, or a TOML or CSV file of pairs.
    tests : of seat, by name, or files of the same form; "all" stands for the 46 there are, C6 to C8b for none.
    pooling : of seat: the state of the opening token (cls), the mean of all, or that of the text's first (first-word).
    scores : what predictions files hold.
    allow_code : let `module:object` run its module.
    models : students whose names are no Python names, or are words above.

    Raises
    ------
    AngelshareError
        For whatever a user can mend, in one sentence.
    """
    settings = Settings(
        budget=budget if isinstance(budget, Budget) else read_budget(budget) if budget is not None else Budget(),
        draws=draws, seed=seed, level=level, threshold=threshold, background=background, positive_rate=positive_rate,
        swaps=swaps, pairs=pairs, tests=tuple(tests), pooling=tuple(dict.fromkeys(pooling)),
    )  # fmt: skip
    checked(settings)
    if out is not None:
        refuse_others(Path(out))
    if glue.asked(suites, data):
        judged = glue.judge(reference, {**(models or {}), **students}, settings)
        return _saved(AuditResult(judged.findings, judged.subjects, [], facts([judged.task], settings)), settings, out)
    company = Company.gather(reference, {**(models or {}), **students}, scores=scores, allow_code=allow_code)
    third = None if scorer is None else Voice(Member(SCORER, "other"), scorer, allow_code=allow_code, scores=scores)
    switches = any(voice.is_switch for voice in company.voices)
    named = "" if third is None else SCORER
    wanted = Wanted(data, suites, columns, positive, identities, settings, rows, named, switches)
    tasks = plan(wanted, company.voices[0])
    company.settle(tasks)
    if third is not None:
        company.check_third(third, tasks)
    kept = answers or (None if out is None else Path(out) / PREDICTIONS)
    collected = Collected(company, Cache(None if kept is None else Path(kept)), third)
    for task in tasks:
        for code in task.codes:
            collected.run(registry.find(code), task.data)
    result = AuditResult(
        collected.findings, company.subjects(), collected.exhibits, facts(tasks, settings), collected.kept
    )
    return _saved(result, settings, out)


def _saved(result: AuditResult, settings: Settings, out: str | Path | None) -> AuditResult:
    for pattern in settings.budget.unmatched(result.findings):
        say(f"The budget's pattern '{pattern}' matches no \"audit/metric\" of this audit.")
    if out is not None:
        result.save(out)
    return result


def checked(settings: Settings) -> None:
    """Raises DataError for a setting outside of its range."""
    shares = {"level": settings.level, "threshold": settings.threshold, "positive rate": settings.positive_rate}
    for name, value in shares.items():
        if value is not None and not 0 < value < 1:
            raise DataError(f"The {name} must lie between 0 and 1. Got {value} instead.")
    unknown = next((name for name in settings.pooling if name not in get_args(Pooling)), None)
    if unknown is not None or not settings.pooling:
        raise DataError(f"The pooling must be one of {', '.join(get_args(Pooling))}. Got '{unknown or ''}' instead.")
    if settings.draws < 100:
        raise DataError(f"The draws of the bootstrap must be at least 100. Got {settings.draws} instead.")


@dataclass(eq=False)
class Company:
    """Everyone who is audited, the reference first; a voice a seed."""

    contestants: Sequence[Contestant]
    voices: list[Voice]

    @classmethod
    def gather(cls, reference: Any, students: Mapping[str, Any], *, scores: Scale, allow_code: bool) -> "Company":
        found = contestants(reference, students)
        voices = [
            Voice(Member(each.name, each.role, seed), source, allow_code=allow_code, scores=scores)
            for each in found
            for seed, source in enumerate(each.sources)
        ]
        return cls(found, voices)

    def settle(self, tasks: Sequence[Task]) -> None:
        """Load everyone before anything is scored, so that a slip of the pen costs no time.

        Raises
        ------
        WrongKind
            Where no audit asks both the reference and a student for what they are.
        DataError
            For a predictions file where rows of two data sets share an id.
        """
        labelled = next((task.read for task in tasks if task.read.labels), None)
        for voice in self.voices:
            if voice.is_file and voice.table is None:
                voice.table = labelled
        sorts = list(dict.fromkeys(registry.sort_of(code) for task in tasks for code in task.codes)) or ["classifier"]
        misfits = {sort: [voice.misfit(sort) for voice in self.voices] for sort in sorts}
        if all(found[0] or (len(found) > 1 and all(found[1:])) for found in misfits.values()):
            raise WrongKind(next(reason for reason in misfits[sorts[0]] if reason))
        if any(voice.is_file for voice in self.voices):
            _unique_ids(tasks)

    def check_third(self, scorer: Voice, tasks: Sequence[Task]) -> None:
        """Raises ModelError where the scorer is one of those it is to be a third opinion on, or has other labels."""
        able = [v for v in self.voices if not v.misfit("classifier")]
        same = next((v for v in able if scorer.fingerprint and v.fingerprint == scorer.fingerprint), None)
        if same is not None:
            raise ModelError(
                f"The scorer must be another model than those audited. Got '{same.member.model}' again: name another."
            )
        for task in tasks:
            if not scorer.is_file and len(task.data.labels) == 1 and FalsePositives.code in task.codes:
                agreed(task.data.table, scorer.model.labels, scorer.model.multilabel, None)

    def subjects(self) -> list[Subject]:
        return [
            subject(each.name, each.role, each.of, [v for v in self.voices if v.member.model == each.name])
            for each in self.contestants
        ]


def _unique_ids(tasks: Sequence[Task]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for task in tasks:
        table = task.data.table
        for row_id, text in zip(table.ids, table.texts, strict=True):
            before = seen.setdefault(str(row_id), (table.source, text))
            if before[1] != text:
                raise DataError(
                    f"The id '{row_id}' names one text in {before[0]} and another in {table.source}, so a predictions "
                    "file cannot tell them apart. Give both an id column with names of their own."
                )


@dataclass(eq=False)
class Collected:
    """Answers asked for once, and what was found in them."""

    company: Company
    cache: Cache
    scorer: Voice | None = None
    findings: list[Finding] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    kept: dict[str, Answer] = field(default_factory=dict)
    memory: dict[tuple[int, str, str], Answer | str] = field(default_factory=dict)

    def run(self, audit: Audit, data: AuditData) -> None:
        """Ask, answer, judge. A model that fails is left out of this audit, with a finding that says why."""
        reason = audit.inapplicable(data)
        if reason:
            self._unasked(audit, data, reason)
            return
        requests = audit.ask(data)
        if any(request.to == "scorer" for request in requests):
            assert self.scorer is not None
            data = replace(data, scored=self._scored(self.scorer, data, requests[0]))
            reason = audit.inapplicable(data)
            if reason:
                self._unasked(audit, data, reason)
                return
            requests = audit.ask(data)
        voices = self._fitting(audit, data)
        if any(request.kind == "cost" for request in requests):
            answers = self._costs(voices, requests[0])
        elif any(request.kind == "routes" for request in requests):
            answers = self._routes(audit, data, voices, requests[0])
        else:
            answers = self._answers(audit, data, voices, requests)
        if answers.members:
            judgement = audit.judge(data, answers)
            self.findings += judgement.findings
            self.exhibits += judgement.exhibits

    def _unasked(self, audit: Audit, data: AuditData, reason: str) -> None:
        names = dict.fromkeys(v.member.model for v in self.company.voices if v.member.role != "reference")
        self.findings += [no_figure(data, audit.code, name, Outcome.NOT_APPLICABLE, reason) for name in names]

    def _fitting(self, audit: Audit, data: AuditData) -> list[Voice]:
        """Whoever can be asked what the audit asks; nobody where the reference cannot."""
        sort = registry.sort_of(audit.code)
        fit = [voice for voice in self.company.voices if not voice.misfit(sort)]
        reference = self.company.voices[0]
        if reference not in fit:
            self._unasked(audit, data, f"The reference has no answer: {reference.misfit(sort)}")
            return []
        reasons = {v.member.model: v.misfit(sort) for v in self.company.voices if v not in fit}
        self.findings += [
            no_figure(data, audit.code, name, Outcome.NOT_APPLICABLE, reason) for name, reason in reasons.items()
        ]
        return fit

    def _scored(self, scorer: Voice, data: AuditData, request: Request) -> Predictions:
        """The third opinion, its labels as the data has them; of one label, whichever the scorer takes for it."""
        found = scorer.answer(request.ids, request.texts, self.cache)
        if scorer.is_file:
            found = replace(found, multilabel=data.multilabel if len(found.labels) > 1 else True)
        elif len(data.labels) == 1:
            found = agreed(data.table, found.labels, found.multilabel, None).of_predictions(found)
        return Labels(data.labels, data.multilabel).of_predictions(found)

    def _costs(self, fitting: Sequence[Voice], request: Request) -> Answers:
        """Of one seed a model; controls are built like their students."""
        voices = [v for v in fitting if v.member.seed == 0 and v.member.role != "control"]
        costs: Sequence[Cost] = cost.measure(voices, request.texts)
        return Answers([voice.member for voice in voices], costs=costs)

    def _routes(self, audit: Audit, data: AuditData, fitting: Sequence[Voice], request: Request) -> Answers:
        """Of the switches; the question does not arise for the others."""
        labels = Labels(data.labels, data.multilabel)
        known = [
            found
            for (_, suite, key), found in self.memory.items()
            if (suite, key) == (data.suite, ROWS) and isinstance(found, Predictions)
        ]
        switches = [voice for voice in fitting if voice.is_switch]
        others = dict.fromkeys(
            v.member.model for v in fitting if not v.is_switch and v.member.role in ("student", "other")
        )
        self.findings += [no_figure(data, audit.code, name, Outcome.NOT_APPLICABLE, NO_SWITCH) for name in others]
        members, found = [], []
        for voice in switches:
            try:
                found.append(routes(voice, request, labels, known, self.cache))
                members.append(voice.member)
            except Exception as error:  # as in `_fresh`
                self._left_out(audit, data, voice, said(error), [request.key])
        return Answers(members, routes=found)

    def _answers(self, audit: Audit, data: AuditData, fitting: Sequence[Voice], requests: Sequence[Request]) -> Answers:
        first = self._round(audit, data, [(voice, requests) for voice in fitting])
        if not isinstance(audit, FollowsUp) or not first.members:
            return first
        voices = {voice.member: voice for voice in fitting}
        asked = zip(first.members, audit.follow(data, first), strict=True)
        second = self._round(audit, data, [(voices[member], again) for member, again in asked if again])
        stayed = [at for at, member in enumerate(first.members) if member in second.members]
        before = {key: [found[at] for at in stayed] for key, found in first.predictions.items()}
        return Answers(second.members, {**before, **second.predictions})

    def _round(self, audit: Audit, data: AuditData, asked: Sequence[tuple[Voice, Sequence[Request]]]) -> Answers:
        """What each voice answers to its requests, whose keys are the same for all."""
        members: list[Member] = []
        answered: dict[str, list[Predictions]] = {}
        read: dict[str, list[Readings]] = {}
        for voice, requests in asked:
            found = [self._ask(voice, data, request) for request in requests]
            problem = next((each for each in found if isinstance(each, str)), None)
            if problem is not None:
                self._left_out(audit, data, voice, problem, [request.key for request in requests])
                continue
            members.append(voice.member)
            for request, each in zip(requests, found, strict=True):
                if isinstance(each, Readings):
                    read.setdefault(request.key, []).append(each)
                elif isinstance(each, Predictions):
                    answered.setdefault(request.key, []).append(each)
        return Answers(members, answered, readings=read)

    def _left_out(self, audit: Audit, data: AuditData, voice: Voice, problem: str, keys: Sequence[str]) -> None:
        outcome = Outcome.NOT_APPLICABLE if voice.is_file and ROWS not in keys else Outcome.FAILED
        names = [voice.member.model]
        if voice.member.role == "reference":
            names = list(dict.fromkeys(v.member.model for v in self.company.voices))
            problem = f"The reference has no answer: {problem}"
        self.findings += [no_figure(data, audit.code, name, outcome, problem) for name in names]

    def _ask(self, voice: Voice, data: AuditData, request: Request) -> Answer | str:
        """The answer, its labels as the data has them; or why there is none."""
        place = (id(voice), data.suite, request.key)
        if place not in self.memory:
            self.memory[place] = self._fresh(voice, data, request)
        found = self.memory[place]
        return Labels(data.labels, data.multilabel).of_predictions(found) if isinstance(found, Predictions) else found

    def _fresh(self, voice: Voice, data: AuditData, request: Request) -> Answer | str:
        try:
            if request.kind in readings.READERS:
                return self._read(voice, request)
            found = voice.answer(request.ids, request.texts, self.cache)
        except DataError as error:
            if voice.is_file and request.key == ROWS:
                raise
            return str(error)
        except Exception as error:  # a model of the user's may raise anything; the audit of the others goes on
            return said(error)
        if voice.is_file:
            found = replace(found, multilabel=data.multilabel if len(found.labels) > 1 else True)
        name = key(voice.fingerprint or f"{voice.title} without a fingerprint", found.labels, request.texts)
        self.kept[name] = found
        return found

    def _read(self, voice: Voice, request: Request) -> Readings:
        found = voice.read(request, self.cache)
        if found.fingerprint:
            self.kept[readings.key(found, request)] = found
        return found


def said(error: Exception) -> str:
    """The first line of what a model raised."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"


def facts(tasks: Sequence[Task], settings: Settings) -> dict[str, Any]:
    """What a reader needs to judge the figures, and to make them again."""
    sets = [
        {"name": task.data.suite, "source": Path(task.data.table.source).name}
        | ({"rows": len(task.data.table)} if len(task.data.table) else {})
        | ({} if len(task.data.table) == task.whole else {"drawn_from": task.whole})
        for task in tasks
    ]
    budget, codes = settings.budget, list(dict.fromkeys(code for task in tasks for code in task.codes))
    own: dict[str, Any] = (
        {"tests": settings.tests or DEFAULT, "pooling": settings.pooling} if Seat.code in codes else {}
    )
    if PairSwaps.code in codes:
        own["pairs"] = settings.pairs
    return runs.provenance(
        data=sets[0] if len(sets) == 1 else {"name": ", ".join(str(each["name"]) for each in sets), "sets": sets},
        audits=codes,
        **own,
        positive=next((task.data.positive for task in tasks if task.data.positive), None),
        threshold=settings.threshold,
        positive_rate=settings.positive_rate,
        background=settings.background,
        level=settings.level,
        draws=settings.draws,
        seed=settings.seed,
        unit="cluster" if any(task.data.table.clusters is not None for task in tasks) else "row",
        budget=budget.in_force(),
    )
