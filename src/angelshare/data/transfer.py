"""Transfer sets: texts with a teacher's logits, computed once and stored."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32

from angelshare.data import shards
from angelshare.errors import DamagedFile, DataError, Taken
from angelshare.runs import MANIFEST, write_json

KIND = "transfer set"
PLAN = "plan.json"


@dataclass(frozen=True, eq=False)
class TransferRows:
    """Rows of a transfer set.

    Attributes
    ----------
    logits : (rows, labels) the teacher's unnormalised log-odds, nats.
    source : (rows,) name of the file or set that each text came from.
    weight : (rows,) non-negative weight in the losses.
    split : (rows,) "train" unless the maker said otherwise.
    """

    ids: np.ndarray
    texts: list[str]
    logits: Float32[np.ndarray, "rows labels"]
    source: np.ndarray
    weight: Float32[np.ndarray, " rows"]
    split: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def of(
        cls,
        ids: Sequence[str] | np.ndarray,
        texts: Sequence[str],
        logits: Float[np.ndarray, "rows labels"],
        *,
        source: str | Sequence[str] | np.ndarray = "",
        weight: float | np.ndarray = 1.0,
        split: str | Sequence[str] | np.ndarray = "train",
    ) -> "TransferRows":
        """Rows whose source, weight and split may be one value for all of them."""
        n = len(texts)
        return cls(
            ids=np.array(list(ids), dtype=object),
            texts=list(texts),
            logits=np.asarray(logits, dtype=np.float32),
            source=np.array([source] * n if isinstance(source, str) else list(source), dtype=object),
            weight=np.broadcast_to(np.asarray(weight, dtype=np.float32), (n,)).copy(),
            split=np.array([split] * n if isinstance(split, str) else list(split), dtype=object),
        )

    def take(self, index: np.ndarray) -> "TransferRows":
        """The rows at `index` (positions, or a True a row), in that order."""
        at = np.flatnonzero(index) if index.dtype == bool else index
        texts = [self.texts[i] for i in at]
        return TransferRows(self.ids[at], texts, self.logits[at], self.source[at], self.weight[at], self.split[at])

    @classmethod
    def joined(cls, parts: Sequence["TransferRows"]) -> "TransferRows":
        return cls(
            ids=np.concatenate([part.ids for part in parts]),
            texts=[text for part in parts for text in part.texts],
            logits=np.concatenate([part.logits for part in parts]),
            source=np.concatenate([part.source for part in parts]),
            weight=np.concatenate([part.weight for part in parts]),
            split=np.concatenate([part.split for part in parts]),
        )


def recut(parts: Iterable[TransferRows], rows: int) -> Iterator[TransferRows]:
    """The same rows in pieces of exactly `rows`, the last one shorter."""
    held: list[TransferRows] = []
    for part in parts:
        held.append(part)
        while sum(map(len, held)) >= rows:
            whole = TransferRows.joined(held)
            yield whole.take(np.arange(rows))
            held = [whole.take(np.arange(rows, len(whole)))]
    if sum(map(len, held)):
        yield TransferRows.joined(held)


def _to_arrow(rows: TransferRows, labels: int) -> pa.Table:
    lengths = {len(rows.ids), len(rows.texts), len(rows.logits), len(rows.source), len(rows.weight), len(rows.split)}
    if len(lengths) != 1 or rows.logits.shape[1:] != (labels,):
        raise ValueError(
            f"logits must be ({len(rows.texts)}, {labels}) and all columns as long, not {rows.logits.shape}"
        )
    wrong = ~np.isfinite(rows.logits).all(axis=1)
    if wrong.any():
        raise DataError(
            f"The teacher's logits must be finite. Row '{rows.ids[int(np.argmax(wrong))]}' has "
            f"{rows.logits[int(np.argmax(wrong))].tolist()} instead. "
            f"Drop that text, or use another teacher or precision."
        )
    logits = pa.FixedSizeListArray.from_arrays(pa.array(rows.logits.ravel(), pa.float32()), labels)
    return pa.table(
        {
            "id": pa.array(rows.ids, pa.string()),
            "text": pa.array(rows.texts, pa.string()),
            "logits": logits,
            "source": pa.array(rows.source, pa.string()),
            "weight": pa.array(rows.weight, pa.float32()),
            "split": pa.array(rows.split, pa.string()),
        }
    )


def _from_arrow(table: pa.Table, labels: int) -> TransferRows:
    logits = table.column("logits").combine_chunks()
    flat = logits.flatten().to_numpy(zero_copy_only=False)
    return TransferRows(
        ids=np.array(table.column("id").to_pylist(), dtype=object),
        texts=table.column("text").to_pylist(),
        logits=flat.reshape(-1, labels).astype(np.float32, copy=False),
        source=np.array(table.column("source").to_pylist(), dtype=object),
        weight=table.column("weight").to_numpy(),
        split=np.array(table.column("split").to_pylist(), dtype=object),
    )


def refuse_strangers(directory: Path) -> None:
    """Raises DataError where a set would be written over something else; one that was begun or made is none."""
    if directory.exists() and not directory.is_dir():
        raise DataError(f"{directory} is a file: a transfer set needs a directory of its own. Name another.")
    if not directory.is_dir() or (directory / MANIFEST).exists() or (directory / PLAN).exists():
        return
    if any(not found.name.endswith(".partial") for found in directory.iterdir()):
        raise DataError(
            f"{directory} holds files that are no transfer set, and nothing is written over. Name another directory."
        )


class TransferWriter:
    """Fills a transfer set shard by shard, and goes on where a killed run stopped.

    Parameters
    ----------
    teacher : the teacher's fingerprint.
    plan_digest : sha256 of what is to be labelled and how it is cut into shards.

    Attributes
    ----------
    done : the shards that are committed.
    job : a name that this set keeps from its beginning to its end, over interruptions; "" once it is finished.

    Raises
    ------
    DataError
        When the directory holds something else: another teacher's set, other texts, or other files.
    DamagedFile
        When a committed shard is not as it was written.
    """

    def __init__(
        self, directory: str | Path, *, labels: Sequence[str], multilabel: bool, teacher: str, plan_digest: str
    ) -> None:
        self.directory = Path(directory)
        self.plan: dict[str, Any] = {
            "kind": KIND,
            "labels": list(labels),
            "multilabel": bool(multilabel),
            "teacher": teacher,
            "plan": plan_digest,
        }
        self.job = ""
        self._claim()
        shards.clean(self.directory)
        self.done: set[int] = set(shards.committed(self.directory))

    def _claim(self) -> None:
        manifest, plan = self.directory / MANIFEST, self.directory / PLAN
        if manifest.exists():
            self._compare(shards.sealed_manifest(self.directory))
            plan.unlink(missing_ok=True)
        elif plan.exists():
            try:
                found = json.loads(plan.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise DamagedFile(f"{plan} is damaged: {error}. Remove {self.directory} and begin again.") from error
            if self._differs(found) and _is_plan(found) and not self._begun:
                self._begin(plan)  # nothing was committed yet, so nothing can be lost
                return
            self._compare(found)
            self.job = str(found.get("job", ""))
        else:
            refuse_strangers(self.directory)
            self._begin(plan)

    def _begin(self, plan: Path) -> None:
        self.job = uuid.uuid4().hex
        write_json(plan, {**self.plan, "job": self.job})

    @property
    def _begun(self) -> bool:
        return (self.directory / shards.marker_name(0)).exists()

    def _differs(self, found: Any) -> str | None:
        """The first key of the plan that says something else."""
        keys = ("kind", "teacher", "labels", "multilabel", "plan")
        return next((key for key in keys if not isinstance(found, dict) or found.get(key) != self.plan[key]), None)

    def _compare(self, found: Any) -> None:
        what = {"kind": "something else", "plan": "other texts or options", "teacher": "another teacher's logits"}
        what |= {"labels": "other labels", "multilabel": "another kind of labels"}
        key = self._differs(found)
        if key is not None:
            raise Taken(
                f"{self.directory} already holds {what[key]}, and nothing is written over. "
                f"Name another directory, or remove this one."
            )

    @property
    def finished(self) -> bool:
        return (self.directory / MANIFEST).exists()

    def commit(self, index: int, rows: TransferRows, facts: Any = None) -> None:
        """Commit the rows of shard `index`, and facts (JSON) about them that `committed` gives back.

        Raises
        ------
        DataError : logits are not finite, or the disk is full.
        """
        shards.commit(self.directory, index, _to_arrow(rows, len(self.plan["labels"])), facts)
        self.done.add(index)

    def committed(self, index: int) -> tuple[TransferRows, Any]:
        """The rows and facts of a shard of a set that is not finished yet, verified."""
        table, facts = shards.read_committed(self.directory, index)
        return _from_arrow(table, len(self.plan["labels"])), facts

    def withdraw(self) -> None:
        """Take the beginning back where nothing was committed: a command that is refused leaves nothing."""
        if not self.finished and not self.done:
            (self.directory / PLAN).unlink(missing_ok=True)
            with suppress(OSError):  # something else is in it
                self.directory.rmdir()

    def finish(self, **facts: Any) -> "TransferSet":
        """Write the manifest, with `facts` in it; raises DataError when a shard is still to be made."""
        if not self.finished:
            shards.finish(self.directory, **facts, **self.plan)
        for index in self.done:
            (self.directory / shards.marker_name(index)).unlink(missing_ok=True)
        (self.directory / PLAN).unlink(missing_ok=True)
        return TransferSet(self.directory)


def _is_plan(found: Any) -> bool:
    return isinstance(found, dict) and found.get("kind") == KIND


class TransferSet:
    """A finished transfer set; opening reads its manifest, reading verifies each shard.

    Attributes
    ----------
    labels, multilabel : of the teacher's logits.
    teacher : the teacher's fingerprint.
    count : number of rows.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        if not (self.directory / MANIFEST).exists():
            unfinished = (self.directory / PLAN).exists()
            what = (
                "is an unfinished transfer set: run the same label command again"
                if unfinished
                else "is no transfer set"
            )
            raise DataError(
                f"{self.directory} {what}{'' if unfinished else ', it has no manifest: make one with label'}."
            )
        self.manifest = shards.sealed_manifest(self.directory)
        if self.manifest.get("kind") != KIND:
            raise DataError(f"{self.directory} is no transfer set. Name a directory made by label.")
        self.labels: tuple[str, ...] = tuple(self.manifest["labels"])
        self.multilabel: bool = self.manifest["multilabel"]
        self.teacher: str = self.manifest["teacher"]
        self.plan: str = self.manifest["plan"]
        self.count: int = self.manifest["count"]

    def __len__(self) -> int:
        return self.count

    def verify(self) -> None:
        """Raise DamagedFile naming the first shard that is not as it was written."""
        shards.committed(self.directory)

    def chunks(self) -> Iterator[TransferRows]:
        """One shard at a time, in order, each verified."""
        for table in shards.read_shards(self.directory):
            yield _from_arrow(table, len(self.labels))

    def read(self) -> TransferRows:
        """All rows, in order, every shard verified."""
        return TransferRows.joined(list(self.chunks()))


def open_transfer(directory: str | Path) -> TransferSet:
    """Open a finished transfer set and verify every file of it.

    Raises
    ------
    DataError
        When the directory is no transfer set, or an unfinished one.
    DamagedFile
        Naming the first file that is not as it was written.
    """
    found = TransferSet(directory)
    found.verify()
    return found
