"""Records out of CSV, TSV, JSONL, plain lines (each also .gz), Parquet and hub sets, with the row a user can find."""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from angelshare.errors import AbsentSet, DataError, MissingPart

CHUNK = 1024
"""Records held at once before their columns become arrays."""

DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".parquet")
LINES = (".txt", ".txt.gz")
"""Plain text: each line that is not blank is a record of one column."""

LONGEST = 1 << 16
"""Characters of a line at most; what is left of a longer one is the next record."""

HUB = "hub:"

Values = dict[str, Sequence[Any]]


@dataclass(frozen=True)
class Chunk:
    """Some records: the values of each column, in order.

    Attributes
    ----------
    rows : number of each record as a spreadsheet counts, the header being row 1; in JSONL and Parquet from 1.
    lines : line of the file on which each record begins (differs from `rows` after a quoted line break).
    typed : whether the file tells what is missing from a string "nan" or "null".
    """

    source: str
    values: Values
    rows: Sequence[int]
    lines: Sequence[int]
    typed: bool = False

    def place(self, index: int, column: str | None = None) -> str:
        return place(self.source, self.rows[index], self.lines[index], column)


def place(source: str, row: int, line: int | None = None, column: str | None = None) -> str:
    """Where a value stands: the beginning of every message about it."""
    where = f"{source}, row {row}"
    if line is not None and line != row:
        where += f" (line {line})"
    return where if column is None else f"{where}, column '{column}'"


def missing_columns(source: str, wanted: Iterable[str], present: Sequence[str]) -> None:
    """Raise DataError for the first wanted column that is not there, or is there twice."""
    for column in wanted:
        if present.count(column) > 1:
            raise DataError(
                f"{source}, row 1: the column '{column}' appears {present.count(column)} times. Name it once."
            )
        if column not in present:
            found = ", ".join(f"'{name}'" for name in present[:40]) or "none"
            raise DataError(f"{source} has no column '{column}'. Its columns: {found}. Name one of them instead.")


def format_of(path: Path) -> str:
    """One of SUFFIXES or LINES; raises DataError for anything that is not a readable file of a known kind."""
    name, known = path.name.lower(), (*SUFFIXES, *LINES)
    found = next((suffix for suffix in known if name.endswith(suffix)), None)
    if path.is_dir():
        raise DataError(f"{path} is a directory, not a table. Name a file ending in {', '.join(known)}.")
    if not path.exists():
        raise DataError(f"{path} does not exist. Check the path, or name a hub set as {HUB}owner/name.")
    if not path.is_file():
        raise DataError(f"{path} is not a regular file. Name a file ending in {', '.join(known)}.")
    if found is None:
        raise DataError(f"{path} must end in {', '.join(known)}. Got '{path.suffix}' instead.")
    return found


def is_table(path: str | Path) -> bool:
    """Whether the name ends as one of the tables that can be read, and is not a directory's."""
    return str(path).lower().endswith(SUFFIXES) and not Path(path).is_dir()


def records(
    source: str, wanted: Sequence[str], *, split: str = "train", optional: Sequence[str] = ()
) -> Iterator[Chunk]:
    """Yield the wanted columns of a file or a hub set ("hub:owner/name[:config]").

    Parameters
    ----------
    optional : columns that single JSONL records may leave out (they then hold None); some record must have them.

    Raises
    ------
    DataError
        For a file that cannot be read, with file, row and column.
    """
    if source.startswith(HUB):
        yield from hub_records(source, wanted, split)
        return
    path = Path(source)
    suffix = format_of(path)
    if suffix == ".parquet":
        yield from parquet_records(path, wanted)
    elif suffix.startswith(".jsonl"):
        yield from json_records(path, wanted, optional)
    elif suffix in LINES:
        yield from line_records(path, wanted)
    else:
        yield from delimited_records(path, wanted, DELIMITERS[suffix.removesuffix(".gz")])


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    opener: Callable[..., IO[Any]] = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise DataError(_undecodable(path, opener)) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}. Compress or download it again.") from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Check the file and its permissions."
        ) from error


