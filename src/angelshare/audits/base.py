"""What an audit is: it asks for predictions, and judges them. Nothing stands between the halves but arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int

from angelshare.audits.budget import Budget
from angelshare.data.tables import Table
from angelshare.findings import Exhibit, Finding, Outcome
from angelshare.stats.resample import Resampling
from angelshare.types import Pooling, Predictions, Readings

WHOLE = "all"
"""The slice of every row."""

Role = Literal["reference", "student", "control", "tfidf", "other"]
Background = Literal["all", "annotated"]


@dataclass(frozen=True)
class Settings:
    """How an audit judges.

    Attributes
    ----------
    threshold : probability from which a label counts as given.
    background : what a row nobody annotated for an identity is: part of its background, or left out.
    min_cell : rows a group x label cell must have for a figure.
    positive_rate : share of positives to re-weight to, besides the data's own.
    swaps : which built-in sentences; by the positive label's name when None.
    pairs : of pair-swaps: a named list, or a file of pairs.
    tests, pooling : of seat: which tests, C6 to C8b where none is named; which token states make a sentence's vector.
    """

    budget: Budget = field(default_factory=Budget)
    draws: int = 1000
    seed: int = 0
    level: float = 0.95
    threshold: float = 0.5
    background: Background = "all"
    min_cell: int = 20
    positive_rate: float | None = None
    swaps: Literal["toxicity", "sentiment"] | None = None
    pairs: str = "gender-10"
    tests: tuple[str, ...] = ()
    pooling: tuple[Pooling, ...] = ("cls", "mean")


@dataclass(frozen=True, eq=False)
class Identities:
    """Who is mentioned: (rows, groups) each; `annotated` is None where every row was looked at."""

    names: tuple[str, ...]
    groups: Bool[np.ndarray, "rows groups"]
    annotated: Bool[np.ndarray, "rows groups"] | None
    source: str

    def of(self, row: int) -> list[str]:
        return [name for name, there in zip(self.names, self.groups[row], strict=True) if there]


@dataclass(frozen=True, eq=False)
class AuditData:
    """The rows an audit runs on, with labels named as the models name them."""

    suite: str
    table: Table
    labels: tuple[str, ...]
    multilabel: bool
    positive: str | None
    settings: Settings
    find_identities: "IdentityFinder"
    scored: Predictions | None = None
    """What the scorer said of the rows, once an audit has asked it."""
    scorer: str = ""
    """Its name; empty where there is none to ask."""
    tasks: Mapping[str, Table] = field(default_factory=dict)
    """What models fine-tuned on several tasks answered to: golden labels by the key of the answers."""

    @cached_property
    def identities(self) -> Identities:
        """Found when first asked for: a lexicon reads every text."""
        return self.find_identities(self.table)

    @property
    def labelled(self) -> bool:
        return self.table.targets is not None

    def truth(self, label: str) -> Bool[np.ndarray, " rows"]:
        """True where the golden label (or at least half of the raters) says so."""
        targets = self.table.targets
        assert targets is not None
        return np.asarray(targets[:, self.labels.index(label)] >= 0.5)

    def resampling(self, strata: Int[np.ndarray, " rows"]) -> Resampling:
        """Rows within strata, or whole clusters within the strata's labels where the table names clusters."""
        return Resampling(
            strata=strata, clusters=self.table.clusters, draws=self.settings.draws, seed=self.settings.seed
        )


class IdentityFinder(Protocol):
    def __call__(self, table: Table) -> Identities: ...


