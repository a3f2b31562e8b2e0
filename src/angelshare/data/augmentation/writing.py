"""Texts in, augmented texts out: two passes over a stream, shards beside the file, then the file at once.

The first pass holds a hash of every text, so that no copy equals a text that comes later, and a sample where the method
wants one. Run again after an interruption, it goes on after the last committed shard and ends with the same bytes.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from angelshare import runs
from angelshare.data.augmentation.methods import AugmentOptions, Method, Sample, method_of
from angelshare.data.augmentation.place import Place
from angelshare.data.likeness import normalised
from angelshare.data.seen import Seen, keys
from angelshare.data.sieve import Sieve
from angelshare.data.stream import Source, Texts, cut, open_source, open_sources, stream
from angelshare.data.tables import Columns, Table
from angelshare.data.values import without_surrogates
from angelshare.errors import DataError
from angelshare.progress import progress, say

__all__ = ["SCHEMA", "augment"]

STRINGS = ("id", "text", "origin", "source", "method", "operation")
SCHEMA = pa.schema([*((name, pa.string()) for name in STRINGS), ("weight", pa.float32())])
"""A row of the result: whose copy it is, and how it was made. An original has neither origin, method nor operation."""


def augment(
    sources: Table | str | Path | Iterable[Table | str | Path],
    out: str | Path,
    *,
    columns: Columns | None = None,
    options: AugmentOptions | None = None,
    model: object = None,
) -> dict[str, Any]:
    """Write augmented texts, without labels, to a CSV, TSV, JSONL or Parquet file; returns the facts in OUT.json.

    What is made of a text depends on the seed, the text and the number of the copy; with tang and generate also on a
    sample of the corpus, which does not depend on its order. Copies that equal a text of the corpus or an earlier copy
    after normalising are dropped, and so are texts and copies that are in an audit set; the facts count them.

    Parameters
    ----------
    columns : of the files; labels are read where the method is conditioned on them.
    model : for masked and generate, a `Guesser` or a `LanguageModel`.

    Raises
    ------
    DataError : a source is empty or cannot be read, `out` holds something else, or no text gave a copy.
    ModelError : the method needs a model, or none.
    MissingPart, AbsentSet : eda and tang need nltk, and WordNet or its tagger.
    DamagedFile : a committed shard differs from what was written.
    """
    options = options or AugmentOptions()
    options.check(model)
    listed: list[Table | str | Path] = [sources] if isinstance(sources, Table | str | Path) else list(sources)
    pool = open_sources(listed, columns, labelled=options.traits.labelled)
    audits = [open_source(source, which or columns) for source, which in options.not_in]
    made_by = {**options.facts(), "model": getattr(model, "fingerprint", None)}
    names = [part for source in pool for part in (source.name, source.digest)]
    how = json.dumps([made_by, options.traits.rows], sort_keys=True)
    plan = runs.digest(how, *names, "", *sorted(source.digest for source in audits))
    place = Place(Path(out), plan)
    if place.finished is not None:
        return place.finished
    corpus = _Corpus(pool, Sieve(audits))
    seen, sample = corpus.look(options)
    job = _Job(options, method_of(options, model, sample), corpus.sieve, seen, Seen())
    place.begin()
    counts = _commit(job, corpus, place)
    dropped = {name: number for name, number in {**corpus.left_out, **counts["dropped"]}.items() if number}
    if not counts["rows"]:
        place.clear()
        why = ", ".join(f"{name.replace('_', ' ')}: {number:,}" for name, number in dropped.items())
        raise DataError(f"No text gave a copy that is new ({why}). Give longer texts, or another method.")
    for name, number in dropped.items():
        say(f"{out}: {number:,} dropped: {name.replace('_', ' ')}.")
    return place.publish({"kind": "augmented texts", **made_by, **counts, "dropped": dropped}, SCHEMA)


class _Corpus:
    """The texts that may be augmented, which can be streamed more than once.

    Attributes
    ----------
    left_out : texts that are in an audit set.
    """

    def __init__(self, pool: Sequence[Source], sieve: Sieve) -> None:
        self.pool, self.sieve = pool, sieve
        self.rows = None if any(source.rows is None for source in pool) else sum(source.rows or 0 for source in pool)
        self.left_out: dict[str, int] = {}

    def __iter__(self) -> Iterator[Texts]:
        for rows in map(self.sieve.keep, stream(self.pool)):
            yield replace(rows, texts=without_surrogates(rows.texts))

    def look(self, options: AugmentOptions) -> tuple[Seen, Sample | None]:
        """(hashes of the texts, the sample that the method wants)."""
        seen, sample = Seen(), None if options.traits.sample is None else Sample(*options.traits.sample)
        with progress("read", self.rows) as advance:
            for rows in self:
                seen.add(keys(map(normalised, rows.texts)))
                if sample is not None:
                    sample.add(rows)
                advance(len(rows))
        self.left_out = {f"texts_{reason}": number for reason, number in self.sieve.counts.items()}
        if not len(seen):
            raise DataError("Every text is in an audit set. Give texts that are in none.")
        return seen, sample


class _Made(NamedTuple):
    """A copy: the row it was made of, its number, how, and its text."""

    row: int
    number: int
    operation: str
    text: str


@dataclass(frozen=True)
class _Job:
    """Rows into copies that are new.

    Attributes
    ----------
    texts : hashes of the whole corpus.
    made : hashes of the copies so far.
    """

    options: AugmentOptions
    method: Method
    sieve: Sieve
    texts: Seen
    made: Seen

    def shard(self, rows: Texts) -> tuple[pa.Table, dict[str, Any]]:
        """The copies, after the rows themselves where these are wanted; and what was counted."""
        several = enumerate(self.method(rows))
        copies = [_Made(row, number, *copy) for row, found in several for number, copy in enumerate(found)]
        dropped = Counter[str]()
        copies = _kept(copies, [bool(copy.text) for copy in copies], dropped, "nothing_made")
        known = self.texts.has(_keys(copies))
        copies = _kept(copies, (~known).tolist(), dropped, "same_as_a_text")
        copies = self._in_no_audit(copies, dropped)
        copies = _kept(copies, self.made.add(_keys(copies)).tolist(), dropped, "same_as_a_copy")
        counts = {"operations": Counter(copy.operation for copy in copies), "dropped": dropped}
        return self._table(rows, copies), counts

    def _in_no_audit(self, copies: list[_Made], dropped: Counter[str]) -> list[_Made]:
        if not self.sieve.guards:
            return copies
        before = dict(self.sieve.counts)
        at = [str(place) for place in range(len(copies))]
        kept = self.sieve.keep(Texts(at, [copy.text for copy in copies], at, np.ones(len(at), dtype=np.float32)))
        dropped.update({reason: number - before[reason] for reason, number in self.sieve.counts.items()})
        return [copies[int(place)] for place in kept.ids]

    def _table(self, rows: Texts, copies: list[_Made]) -> pa.Table:
        method, weight = self.options.method, rows.weight.tolist()
        found: list[tuple[Any, ...]] = []
        if self.options.originals:
            found += (
                (rows.ids[at], rows.texts[at], "", rows.source[at], "", "", weight[at]) for at in range(len(rows))
            )
        for at, number, operation, text in copies:
            name = f"{method}-{number}:{rows.ids[at]}"
            found.append((name, text, rows.ids[at], rows.source[at], method, operation, weight[at]))
        columns = list(zip(*found, strict=True)) or [()] * len(SCHEMA)
        return pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA)


def _keys(copies: Sequence[_Made]) -> np.ndarray:
    found: np.ndarray = keys(normalised(copy.text) for copy in copies)
    return found


def _kept(copies: Sequence[_Made], stays: Sequence[bool], dropped: Counter[str], reason: str) -> list[_Made]:
    kept = [copy for copy, wanted in zip(copies, stays, strict=True) if wanted]
    dropped[reason] += len(copies) - len(kept)
    return kept


def _commit(job: _Job, corpus: _Corpus, place: Place) -> dict[str, Any]:
    """Make the shards that are missing; returns what all of them count."""
    texts, dropped, operations = 0, Counter[str](), Counter[str]()
    done = place.done
    with progress("augment", corpus.rows, done=min(done * job.options.traits.rows, corpus.rows or 0)) as advance:
        for index, rows in enumerate(cut(corpus, job.options.traits.rows)):
            if index < done:
                table, counts = place.committed(index)
                both = zip(table.column("text").to_pylist(), table.column("method").to_pylist(), strict=True)
                job.made.add(keys(normalised(text) for text, method in both if method))
            else:
                table, counts = job.shard(rows)
                place.commit(table, counts)
                advance(len(rows))
            texts += len(rows)
            dropped.update(counts["dropped"])
            operations.update(counts["operations"])
    made = {"texts": texts, "rows": operations.total()}
    return {**made, "dropped": dict(dropped), "operations": dict(sorted(operations.items()))}
