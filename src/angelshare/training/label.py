"""A transfer set out of a teacher and texts: each text is asked about once, and the answers are kept.

Texts stream: sources -> rows that stay -> shards -> the teacher -> committed shards. What is held at any time is a few
shards a worker, and hashes of what went by.
"""

import json
import shutil
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from angelshare import runs
from angelshare.data import values
from angelshare.data.sampling import Sample, Selection
from angelshare.data.sieve import Sieve
from angelshare.data.stream import MENDED, Source, Texts, cut, open_source, open_sources, stream
from angelshare.data.tables import Columns, Table
from angelshare.data.transfer import TransferRows, TransferSet, TransferWriter, recut
from angelshare.errors import AngelshareError, DataError
from angelshare.progress import number_of, progress, say
from angelshare.training.answers import AnswerCache
from angelshare.training.executors import (
    Answers,
    Executor,
    ExecutorOptions,
    Named,
    executor,
    loaded,
    teacher_fingerprint,
)
from angelshare.types import Classifier

__all__ = ["SHARD_ROWS", "LabelOptions", "label", "loaded", "teacher_fingerprint"]

SHARD_ROWS = 2048
"""Rows that are committed together: seconds of a transformer's work, and enough to fill its length buckets."""

Counts = dict[str, int]


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """What is labelled, and by whom.

    Attributes
    ----------
    shard_rows : rows that are scored and committed together.
    selection : keep rows by their score; all rows where None.
    not_in : audit sets none of whose texts may enter: files, "set:" or "hub:" names, each with its columns or None.
    distinct : leave near-duplicates out.
    skip_empty : leave rows of files out whose text is missing or blank, which is a mistake otherwise.
    executor : who scores; this process, with torch's threads as they are, where None.
    cache : folder of answers given before.
    """

    shard_rows: int = SHARD_ROWS
    selection: Selection | None = None
    not_in: Sequence[tuple[Table | str | Path, Columns | None]] = ()
    distinct: bool = False
    skip_empty: bool = False
    executor: ExecutorOptions | None = None
    cache: str | Path | None = None


def label(
    teacher: Classifier | Named | str | Path,
    sources: Table | str | Path | Iterable[Table | str | Path],
    out: str | Path,
    *,
    columns: Columns | None = None,
    options: LabelOptions | None = None,
) -> TransferSet:
    """Store the teacher's logits of every row, in committed shards; run again after an interruption, it goes on.

    A row that comes twice with the same id and text is kept once; an id that comes again with another text is prefixed
    by the name of its source. Each shard is scored by itself, so the bytes depend neither on where a run was
    interrupted nor on who scored. What was dropped, and texts whose lone surrogates became U+FFFD, the manifest counts.

    Raises
    ------
    DataError : a source has no rows or cannot be read, an id stands for different texts in one source, `out` holds
        another set, or the disk is full.
    ModelError : the teacher's answers do not fit its labels, or the workers cannot load it or do not answer.
    DamagedFile : a committed shard differs from what was written.
    """
    options = options or LabelOptions()
    listed: list[Table | str | Path] = [sources] if isinstance(sources, Table | str | Path) else list(sources)
    pool = open_sources(listed, columns, empty=options.skip_empty)
    audits = [open_source(source, which or columns) for source, which in options.not_in]
    shards = _Shards(pool, Sieve(audits, options.distinct, options.skip_empty), options.shard_rows)
    asked = loaded(teacher)
    job = _Job(asked, teacher_fingerprint(asked), _plan(pool, audits, options), Path(out), options)
    score = executor(teacher, asked, options.executor)
    return job.all_rows(shards, score) if options.selection is None else job.chosen(shards, score, options.selection)


def _plan(pool: Sequence[Source], audits: Sequence[Source], options: LabelOptions) -> str:
    """A sha256 of what decides the rows; who scores them does not."""
    chosen = None if options.selection is None else options.selection.facts()
    names = [part for source in pool for part in (source.name, source.digest)]
    more = ["skip_empty"] if options.skip_empty else []
    rest = json.dumps([options.shard_rows, options.distinct, chosen, *more], sort_keys=True)
    return runs.digest(*names, "", *sorted(source.digest for source in audits), rest)


class _Shards:
    """The rows that stay, in shards. The first is read at once: an empty or broken file is found before all else."""

    def __init__(self, pool: Sequence[Source], sieve: Sieve, rows: int) -> None:
        self.sieve = sieve
        self.rows = None if any(source.rows is None for source in pool) else sum(source.rows or 0 for source in pool)
        self._found = cut(map(sieve.keep, stream(pool, sieve.counts)), rows)
        first = next(self._found, None)
        if first is None:
            dropped = ", ".join(f"{name}: {number:,}" for name, number in sieve.counts.items())
            raise DataError(f"No text is left to label ({dropped}). Give texts that are not empty and in no audit set.")
        self._first = (first, dict(sieve.counts))

    def __iter__(self) -> Iterator[tuple[Texts, Counts]]:
        """Each shard with the counts of rows dropped so far, which read-ahead must not move. Only once."""
        return chain([self._first], ((shard, dict(self.sieve.counts)) for shard in self._found))