def _undecodable(path: Path, opener: Callable[..., IO[Any]]) -> str:
    """Find the first byte that is not UTF-8: the decoder's own offset counts from the start of its buffer."""
    with opener(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return (
                    f"{path}, row {number}, byte {error.start + 1} of the line: the text must be UTF-8. "
                    f"Got 0x{line[error.start]:02x} instead. Save the file as UTF-8."
                )
    return f"{path} must be UTF-8. Save the file as UTF-8."


def _lines(stream: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        if "\0" in line:
            raise DataError(f"{path}, row {number}: the line holds a NUL byte. Is this a text file, in UTF-8?")
        yield line


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def delimited_records(path: Path, wanted: Sequence[str], delimiter: str) -> Iterator[Chunk]:
    """Read strictly: a ragged or mis-quoted row is an error, for it would shift or swallow the rows after it."""
    with _opened(path) as stream, _long_fields():
        reader = csv.reader(_lines(stream, path), delimiter=delimiter, strict=True)
        header = _next_record(reader, path, 1, 1)
        if header is None or not any(header):
            raise DataError(f"{path} is empty. It must begin with a row of column names.")
        missing_columns(str(path), wanted, header)
        columns = [header.index(column) for column in wanted]
        width, row = len(header), 1
        found: list[list[str]] = []
        rows: list[int] = []
        lines: list[int] = []
        while True:
            line = reader.line_num + 1
            row += 1
            record = _next_record(reader, path, row, line)
            if record is None:
                break
            if not record:
                continue
            if len(record) != width:
                raise DataError(
                    f"{place(str(path), row, line)}: every row must have {width} fields, as the header has. "
                    f"Got {len(record)} instead. Look for a missing or unquoted delimiter."
                )
            found.append(record)
            rows.append(row)
            lines.append(line)
            if len(found) == CHUNK:
                yield _chunk_of(str(path), wanted, columns, found, rows, lines)
                found, rows, lines = [], [], []
        if found:
            yield _chunk_of(str(path), wanted, columns, found, rows, lines)


def _next_record(reader: Iterator[list[str]], path: Path, row: int, line: int) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise DataError(
            f"{place(str(path), row, line)}: a quoted field is not closed where it should be ({error}). "
            f"Double the quotes inside quoted fields."
        ) from error


def _chunk_of(
    source: str,
    wanted: Sequence[str],
    columns: Sequence[int],
    found: list[list[str]],
    rows: list[int],
    lines: list[int],
) -> Chunk:
    turned = list(zip(*found, strict=True))
    values: Values = {name: turned[at] for name, at in zip(wanted, columns, strict=True)}
    return Chunk(source, values, rows, lines)


def plain_records(
    path: Path,
    wanted: Sequence[str],
    delimiter: str,
    header: Sequence[str] | None,
    *,
    from_right: bool = False,
    ragged: bool = False,
) -> Iterator[Chunk]:
    """Read lines whose quotes are plain characters; blank lines are skipped.

    Parameters
    ----------
    header : column names, where the file's first line is none.
    from_right : split at the last delimiters only: the first column may hold some.
    ragged : read a line that has another number of fields than the header as if all of them were missing.
    """
    with _opened(path) as stream:
        numbered = ((n, line.rstrip("\r\n")) for n, line in enumerate(_lines(stream, path), start=1) if line.strip())
        if header is None:
            header = next(numbered, (1, ""))[1].split(delimiter)
        missing_columns(str(path), wanted, header)
        columns = [header.index(column) for column in wanted]
        while batch := list(islice(numbered, CHUNK)):
            found = []
            for number, line in batch:
                fields = line.rsplit(delimiter, len(header) - 1) if from_right else line.split(delimiter)
                if len(fields) != len(header) and ragged:
                    fields = [""] * len(header)
                if len(fields) != len(header):
                    raise DataError(
                        f"{place(str(path), number)}: every row must have {len(header)} fields. "
                        f"Got {len(fields)} instead."
                    )
                found.append(fields)
            rows = [number for number, _ in batch]
            yield _chunk_of(str(path), wanted, columns, found, rows, rows)


def line_records(path: Path, wanted: Sequence[str]) -> Iterator[Chunk]:
    """Each line that is not blank, under whatever name the one wanted column has."""
    if len(wanted) != 1:
        raise DataError(f"{path} is plain text, of one column. Got {', '.join(wanted)} instead: give a table.")
    with _opened(path) as stream:
        pieces = iter(lambda: stream.readline(LONGEST), "")
        numbered = ((n, line.strip()) for n, line in enumerate(_lines(pieces, path), start=1) if line.strip())
        while batch := list(islice(numbered, CHUNK)):
            rows = [number for number, _ in batch]
            yield Chunk(str(path), {wanted[0]: [line for _, line in batch]}, rows, rows)


def json_records(path: Path, wanted: Sequence[str], optional: Sequence[str]) -> Iterator[Chunk]:
    seen: set[str] = set()
    present: tuple[str, ...] = ()
    with _opened(path) as stream:
        numbered = ((n, line) for n, line in enumerate(_lines(stream, path), start=1) if line.strip())
        while batch := list(islice(numbered, CHUNK)):
            parsed = [_json_object(line, str(path), number) for number, line in batch]
            if not present:
                present = tuple(parsed[0])
                missing_columns(str(path), [name for name in wanted if name not in optional], present)
            for record in parsed:
                seen.update(record)
            values: Values = {name: [record.get(name) for record in parsed] for name in wanted}
            rows = [number for number, _ in batch]
            yield Chunk(str(path), values, rows, rows, typed=True)
    if seen:
        missing_columns(str(path), wanted, sorted(seen))


def _json_object(line: str, source: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{place(source, number)}: every line must be one JSON object ({error}). Mend that line."
        ) from error
    if not isinstance(record, dict):
        raise DataError(
            f"{place(source, number)}: every line must be one JSON object. Got a {type(record).__name__} instead."
        )
    return record


def parquet_records(path: Path, wanted: Sequence[str]) -> Iterator[Chunk]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            missing_columns(str(path), wanted, file.schema_arrow.names)
            batches = file.iter_batches(batch_size=CHUNK, columns=list(wanted))
            yield from arrow_chunks(str(path), wanted, batches)
    except (pa.ArrowException, OSError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"{path} is not a whole Parquet file: {first}. Write or download it again.") from error


def arrow_chunks(source: str, wanted: Sequence[str], batches: Iterable[pa.RecordBatch]) -> Iterator[Chunk]:
    start = 1
    for batch in batches:
        rows = range(start, start + len(batch))
        start += len(batch)
        yield Chunk(source, {name: batch.column(name).to_pylist() for name in wanted}, rows, rows, typed=True)


def hub_records(source: str, wanted: Sequence[str], split: str) -> Iterator[Chunk]:
    """Read a set of the Hugging Face hub; integer class labels come with their names."""
    found = load_hub(source, split)
    missing_columns(f"{source} ({split})", wanted, found.column_names)
    names = {name: getattr(found.features[name], "names", None) for name in wanted}
    start = 1
    for batch in found.select_columns(list(wanted)).iter(batch_size=CHUNK):
        values: Values = {name: _named(list(batch[name]), names[name]) for name in wanted}
        rows = range(start, start + len(values[wanted[0]]))
        start = rows.stop
        yield Chunk(f"{source} ({split})", values, rows, rows, typed=True)


def _named(values: list[Any], names: Sequence[str] | None) -> list[Any]:
    """ClassLabel columns hold -1 where a test split hides its labels."""
    if names is None:
        return values
    return [names[value] if isinstance(value, int) and 0 <= value < len(names) else None for value in values]


def load_hub(source: str, split: str) -> Any:
    """A `datasets.Dataset` for "hub:owner/name[:config]"; one sentence where it cannot be had."""
    name, _, config = source.removeprefix(HUB).partition(":")
    if not name.strip("/ "):
        raise DataError(f"'{source}' names no set of the hub. Write {HUB}owner/name, or {HUB}owner/name:config.")
    try:
        import datasets
    except ImportError as error:
        raise MissingPart(f"Reading {source} needs the package datasets: pip install 'angelshare[train]'.") from error
    try:
        return datasets.load_dataset(name, config or None, split=split)
    except (OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise AbsentSet(
            f"{source} ({split}) cannot be had from the hub: {first}. "
            f"Check the name and the network, or download its files."
        ) from error
