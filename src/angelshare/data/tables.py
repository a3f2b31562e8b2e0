"""Tables of texts with labels and identities: what audits judge and what models learn from."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int

from angelshare.data import values
from angelshare.data.classes import ClassColumn
from angelshare.data.readers import HUB, Chunk, place, records
from angelshare.errors import DataError
from angelshare.progress import number_of, say
from angelshare.runs import rng

SET = "set:"


@dataclass(frozen=True)
class Columns:
    """Which column of a file is what.

    At most one of `label` (one label a row: names or integers), `labels` (a column a label: 0/1, true/false or
    fractions, positive at 0.5), `toxicity` (a fraction in [0, 1]) and `regression` (a number to predict) is given.
    `pair` is the second text of each row, where rows are pairs of texts. Identity columns hold 0/1 or fractions,
    empty where nobody annotated. Rows of one `cluster` share a template and are resampled, and held out, together.
    `kinds` say what kind of row this is (HateCheck's functionality, say), empty where it is of none; `score` holds what
    some other scorer said of the row, in [0, 1].
    """

    text: str = "text"
    label: str | None = None
    labels: tuple[str, ...] = ()
    toxicity: str | None = None
    identities: tuple[str, ...] = ()
    id: str | None = None
    cluster: str | None = None
    weight: str | None = None
    kinds: tuple[str, ...] = ()
    score: str | None = None
    pair: str | None = None
    regression: str | None = None

    def __post_init__(self) -> None:
        targets = (self.label, self.labels or None, self.toxicity, self.regression)
        if sum(target is not None for target in targets) > 1:
            raise DataError(
                "Only one of label, labels, toxicity and regression may name columns. Leave the others out."
            )
        named = [name for name in (self.pair, self.label, self.toxicity, self.regression) if name is not None]
        target = (self.text, *named, *self.labels)
        for columns in (self.labels, self.identities, self.kinds, target):
            twice = next((name for name in columns if columns.count(name) > 1), None)
            if twice is not None:
                raise DataError(f"The column '{twice}' is named twice. Name each column for one thing.")

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column to read, each once."""
        target = (self.label, self.toxicity, self.regression)
        single = (self.text, self.pair, *target, self.id, self.cluster, self.weight, self.score)
        named = [name for name in single if name is not None]
        return tuple(dict.fromkeys((*named, *self.labels, *self.identities, *self.kinds)))


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of text, and what people said of them.

    Attributes
    ----------
    ids : (rows,) unique strings; the position from "0" where the file names none.
    labels : names of the targets' columns; empty when unlabelled.
    targets : (rows, labels) one-hot where one label holds, fractions in [0, 1] where several may (positive at 0.5).
        Where `regression`, numbers to predict, in units of their own, under one label decided alone.
    pairs : the second text of each row; None where a row is one text.
    identities : (rows,) fraction of raters who saw the identity in the text; NaN where nobody was asked.
    clusters : (rows,) number of the template or group that a row belongs to.
    weights : (rows,) non-negative.
    kinds : (rows,) names of what kind of row each is, one array a column; empty where a row is of none.
    scores : (rows,) in [0, 1], what some other scorer said.
    """

    name: str
    source: str
    ids: np.ndarray
    texts: list[str]
    labels: tuple[str, ...] = ()
    multilabel: bool = False
    targets: Float32[np.ndarray, "rows labels"] | None = None
    identities: dict[str, Float32[np.ndarray, " rows"]] = field(default_factory=dict)
    clusters: Int[np.ndarray, " rows"] | None = None
    weights: Float64[np.ndarray, " rows"] | None = None
    kinds: dict[str, np.ndarray] = field(default_factory=dict)
    scores: Float64[np.ndarray, " rows"] | None = None
    pairs: list[str] | None = None
    regression: bool = False

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def inputs(self) -> list[str] | list[tuple[str, str]]:
        """What a tokenizer takes of each row: its text, or its two texts."""
        return self.texts if self.pairs is None else list(zip(self.texts, self.pairs, strict=True))

    @property
    def classes(self) -> Int[np.ndarray, " rows"]:
        """Index of the label that holds, for single-label tables."""
        if self.targets is None or self.multilabel:
            raise DataError(f"{self.source} has no single-label column. Name one as label.")
        return np.argmax(self.targets, axis=1)

    def take(self, index: np.ndarray | Sequence[int]) -> "Table":
        """The rows at `index` (positions, or a True a row), in that order."""
        at = np.asarray(index)
        at = np.flatnonzero(at) if at.dtype == bool else at.astype(np.intp)
        return replace(
            self,
            ids=self.ids[at],
            texts=[self.texts[i] for i in at],
            targets=None if self.targets is None else self.targets[at],
            identities={name: found[at] for name, found in self.identities.items()},
            clusters=None if self.clusters is None else self.clusters[at],
            weights=None if self.weights is None else self.weights[at],
            kinds={name: found[at] for name, found in self.kinds.items()},
            scores=None if self.scores is None else self.scores[at],
            pairs=None if self.pairs is None else [self.pairs[i] for i in at],
        )

    def split(self, fraction: float, seed: int = 0) -> tuple["Table", "Table"]:
        """Hold out about `fraction` of the rows by the hash of their id, whole clusters together.

        Returns
        -------
        (rest, held), each in the table's order. The same ids and seed give the same split, in any order of rows.
        """
        if not 0 < fraction < 1:
            raise DataError(f"The share held out must be in (0, 1). Got {fraction!r} instead.")
        units = self.ids if self.clusters is None else self.clusters
        distinct, inverse = np.unique(units.astype(str), return_inverse=True)
        order = np.argsort([hashed(name, seed) for name in distinct], kind="stable")
        count = min(max(round(fraction * len(distinct)), 1), len(distinct) - 1)
        if count < 1:
            raise DataError(f"{self.source} has too few rows to hold some out: {len(self)}. Give more rows.")
        held = np.zeros(len(distinct), dtype=bool)
        held[order[:count]] = True
        return self.take(~held[inverse]), self.take(held[inverse])


def sampled(table: Table, rows: int, seed: int = 0) -> Table:
    """About `rows` rows, in the table's order: whole clusters, or single rows, drawn without replacement.

    Each label keeps its share (of single-label tables and of tables of one label). At least one cluster a label is
    kept (a cluster has the label of its first row), so a table of few large clusters may keep more than `rows`.
    """
    if len(table) <= rows:
        return table
    units = np.arange(len(table)) if table.clusters is None else table.clusters
    distinct, first, inverse, sizes = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    labels = np.zeros(len(table), dtype=np.int64)
    if table.targets is not None and (not table.multilabel or len(table.labels) == 1):
        labels = np.argmax(table.targets, axis=1) if not table.multilabel else table.targets[:, 0] >= 0.5
    of_unit = labels[first].astype(np.int64)
    order = rng(seed, "sampled", table.name).permutation(len(distinct))
    kept = np.zeros(len(distinct), dtype=bool)
    for label in np.unique(of_unit):
        mine = order[of_unit[order] == label]
        room = max(round(rows * sizes[mine].sum() / len(table)), sizes[mine][0])
        kept[mine[np.cumsum(sizes[mine]) <= room]] = True
    return table.take(kept[inverse])


def hashed(name: str, seed: int = 0) -> float:
    """A number in [0, 1) that depends on the name and seed alone, the same on every machine."""
    state = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(state[:7], "big") / 2**56


def read(
    source: str | Path,
    columns: Columns | None = None,
    *,
    names: Sequence[str] | None = None,
    name: str | None = None,
    split: str = "train",
    pairs: bool = False,
) -> Table:
    """Read a CSV, TSV or JSONL file (each also .gz), a Parquet file, or a hub set ("hub:owner/name[:config]").

    "set:NAME[:PART]" is a public set of the catalogue, which knows its own columns.

    Parameters
    ----------
    columns : which column is what; by default a `text` column alone.
    names : labels allowed, in the order wanted (a teacher's, say); integers are then indices of these.
    split : of a hub set.
    pairs : whether pairs of texts and numbers to predict are welcome. Elsewhere a pair would be read by half.

    Raises
    ------
    DataError
        One sentence with file, row and column.
    """
    table = _read(source, columns, names, name, split)
    return table if pairs else require_texts(table)


def require_texts(table: Table) -> Table:
    """The table; raises DataError where its rows are pairs of texts, or have numbers to predict."""
    if table.pairs is not None or table.regression:
        what = "pairs of texts" if table.pairs is not None else "texts with numbers to predict"
        raise DataError(
            f"{table.source} holds {what}, which only finetune and glue take. Give single texts with labels."
        )
    return table


def _read(
    source: str | Path, columns: Columns | None, names: Sequence[str] | None, name: str | None, split: str
) -> Table:
    if str(source).startswith(SET):
        from angelshare.data.catalogue import open_set  # the catalogue is made of tables

        return open_set(*str(source).removeprefix(SET).split(":", 1))
    columns = columns or Columns()
    builder = Builder(columns, names)
    for chunk in records(str(source), columns.wanted, split=split, optional=columns.identities):
        builder.add(chunk)
    if not builder.texts:
        raise DataError(f"{source} has no rows. Give a file with at least one row below its column names.")
    if builder.mended:
        say(f"{source}: {number_of(builder.mended, 'text')} with {values.SURROGATES}.")
    default = (
        str(source).removeprefix(HUB).split("/")[-1] if str(source).startswith(HUB) else Path(source).name.split(".")[0]
    )
    return builder.table(name or default, str(source))


class Builder:
    """Grows a Table chunk by chunk, so that only its arrays and texts are held."""

    def __init__(self, columns: Columns, names: Sequence[str] | None = None) -> None:
        self.columns = columns
        self.classes = None if columns.label is None else ClassColumn(columns.label, names)
        self.several = _several(columns, names)
        self.texts: list[str] = []
        self.mended = 0
        self.pairs: list[str] = []
        self.ids: dict[str, tuple[int, int]] = {}
        self.clusters: list[int] = []
        self.cluster_names: dict[str, int] = {}
        self.kinds: dict[str, list[str]] = {column: [] for column in columns.kinds}
        self.numbers: dict[str, list[np.ndarray]] = {}

    def add(self, chunk: Chunk, written: Chunk | None = None) -> None:
        """Add a chunk; `written` is the chunk as the file has it, where its labels were renamed."""
        columns = self.columns
        self.texts += values.texts(chunk, columns.text)
        self.mended += values.lone_surrogates(chunk.values[columns.text])
        if columns.pair is not None:
            self.pairs += values.texts(chunk, columns.pair)
        if columns.id is not None:
            add_ids(self.ids, chunk, columns.id)
        if self.classes is not None:
            self.classes.add(chunk)
        low, high = (0.0, 1.0) if columns.regression is None else (-np.inf, np.inf)
        for label in self.several:
            self._keep("label", label, values.numbers(chunk, label, what="label", low=low, high=high))
        for identity in columns.identities:
            found = values.numbers(chunk, identity, what="identity annotation", missing=True)
            self._keep("identity", identity, found)
        if columns.cluster is not None:
            for name in values.names(chunk, columns.cluster, "cluster"):
                self.clusters.append(self.cluster_names.setdefault(name, len(self.cluster_names)))
        if columns.weight is not None:
            self._keep("weight", columns.weight, values.numbers(chunk, columns.weight, what="weight", high=np.inf))
        if columns.score is not None:
            self._keep("score", columns.score, values.numbers(chunk, columns.score, what="score"))
        for column, found_kinds in self.kinds.items():
            found_kinds += values.kinds(written or chunk, column)

    def _keep(self, role: str, column: str, found: np.ndarray) -> None:
        kept = found if role in ("weight", "score") else found.astype(np.float32)
        self.numbers.setdefault(f"{role}/{column}", []).append(kept)

    def _array(self, role: str, column: str) -> np.ndarray:
        return np.concatenate(self.numbers.pop(f"{role}/{column}"))

    def table(self, name: str, source: str) -> Table:
        columns = self.columns
        labels: tuple[str, ...] = self.several
        targets = None
        if self.classes is not None:
            labels, targets = self.classes.finish()
        elif self.several:
            targets = np.stack([self._array("label", label) for label in self.several], axis=1)
        ids: Any = self.ids if columns.id is not None else map(str, range(len(self.texts)))
        return Table(
            name=name,
            source=source,
            ids=np.array(list(ids), dtype=object),
            texts=self.texts,
            labels=labels,
            multilabel=bool(self.several),
            targets=targets,
            identities={identity: self._array("identity", identity) for identity in columns.identities},
            clusters=None if columns.cluster is None else np.array(self.clusters, dtype=np.int64),
            weights=None if columns.weight is None else self._array("weight", columns.weight),
            kinds={column: np.array(found, dtype=object) for column, found in self.kinds.items()},
            scores=None if columns.score is None else self._array("score", columns.score),
            pairs=None if columns.pair is None else self.pairs,
            regression=columns.regression is not None,
        )


def _several(columns: Columns, names: Sequence[str] | None) -> tuple[str, ...]:
    """Columns that are a label each, in the order of `names` where those are given."""
    alone = columns.toxicity or columns.regression
    if alone is not None:
        return (alone,)
    if names is None or not columns.labels:
        return columns.labels
    unknown = [label for label in columns.labels if label not in names]
    if unknown:
        raise DataError(f"The label columns must be among {', '.join(names)}. Got '{unknown[0]}' instead.")
    return tuple(label for label in names if label in columns.labels)


def add_ids(seen: dict[str, tuple[int, int]], chunk: Chunk, column: str) -> None:
    """Add a chunk's ids to those seen (id -> row, line); raises DataError for one that was there before."""
    names = values.names(chunk, column, "id")
    if len(set(names)) == len(names) and seen.keys().isdisjoint(names):
        seen.update(zip(names, zip(chunk.rows, chunk.lines, strict=True), strict=True))
        return
    for at, name in enumerate(names):
        if name in seen:
            row, line = seen[name]
            first = place("", row, line).removeprefix(", ")
            raise DataError(
                f"{chunk.place(at, column)}: the id {values.shown(name)} was already in {first}. Ids must be unique."
            )
        seen[name] = (chunk.rows[at], chunk.lines[at])


def require_classes(table: Table) -> None:
    """Raise DataError unless every figure can be learned: two classes, or a positive and a negative of each label."""
    if table.targets is None:
        raise DataError(f"{table.source} has no labels to learn from. Name a label column.")
    if table.regression:
        if not np.ptp(table.targets):
            raise DataError(f"{table.source} holds one number only: {table.targets[0, 0]:g}. Training needs several.")
        return
    if not table.multilabel:
        found = np.flatnonzero(table.targets.sum(axis=0))
        if len(found) < 2:
            raise DataError(
                f"{table.source} holds the label '{table.labels[found[0]]}' only. "
                f"Training needs rows of at least two labels."
            )
        return
    positive = table.targets >= 0.5
    for label, count in zip(table.labels, positive.sum(axis=0), strict=True):
        if count in (0, len(table)):
            what = "no positive" if count == 0 else "no negative"
            raise DataError(f"{table.source}, column '{label}': there is {what} row. Training needs both kinds.")


def read_scores(path: str | Path, labels: Sequence[str]) -> tuple[np.ndarray, Float64[np.ndarray, "rows labels"]]:
    """Read a predictions file: `id` and a column a label, any finite number, never rounded.

    Raises
    ------
    DataError
        For a missing column, a missing or non-finite score, a duplicate id, or no rows.
    """
    ids: dict[str, tuple[int, int]] = {}
    scores: list[np.ndarray] = []
    for chunk in records(str(path), ("id", *labels)):
        add_ids(ids, chunk, "id")
        found = [values.numbers(chunk, label, what="score", low=-np.inf, high=np.inf) for label in labels]
        scores.append(np.stack(found, axis=1))
    if not ids:
        raise DataError(f"{path} has no rows. Give a file with at least one row below its column names.")
    return np.array(list(ids), dtype=object), np.concatenate(scores)