@dataclass(frozen=True)
class _Job:
    teacher: Classifier
    fingerprint: str
    plan: str
    out: Path
    options: LabelOptions

    def _writer(self, directory: Path) -> TransferWriter:
        return TransferWriter(
            directory,
            labels=self.teacher.labels,
            multilabel=self.teacher.multilabel,
            teacher=self.fingerprint,
            plan_digest=self.plan,
        )

    def all_rows(self, shards: _Shards, score: Executor) -> TransferSet:
        writer = self._writer(self.out)
        if writer.finished:
            return writer.finish()
        done = _done(writer) * self.options.shard_rows
        with _nothing_left(writer), progress("label", shards.rows, done=done) as advance:
            for index, rows, _, logits in self._scored(shards, score, writer):
                writer.commit(index, _transfer(rows, logits))
                advance(len(rows))
        return writer.finish(**self._told(shards.sieve.counts))

    def chosen(self, shards: _Shards, score: Executor, wanted: Selection) -> TransferSet:
        """Score until the sample is full, keeping what may be chosen of each shard beside `out`; then write `out`."""
        writer, place = self._writer(self.out), self.out.parent / f".{self.out.name}.scored"
        if not writer.finished:
            with _nothing_left(writer):
                work = self._writer(place)
                with _nothing_left(work):
                    sample = Sample(wanted, self.teacher.labels, self.teacher.multilabel, self.fingerprint)
                    dropped = self._fill(sample, work, shards, score)
            parts = (work.committed(index)[0] for index in range(_done(work)))
            kept = (rows.take(sample.keep(rows.ids, sample.scores(rows.logits))) for rows in parts)
            index = -1
            for index, rows in enumerate(recut(kept, self.options.shard_rows)):
                writer.commit(index, rows)
            if index < 0:
                for folder in (place, self.out):  # without a shard: other options may follow
                    shutil.rmtree(folder, ignore_errors=True)
                raise DataError(f"None of the {int(sample.seen.sum()):,} texts scored has a score that is wanted.")
            facts = sample.facts()
            _tell(sample)
            writer.finish(**facts, **self._told(dropped))
        shutil.rmtree(place, ignore_errors=True)
        return writer.finish()

    def _fill(self, sample: Sample, work: TransferWriter, shards: _Shards, score: Executor) -> Counts:
        """Score until the sample is full or the pool ends; returns the counts of dropped rows up to there."""
        for index in range(_done(work)):
            before, facts = work.committed(index)
            sample.add(before.ids, sample.scores(before.logits), facts["tally"])
            if sample.full:
                return dict(facts["dropped"])
        done = int(sample.seen.sum())
        with (
            progress("label", shards.rows, done=done) as advance,
            closing(self._scored(shards, score, work)) as scored,
        ):
            for index, rows, dropped, logits in scored:
                found = _transfer(rows, logits)
                may, tally = sample.offer(found.ids, sample.scores(found.logits))
                kept = found.take(may)
                work.commit(index, kept, {"tally": tally, "dropped": dropped})
                sample.add(kept.ids, sample.scores(kept.logits), tally)
                advance(len(rows))
                if sample.full:
                    return dropped
        return shards.sieve.counts

    def _scored(
        self, shards: _Shards, score: Executor, writer: TransferWriter
    ) -> Generator[tuple[int, Texts, Counts, Answers]]:
        """(index, rows, dropped so far, logits) of the shards that are not committed yet, in order."""
        done, labels = _done(writer), len(self.teacher.labels)
        if done:
            say(f"{self.out}: goes on after {done:,} shards.")
        folder = self.options.cache
        cache = None if folder is None else AnswerCache(folder, self.fingerprint, labels, writer.job)
        waiting: deque[tuple[Texts, Counts, dict[int, Answers]]] = deque()

        def tasks() -> Iterator[list[str]]:
            for index, (rows, dropped) in enumerate(shards):
                if index >= done:
                    known = {} if cache is None else cache.get(rows.texts)
                    waiting.append((rows, dropped, known))
                    yield [text for at, text in enumerate(rows.texts) if at not in known]

        answers = score(tasks())
        try:
            for index, answered in zip(count(done), answers):
                rows, dropped, known = waiting.popleft()
                logits = np.empty((len(rows), labels), dtype=np.float32)
                asked = np.array([at for at in range(len(rows)) if at not in known], dtype=np.intp)
                logits[asked] = answered
                for at, answer in known.items():
                    logits[at] = answer
                if cache is not None:
                    cache.put([rows.texts[at] for at in asked], answered)
                yield index, rows, dropped, logits
        finally:
            answers.close()
            if cache is not None:
                cache.close()

    def _told(self, counts: Counts) -> dict[str, Any]:
        """Say what was dropped and mended; the same as facts for the manifest."""
        dropped = {reason: number for reason, number in counts.items() if reason != MENDED}
        for reason, number in dropped.items():
            say(f"{self.out}: {number_of(number, 'row')} dropped: {reason.replace('_', ' ')}.")
        mended = counts.get(MENDED, 0)
        if mended:
            say(f"{self.out}: {number_of(mended, 'text')} with {values.SURROGATES}.")
        return ({"dropped": dropped} if dropped else {}) | ({MENDED: mended} if mended else {})


@contextmanager
def _nothing_left(writer: TransferWriter) -> Iterator[None]:
    """A refusal before the first shard leaves no files behind."""
    try:
        yield
    except AngelshareError:
        writer.withdraw()
        raise


def _transfer(rows: Texts, logits: Answers) -> TransferRows:
    return TransferRows.of(rows.ids, rows.texts, logits, source=rows.source, weight=rows.weight)


def _done(writer: TransferWriter) -> int:
    """How many shards are there, one after another from the first: they are committed in order."""
    return next(index for index in count() if index not in writer.done)


def _tell(sample: Sample) -> None:
    facts = sample.facts()["pool"]
    say(
        f"{number_of(facts['scored'], 'text')} scored, {facts['positive']:,} of them ({facts['rate']:.4%}) with a "
        f"{sample.label} of at least {sample.wanted.threshold:g}."
    )
    for span, number in sample.missing.items():
        missing = number_of(number, "row")
        say(f"The pool ended with {missing} missing of score {span}. Give more texts, or a smaller --count.")
