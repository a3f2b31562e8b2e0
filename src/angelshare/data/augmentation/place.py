"""A file that is made in shards: it appears at once with its facts beside it, and nothing is written over."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from angelshare import runs
from angelshare.data import shards
from angelshare.data.readers import DELIMITERS
from angelshare.errors import DamagedFile, DataError
from angelshare.progress import say

__all__ = ["SUFFIXES", "Place", "facts_of"]

SUFFIXES = (*DELIMITERS, ".jsonl", ".parquet")
PLAN = "plan.json"


def facts_of(out: Path) -> Path:
    """Where the facts of a result stand: what made it, counts, sha256."""
    return out.with_name(f"{out.name}.json")


class Place:
    """The file to make, its facts, and the directory `.NAME.work` beside it for the shards of a run that has not ended.

    Parameters
    ----------
    plan : a sha256 of all that decides the result.

    Attributes
    ----------
    finished : the facts, where the file is there already.
    done : shards that are committed, once it has begun.

    Raises
    ------
    DataError : the name has no known ending, or the file or the work beside it is something else.
    DamagedFile : the file is not as its facts say.
    """

    def __init__(self, out: Path, plan: str) -> None:
        if not out.name.endswith(SUFFIXES):
            raise DataError(f"{out} must end in {', '.join(SUFFIXES)}. Name another --out.")
        self.out, self.plan, self.work = out, plan, out.parent / f".{out.name}.work"
        self.done = 0
        self.finished = self._finished()

    def _finished(self) -> dict[str, Any] | None:
        if not self.out.exists():
            return None
        if not facts_of(self.out).exists():
            if self._begun() == self.plan:  # killed between the file and its facts
                return None
            raise DataError(f"{self.out} exists, and nothing is written over. Name another --out.")
        try:
            facts = json.loads(facts_of(self.out).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DamagedFile(f"{facts_of(self.out)} cannot be read: {error}. Delete it and {self.out}.") from error
        if not isinstance(facts, dict) or facts.get("plan") != self.plan:
            raise DataError(
                f"{self.out} was made of other texts or options, and nothing is written over. Name another --out."
            )
        if runs.sha256(self.out) != facts.get("sha256"):
            raise DamagedFile(f"{self.out} differs from {facts_of(self.out)} (sha256). Delete both to make it again.")
        self.clear()
        say(f"{self.out} is there already, made of the same texts with the same options.")
        return facts

    def _begun(self) -> str | None:
        try:
            found: str = json.loads((self.work / PLAN).read_text(encoding="utf-8"))["plan"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    def begin(self) -> None:
        """Go on with the work beside the file, or begin it.

        Raises
        ------
        DataError : there are shards of other texts or options.
        DamagedFile : a committed shard differs from what was written.
        """
        if self._begun() != self.plan:
            if (self.work / shards.marker_name(0)).exists():
                raise DataError(
                    f"{self.work} holds unfinished work on other texts or options. Run that command again, name "
                    "another --out, or delete the directory to begin anew."
                )
            self.clear()
            runs.write_json(self.work / PLAN, {"plan": self.plan})
        self.done = len(shards.committed(self.work))
        shards.clean(self.work)
        if self.done:
            say(f"{self.out}: goes on after {self.done:,} shards.")

    def commit(self, table: pa.Table, facts: Any) -> None:
        """Commit the next shard."""
        shards.commit(self.work, self.done, table, facts)
        self.done += 1

    def committed(self, index: int) -> tuple[pa.Table, Any]:
        """A shard and its facts, verified."""
        return shards.read_committed(self.work, index)

    def publish(self, facts: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
        """Write the file out of the shards, then its facts, and end the work."""
        with runs.atomic_file(self.out) as aside:
            with _writer(aside, self.out, schema) as write:
                for index in range(self.done):
                    write(self.committed(index)[0].replace_schema_metadata(None))
            facts = {"plan": self.plan, "sha256": runs.sha256(aside), **facts}
        runs.write_json(facts_of(self.out), facts)
        self.clear()
        return facts

    def clear(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)


@contextmanager
def _writer(aside: Path, out: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Yield what appends a table to the file, in the format that the name `out` ends in."""
    if out.name.endswith(".parquet"):
        with pq.ParquetWriter(aside, schema, compression="zstd", write_page_checksum=True) as file:
            yield file.write_table
        return
    with open(aside, "w", encoding="utf-8", newline="") as stream:
        if out.name.endswith(".jsonl"):
            yield lambda table: stream.writelines(_json_lines(table))
            return
        writer = csv.writer(stream, delimiter=DELIMITERS[out.suffix])
        writer.writerow(schema.names)
        yield lambda table: writer.writerows(row.values() for row in table.to_pylist())


def _json_lines(table: pa.Table) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
