"""What will be asked: every suite's rows, read with the reference's labels, and the audits that run on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from angelshare.audits import registry
from angelshare.audits.base import AuditData, Settings
from angelshare.audits.classifier.by_column import ByColumn
from angelshare.audits.classifier.deferral import Deferral
from angelshare.audits.classifier.identities import finder
from angelshare.collect.loaded import Labels, Voice, agreed
from angelshare.collect.suites import Chosen, Entry, Suite, chosen
from angelshare.data.tables import SET, Columns, Table, read, sampled
from angelshare.errors import AbsentSet, DataError
from angelshare.progress import say
from angelshare.types import positive_label

Data = str | Path | Table

ROWLESS = ("identity-swaps", "seat")
"""Audits that need no data to run on: they bring their own texts."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the user asked for."""

    data: Data | Sequence[Data] | None
    suites: Sequence[Entry] | None
    columns: Columns | None
    positive: str | None
    identities: str | Sequence[str] | None
    settings: Settings
    rows: int | None = None
    """Rows of a suite at most, where the suite itself names no number."""
    scorer: str = ""
    switches: bool = False
    """Whether there is one among the models."""


@dataclass(frozen=True, eq=False)
class Task:
    """One suite: its rows, and the audits that run on them."""

    data: AuditData
    codes: Sequence[str]
    read: Table
    """The table as it was read, its labels under the file's own names."""
    whole: int
    """Rows before some were drawn."""


def plan(wanted: Wanted, reference: Voice | None) -> list[Task]:
    """Every suite in the order given; an audit with rows of its own runs on the first only.

    Parameters
    ----------
    reference : whose labels the data is read with; where it has none or no audit asks for any, the data's own.

    Raises
    ------
    DataError, ModelError
        For broken data, or labels that do not agree.
    """
    given = listed(wanted.data)
    found = chosen(wanted.suites, data=bool(given))
    codes, needy = found.codes, [code for code in found.codes if code not in ROWLESS]
    if needy and not given:
        raise DataError(f"The audits {', '.join(needy)} need data. Name a file of texts (--data).")
    sorts = {registry.sort_of(code) for code in [*codes, *(code for mine in found.own for code in _codes(mine))]}
    if reference is not None and (
        "classifier" not in sorts or (not reference.is_file and reference.misfit("classifier"))
    ):
        reference = None
    names = None if reference is None or reference.is_file else reference.model.labels
    columns = wanted.columns or Columns()
    tables = [entry if isinstance(entry, Table) else _read(entry, columns, names) for entry in given]
    if codes and not tables:
        tables = [Table(", ".join(codes), "sentences of its own", np.array([], dtype=object), [])]
    entries: list[tuple[Table, Sequence[str], Suite | None]] = [(t, _fitting(found, t, wanted), None) for t in tables]
    for mine in found.own:
        entries += [(table, _codes(mine), mine) for table in tables_of(mine, names)]
    if reference is not None and reference.is_file:
        reference.table = next((table for table, _, _ in entries if table.labels), None)
    tasks: list[Task] = []
    for table, audits, suite in entries:
        limit = None if suite is None else suite.rows or wanted.rows
        kept = table if limit is None else sampled(table, limit, wanted.settings.seed)
        data = _data(wanted, _named(kept, tasks), reference, suite)
        done = {code for task in tasks for code in task.codes if registry.find(code).own_rows}
        tasks.append(Task(data, [code for code in audits if code not in done], kept, len(table)))
    return tasks


def _codes(suite: Suite) -> Sequence[str]:
    return suite.audits or registry.USUAL


def listed(data: Data | Sequence[Data] | None) -> list[Data]:
    if data is None:
        return []
    return [data] if isinstance(data, str | Path | Table) else list(data)


def _fitting(found: Chosen, table: Table, wanted: Wanted) -> Sequence[str]:
    """The codes named; of the usual audits also those for columns of kinds and for switches, where there are some."""
    if found.asked:
        return found.codes
    more = ((ByColumn.code, bool(table.kinds)), (Deferral.code, wanted.switches))
    return [*found.codes, *(code for code, there in more if there)]


def tables_of(suite: Suite, names: Sequence[str] | None = None) -> list[Table]:
    """The tables of a suite under its name; of several, each with its own name behind.

    Raises
    ------
    AbsentSet
        With the suite's name, for public sets that are not here.
    """
    sources = suite.data
    try:
        try:
            tables = [_read(source, suite.read_columns, names) for source in sources]
        except AbsentSet:
            if suite.otherwise is None:
                raise
            say(f"The suite '{suite.name}' reads {suite.otherwise}: {', '.join(sources)} is not here.")
            sources = (suite.otherwise,)
            tables = [_read(suite.otherwise, suite.read_columns, names)]
    except AbsentSet as error:
        raise AbsentSet(f"The suite '{suite.name}' has no rows: {error}") from error
    found = []
    for source, table in zip(sources, tables, strict=True):
        public = source.startswith(SET)
        own = source.removeprefix(SET).split(":")[0] if public else Path(source).stem
        name = suite.name if len(tables) == 1 else f"{suite.name}-{own.removeprefix(suite.name + '_')}"
        # Public sets number their rows, and one predictions file is to answer for several of them.
        ids = np.array([f"{name}/{row_id}" for row_id in table.ids], dtype=object) if public else table.ids
        found.append(replace(table, name=name, ids=ids))
    return found


def _read(source: str | Path, columns: Columns, names: Sequence[str] | None) -> Table:
    return read(source, columns, names=names if columns.label is not None else None)


def _named(table: Table, tasks: Sequence[Task]) -> Table:
    """The table under a name that no suite before it has."""
    taken = {task.data.suite for task in tasks}
    number, name = 2, table.name
    while name in taken:
        name, number = f"{table.name}-{number}", number + 1
    return replace(table, name=name)


def _data(wanted: Wanted, table: Table, reference: Voice | None, suite: Suite | None) -> AuditData:
    positive = wanted.positive if suite is None or suite.positive is None else suite.positive
    if reference is None:
        labels = Labels(table.labels, table.multilabel)
    else:
        model = reference.model
        labels = agreed(table, model.labels, model.multilabel, positive)
    elsewhere = {*table.labels, *(() if reference is None else reference.model.labels)} - {*labels.names}
    named = None if positive in elsewhere else positive
    found = positive_label(labels.names, labels.multilabel, named) if labels.names else None
    settings = wanted.settings
    if settings.positive_rate is not None and found is None:
        raise DataError("The positive rate needs a positive label, and there are more than two: name one (--positive).")
    identities: str | Sequence[str] | None = wanted.identities
    if suite is not None:
        settings = replace(settings, budget=settings.budget.with_margins(suite.margins))
        identities = suite.identities
    return AuditData(
        suite=table.name,
        table=labels.of_table(table),
        labels=labels.names,
        multilabel=labels.multilabel,
        positive=found,
        settings=settings,
        scorer=wanted.scorer,
        find_identities=finder(None if identities == "columns" else identities, settings.background),
    )
