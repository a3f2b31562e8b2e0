"""What will be asked: every suite's rows, read with the reference's labels, and the audits that run on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from angelshare.audits import registry
from angelshare.audits.base import AuditData, Settings
from angelshare.audits.classifier.identities import finder
from angelshare.collect.loaded import Labels, Voice, agreed
from angelshare.collect.suites import Suite, chosen
from angelshare.data.tables import Columns, Table, read
from angelshare.errors import DataError
from angelshare.types import positive_label

Data = str | Path | Table


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the user asked for."""

    data: Data | Sequence[Data] | None
    suites: Sequence[str | Path] | None
    columns: Columns | None
    positive: str | None
    identities: str | Sequence[str] | None
    settings: Settings


@dataclass(frozen=True, eq=False)
class Task:
    """One suite: its rows, and the audits that run on them."""

    data: AuditData
    codes: Sequence[str]
    read: Table
    """The table as it was read, its labels under the file's own names."""


def plan(wanted: Wanted, reference: Voice | None) -> list[Task]:
    """Every suite in the order given; an audit with rows of its own runs on the first only.

    Parameters
    ----------
    reference : whose labels the data is read with; None: the data's own.

    Raises
    ------
    DataError, ModelError
        For broken data, or labels that do not agree.
    """
    codes, own = chosen(wanted.suites)
    given = listed(wanted.data)
    if codes and not given:
        raise DataError(f"The audits {', '.join(codes)} need data. Name a file of texts (--data).")
    names = None if reference is None or reference.is_file else reference.model.labels
    columns = wanted.columns or Columns()
    tables = [entry if isinstance(entry, Table) else _read(entry, columns, names) for entry in given]
    entries: list[tuple[Table, Sequence[str], Suite | None]] = [(table, codes, None) for table in tables]
    for mine in own:
        table = replace(_read(mine.data, mine.read_columns, names), name=mine.name)
        entries.append((table, mine.audits or list(registry.AUDITS), mine))
    if reference is not None and reference.is_file:
        reference.table = next((table for table, _, _ in entries if table.labels), None)
    tasks: list[Task] = []
    for table, audits, suite in entries:
        data = _data(wanted, _named(table, tasks), reference, suite)
        done = {code for task in tasks for code in task.codes if registry.find(code).own_rows}
        tasks.append(Task(data, [code for code in audits if code not in done], table))
    return tasks


def listed(data: Data | Sequence[Data] | None) -> list[Data]:
    if data is None:
        return []
    return [data] if isinstance(data, str | Path | Table) else list(data)


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
        find_identities=finder(None if identities == "columns" else identities, settings.background),
    )
