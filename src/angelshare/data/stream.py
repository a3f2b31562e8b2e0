"""Texts out of many sources in order, some rows at a time: of what went by, only hashes are held."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32

from angelshare import runs
from angelshare.data import catalogue, values
from angelshare.data.readers import CHUNK, HUB, LINES, Chunk, format_of, load_hub, records
from angelshare.data.seen import Seen, keys
from angelshare.data.tables import SET, Columns, Table, read
from angelshare.errors import DataError

__all__ = ["MENDED", "Part", "Source", "Texts", "cut", "open_source", "open_sources", "stream"]

MENDED = "lone_surrogates"
REPEATED = "repeated"


@dataclass(frozen=True, eq=False)
class Texts:
    """Some rows of a stream, in its order.

    Attributes
    ----------
    ids : unique in the whole stream.
    source : name of the file or set that each row came from.
    weight : (rows,) non-negative.
    said : what each row's label says in words; None unless the sources were opened `labelled`.
    """

    ids: list[str]
    texts: list[str]
    source: list[str]
    weight: Float32[np.ndarray, " rows"]
    said: list[str] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, index: np.ndarray) -> "Texts":
        """The rows at `index` (positions, or a True a row), in that order."""
        at = np.flatnonzero(index) if index.dtype == bool else index
        said = None if self.said is None else [self.said[i] for i in at]
        ids, texts, source = ([column[i] for i in at] for column in (self.ids, self.texts, self.source))
        return Texts(ids, texts, source, self.weight[at], said)

    @classmethod
    def joined(cls, parts: Sequence["Texts"]) -> "Texts":
        return cls(
            [name for part in parts for name in part.ids],
            [text for part in parts for text in part.texts],
            [name for part in parts for name in part.source],
            np.concatenate([part.weight for part in parts]),
            None
            if any(part.said is None for part in parts)
            else [label for part in parts for label in part.said or ()],
        )


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of one source, as it has them.

    Attributes
    ----------
    ids : positions where the source names none.
    place : where a row stands, for messages.
    mended : texts in which U+FFFD stands for a lone surrogate.
    """

    ids: list[str]
    texts: list[str]
    weight: np.ndarray
    place: Callable[[int], str]
    said: list[str] | None = None
    mended: int = 0


@dataclass(frozen=True, eq=False)
class Source:
    """One file, set or table of texts.

    Attributes
    ----------
    where : the path or hub id, for messages.
    digest : sha256 of what decides its rows.
    rows : how many there are, where that is known without reading them.
    open : yields its rows, from the first on.
    """

    name: str
    where: str
    digest: str
    rows: int | None
    open: Callable[[], Iterator[Part]]


def open_sources(
    sources: Iterable[Table | str | Path],
    columns: Columns | None = None,
    *,
    labelled: bool = False,
    empty: bool = False,
) -> list[Source]:
    """Look at every source before any is read; a name that comes again gets a number.

    Parameters
    ----------
    labelled : whether rows come with what their label says, which needs label columns.
    empty : let texts of files through that are missing or blank, as empty strings: a `Sieve` drops them.

    Raises
    ------
    DataError : a source does not exist, is of no known kind, is a directory, or has no labels where they are wanted.
    """
    found = [open_source(source, columns, labelled=labelled, empty=empty) for source in sources]
    if not found:
        raise DataError("There are no texts. Name at least one file, set or hub set.")
    taken: dict[str, int] = {}
    named = []
    for source in found:
        taken[source.name] = taken.get(source.name, 0) + 1
        again = taken[source.name]
        name = source.name if again == 1 else f"{source.name}-{again}"
        named.append(Source(name, source.where, source.digest, source.rows, source.open))
    return named


