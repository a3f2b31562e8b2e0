"""Answers that a teacher gave before: one SQLite file a teacher, keyed by the text's hash.

A job looks up what other jobs stored, never its own answers: it then asks about the same texts in the same batches
whether it was interrupted or not, and ends with the same bytes.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from angelshare.errors import DamagedFile, DataError
from angelshare.training.executors import Answers

__all__ = ["AnswerCache"]

AT_ONCE = 500
"""Texts a query: SQLite binds at most 999 values in its older builds."""


class AnswerCache:
    """A teacher's answers on disk.

    Parameters
    ----------
    fingerprint : the teacher's; it covers weights, configuration, tokenizer, precision and the length read.
    job : the name of the transfer set's job.

    Raises
    ------
    DataError : the folder cannot be used.
    """

    def __init__(self, folder: str | Path, fingerprint: str, labels: int, job: str) -> None:
        self.labels, self.job = labels, job
        name = hashlib.blake2b(fingerprint.encode(), digest_size=16).hexdigest()
        self.path = Path(folder) / f"{name}.sqlite"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{folder} cannot hold a cache: {error.strerror}. Name another --cache.") from error
        with self._guarded():
            self.base = sqlite3.connect(self.path, timeout=60)
            self.base.execute("PRAGMA journal_mode = WAL")
            self.base.execute("PRAGMA synchronous = NORMAL")
            self.base.execute(
                "CREATE TABLE IF NOT EXISTS answers "
                "(text BLOB PRIMARY KEY, logits BLOB NOT NULL, sum INTEGER NOT NULL, job TEXT NOT NULL) WITHOUT ROWID"
            )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DataError(f"{self.path} cannot be used: {error}. Name another --cache.") from error
        except sqlite3.DatabaseError as error:
            raise DamagedFile(f"{self.path} is damaged: {error}. Remove it, and its texts are scored again.") from error

    def get(self, texts: Sequence[str]) -> dict[int, Answers]:
        """The answers that are known, by the text's position.

        Raises
        ------
        DamagedFile : an answer differs from what was stored.
        """
        names = [_key(text) for text in texts]
        known: dict[bytes, Answers] = {}
        with self._guarded():
            for start in range(0, len(names), AT_ONCE):
                asked = names[start : start + AT_ONCE]
                marks = ",".join("?" * len(asked))
                query = f"SELECT text, logits, sum FROM answers WHERE text IN ({marks}) AND job != ?"
                for name, logits, total in self.base.execute(query, (*asked, self.job)):
                    known[name] = self._checked(name, logits, total)
        return {at: known[name] for at, name in enumerate(names) if name in known}

    def _checked(self, name: bytes, logits: bytes, total: int) -> Answers:
        if zlib.crc32(name + logits) != total or len(logits) != 4 * self.labels:
            raise DamagedFile(
                f"{self.path} is damaged: an answer differs from what was stored. Remove it, and its texts are scored "
                "again."
            )
        return np.frombuffer(logits, dtype="<f4").astype(np.float32)

    def put(self, texts: Sequence[str], logits: Answers) -> None:
        """Store answers; the first one given to a text stays."""
        blobs = [row.astype("<f4").tobytes() for row in logits]
        names = [_key(text) for text in texts]
        rows = [(n, blob, zlib.crc32(n + blob), self.job) for n, blob in zip(names, blobs, strict=True)]
        with self._guarded(), self.base:
            self.base.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", sorted(rows))

    def close(self) -> None:
        self.base.close()


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