@dataclass(frozen=True, eq=False)
class Request:
    """Texts that every subject is to score or to read; `key` names the answer."""

    key: str
    ids: np.ndarray
    texts: Sequence[str]
    kind: Literal["classify", "cost", "routes", "encode", "mask", "swap"] = "classify"
    """`routes` asks who would answer each text, student or teacher: only a switch can say. `encode` asks encoders for a
    vector a text, `mask` masked models for the tokens hidden in it, `swap` them for how far its answer is from that to
    the text's twin: these come back in `Answers.readings`."""
    to: Literal["subject", "scorer"] = "subject"
    """The scorer is one model beside the subjects; what it answers comes back in `AuditData.scored`."""
    pooling: Pooling = "mean"
    """Of `encode`."""
    share: float = 0.15
    """Of `mask`: how many of a text's tokens are hidden, at least one; the `seed` decides which."""
    seed: int = 0
    twins: tuple[str, ...] = ()
    """Of `swap`: one for each text."""


@dataclass(frozen=True)
class Member:
    """One trained model: a name repeated is one model trained with several seeds."""

    model: str
    role: Role
    seed: int = 0


@dataclass(frozen=True)
class Cost:
    """What a model takes to run. Rates are texts a second; sizes are bytes; None where it could not be measured."""

    parameters: int | None = None
    size_bytes: int | None = None
    texts_per_second_single: float | None = None
    texts_per_second_batch: float | None = None
    peak_bytes: int | None = None
    threads: int | None = None
    batch: int | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Routes:
    """What both models of a switch answer to the rows, and how hard each row looks to its student.

    Attributes
    ----------
    hardness : (rows,) by signal, the switch's own among them; NaN counts as harder than any threshold.
    signal, threshold : its own; a row that is harder goes to the teacher.
    cost : seconds the student takes over those the teacher takes for the same texts; None where nothing was timed.
    """

    student: Predictions
    teacher: Predictions
    hardness: Mapping[str, Float64[np.ndarray, " rows"]]
    signal: str
    threshold: float
    cost: float | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """What the members that could answer said, in one order for every key; the reference comes first if it is there."""

    members: Sequence[Member]
    predictions: Mapping[str, Sequence[Predictions]] = field(default_factory=dict)
    costs: Sequence[Cost] = ()
    routes: Sequence[Routes] = ()
    readings: Mapping[str, Sequence[Readings]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [member.model for member in self.members]

    @property
    def reference(self) -> str | None:
        return next((member.model for member in self.members if member.role == "reference"), None)


@dataclass(frozen=True)
class Judgement:
    findings: Sequence[Finding] = ()
    exhibits: Sequence[Exhibit] = ()


class Audit(Protocol):
    """One question.

    Attributes
    ----------
    code : its name on the command line, in findings and in docs/audits.
    own_rows : True where the audit brings its own rows or needs none, and so runs once, not once a data set.
    """

    code: str
    own_rows: bool

    def ask(self, data: AuditData) -> list[Request]:
        """What to score; nothing when `inapplicable` would say why."""
        ...

    def judge(self, data: AuditData, answers: Answers) -> Judgement: ...

    def inapplicable(self, data: AuditData) -> str:
        """Why the question does not arise for this data: one sentence, or an empty string."""
        ...


@runtime_checkable
class FollowsUp(Protocol):
    """An audit that asks each member again, about rows that hang on what it answered first."""

    def follow(self, data: AuditData, first: Answers | None) -> list[list[Request]]:
        """What to ask each member of `first` now, under the same keys for all; a member asked nothing is left out.

        Without answers: one list, of whatever a member may be asked.
        """
        ...


ROWS = "rows"
"""The key of the data table's own texts: audits that ask for them share one answer."""


def ask_rows(data: AuditData) -> list[Request]:
    return [Request(ROWS, data.table.ids, data.table.texts)]


def no_figure(
    data: AuditData, audit: str, model: str, outcome: Outcome, note: str, *, metric: str = WHOLE, slice: str = WHOLE
) -> Finding:
    """A finding that says why there is no number."""
    return Finding(
        suite=data.suite, audit=audit, model=model, metric=metric, slice=slice, better="higher", value=None,
        outcome=outcome, note=note,
    )  # fmt: skip


NO_LABELS = "The data has no labels: name a label column to judge this."
NO_POSITIVE = "More than two labels leave it open which score to rank: name one with --positive."