def open_source(
    source: Table | str | Path, columns: Columns | None = None, *, labelled: bool = False, empty: bool = False
) -> Source:
    """A source of texts: a table at hand, a file, "set:NAME[:PART]" or "hub:owner/name[:config]"."""
    columns = columns or Columns()
    if isinstance(source, Table):
        return _of_table(source, source.source, labelled)
    where = str(source)
    if where.startswith(SET):
        return _of_table(read(where), where, True) if labelled else _of_set(where)
    used = _used(columns, where if labelled else None)
    if where.startswith(HUB):
        rows = load_hub(where, "train")
        digest = runs.digest(where, str(getattr(rows, "_fingerprint", "")), *used.wanted)
        name = where.removeprefix(HUB).split("/")[-1]
        return Source(name, where, digest, len(rows), lambda: _of_chunks(records(where, used.wanted), used, empty))
    path = Path(where)
    suffix = format_of(path)
    sha256, lines = _read_through(path)
    return Source(
        path.name.split(".")[0],
        where,
        runs.digest(sha256, *used.wanted),
        _rows(path, suffix, lines),
        lambda: _of_chunks(records(where, used.wanted), used, empty),
    )


def _used(columns: Columns, labelled: str | None) -> Columns:
    """The columns that are read; with those of the labels where a labelled source is named."""
    plain = Columns(text=columns.text, id=columns.id, weight=columns.weight)
    if labelled is None:
        return plain
    if not (columns.label or columns.labels or columns.toxicity):
        raise DataError(f"{labelled} needs labels here. Name the column: --label, --labels or --toxicity.")
    return replace(plain, label=columns.label, labels=columns.labels, toxicity=columns.toxicity)


def _read_through(path: Path) -> tuple[str, int]:
    """(sha256, line breaks) of a file."""
    state, lines = hashlib.sha256(), 0
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                state.update(block)
                lines += block.count(b"\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Check the file.") from error
    return state.hexdigest(), lines


def _rows(path: Path, suffix: str, lines: int) -> int | None:
    """Exact for Parquet; one a line elsewhere, too many after quoted line breaks: good enough for progress."""
    if suffix == ".parquet":
        try:
            return int(pq.read_metadata(path).num_rows)
        except (pa.ArrowException, OSError):
            return None  # reading it will say what is wrong with it
    headed = suffix not in (".jsonl", *LINES)
    return None if suffix.endswith(".gz") else max(lines - headed, 1)


def _of_table(table: Table, where: str, labelled: bool = False) -> Source:
    weight = b"" if table.weights is None else table.weights.tobytes()
    targets = table.targets if labelled else None
    if labelled and targets is None:
        raise DataError(f"{where} has no labels, and they are needed here. Name its label column.")
    more = () if targets is None else (*table.labels, targets.tobytes())
    digest = runs.digest(table.name, *map(str, table.ids), *table.texts, weight, *more)

    def rows() -> Iterator[Part]:
        for start in range(0, len(table), CHUNK):
            part = slice(start, start + CHUNK)
            ids, texts = [str(name) for name in table.ids[part]], table.texts[part]
            weights = np.ones(len(texts)) if table.weights is None else table.weights[part]
            said = None if targets is None else [_said(table.labels, row) for row in targets[part]]
            yield Part(ids, texts, weights, lambda at: where, said)

    return Source(table.name, where, digest, len(table), rows)


def _of_set(where: str) -> Source:
    name, _, part = where.removeprefix(SET).partition(":")
    part = part or "train"
    opened = catalogue.open_texts(name, part)
    if isinstance(opened, Table):
        return _of_table(opened, where)
    columns = Columns(text=opened.columns.text, id=opened.columns.id)
    digest = runs.digest(where, *(runs.sha256(path) for path in opened.paths), *columns.wanted)
    return Source(f"{name}-{part}", where, digest, None, lambda: _of_chunks(opened.chunks(columns.wanted), columns))


def _said(labels: Sequence[str], shares: np.ndarray) -> str:
    """The labels that hold, in words; "not A or B" where none does."""
    holding = [label for label, share in zip(labels, shares.tolist(), strict=True) if share >= 0.5]
    return " and ".join(holding) or f"not {' or '.join(labels)}"


def _labels(chunk: Chunk, columns: Columns) -> list[str] | None:
    if columns.label is not None:
        return values.names(chunk, columns.label, "label")
    several = columns.labels or ((columns.toxicity,) if columns.toxicity else ())
    if not several:
        return None
    found = np.stack([values.numbers(chunk, label, what="label") for label in several], axis=1)
    return [_said(several, row) for row in found]


def _of_chunks(chunks: Iterable[Chunk], columns: Columns, empty: bool = False) -> Iterator[Part]:
    position = 0
    for chunk in chunks:
        texts = values.texts(chunk, columns.text, empty=empty)
        mended = values.lone_surrogates(chunk.values[columns.text])
        if columns.id is None:
            ids = [str(at) for at in range(position, position + len(texts))]
        else:
            ids = values.names(chunk, columns.id, "id")
        weights = np.ones(len(texts))
        if columns.weight is not None:
            weights = values.numbers(chunk, columns.weight, what="weight", high=np.inf)
        position += len(texts)
        yield Part(ids, texts, weights, partial(chunk.place, column=columns.id), _labels(chunk, columns), mended)


def stream(sources: Sequence[Source], counts: dict[str, int] | None = None) -> Iterator[Texts]:
    """The rows of all sources, each once.

    A row that comes again with the same id and text is left out; an id that comes again with another text is prefixed
    by the name of its source. Two sets of 8-byte hashes are held for that, and nothing else of what went by.

    Parameters
    ----------
    counts : grows by "repeated", rows left out, and "lone_surrogates", texts in which U+FFFD stands for one.

    Raises
    ------
    DataError : a source has no rows, or an id stands for different texts in one source.
    """
    pairs, names = Seen(), Seen()
    told: dict[str, int] = {} if counts is None else counts
    for source in sources:
        here, empty = Seen(), True
        for part in source.open():
            empty, ids, texts = False, list(part.ids), part.texts
            fresh = pairs.add(_pairs(ids, texts))
            again = fresh & ~_added(here, ids, fresh)
            if again.any():
                at = int(np.argmax(again))
                raise DataError(
                    f"{part.place(at)}: the id '{ids[at]}' stands for different texts. Ids must be unique in a source."
                )
            for at in np.flatnonzero(fresh & ~_added(names, ids, fresh)).tolist():
                ids[at] = f"{source.name}:{ids[at]}"
                fresh[at] = bool(pairs.add(_pairs([ids[at]], [texts[at]]))[0])
                if fresh[at] and not names.add(keys([ids[at]]))[0]:
                    raise DataError(
                        f"{source.where}: the id '{ids[at]}' stands for different texts. Rename one of them."
                    )
            for name, count in ((REPEATED, int((~fresh).sum())), (MENDED, part.mended)):
                if count:
                    told[name] = told.get(name, 0) + count
            weight = np.asarray(part.weight, dtype=np.float32)
            rows = Texts(ids, texts, [source.name] * len(ids), weight, part.said)
            yield rows if fresh.all() else rows.take(fresh)
        if empty:
            raise DataError(f"{source.where} has no rows. Give a file with at least one row below its column names.")


def _pairs(ids: Sequence[str], texts: Sequence[str]) -> np.ndarray:
    found: np.ndarray = keys(f"{len(name)} {name} {text}" for name, text in zip(ids, texts, strict=True))
    return found


def _added(seen: Seen, ids: Sequence[str], which: np.ndarray) -> np.ndarray:
    """Whether each id among `which` is new to `seen`; False for the others."""
    new = np.zeros(len(ids), dtype=bool)
    new[which] = seen.add(keys(name for name, wanted in zip(ids, which, strict=True) if wanted))
    return new


def cut(parts: Iterable[Texts], rows: int) -> Iterator[Texts]:
    """The same rows in pieces of exactly `rows`, the last one shorter."""
    held: list[Texts] = []
    count = 0
    for part in parts:
        while len(part):
            wanted = rows - count
            held.append(part if len(part) <= wanted else part.take(np.arange(wanted)))
            count += len(held[-1])
            part = part.take(np.arange(wanted, len(part)))
            if count == rows:
                yield Texts.joined(held)
                held, count = [], 0
    if held:
        yield Texts.joined(held)
