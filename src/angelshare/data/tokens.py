"""A corpus as token ids on disk: tokenised once, mapped into memory, resumable, the same bytes however often killed."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from angelshare import runs
from angelshare.data.stream import Part, Source
from angelshare.data.tables import hashed
from angelshare.errors import DamagedFile, DataError
from angelshare.progress import progress, say

__all__ = ["Sequences", "StoreOptions", "TokenStore", "Tokeniser", "is_store", "tokenise"]

PARTS = ("train", "dev")
WIDTHS = {"tokens": "<u4", "starts": "<i8", "lengths": "<i4"}
"""The files of a part; `tokens` are of two bytes where the vocabulary allows it."""

COUNTS = "counts"
COUNTED = ("texts", "left_out", "short", "unknown", *PARTS)
BEGUN = "begun.json"
KIND = "token store"

COMMIT = 1 << 20
"""Tokens between two commits: what a killed run does again, and what is held of it."""

BLOCK = 1 << 18
"""Tokens that are counted at a time: `bincount` makes eight bytes of each."""


@dataclass(frozen=True, eq=False)
class Tokeniser:
    """What a store asks of a tokenizer.

    Attributes
    ----------
    ids : texts -> the ids of each, without marks at its ends.
    before, after : the marks at the ends of a sequence.
    unknown : id of what the vocabulary has not.
    vocabulary : how many ids there are.
    fingerprint : sha256 of what decides the ids.
    """

    ids: Callable[[Sequence[str]], list[list[int]]]
    before: tuple[int, ...]
    after: tuple[int, ...]
    unknown: int | None
    vocabulary: int
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class StoreOptions:
    """Which sequences a corpus becomes.

    Attributes
    ----------
    max_length : tokens of a sequence, its marks included; longer texts become several.
    shortest : shorter sequences are dropped (12 in Sanh et al. 2019's code).
    unknown : sequences with this share of unknown tokens or more are dropped (a half there).
    share : of the texts that are kept, by their hash.
    dev_share : of these, held out by their hash; equal texts fall to one side.
    """

    max_length: int = 512
    shortest: int = 12
    unknown: float = 0.5
    share: float = 1.0
    dev_share: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or not 0 < self.dev_share < 1:
            raise DataError(
                "The corpus's share must be above 0 and at most 1, that of the dev part between 0 and 1. "
                f"Got {self.share} and {self.dev_share} instead."
            )

    def part(self, text: str) -> str:
        """Where a text falls by its hash, train or dev; empty where it is left out."""
        if hashed(f"share/{text}") >= self.share:
            return ""
        return "dev" if hashed(f"dev/{text}") < self.dev_share else "train"


@dataclass(frozen=True, eq=False)
class Sequences:
    """Token ids of all sequences in one flat array, mapped from the file.

    Attributes
    ----------
    tokens : (all tokens,)
    starts : (sequences,) where each begins in `tokens`.
    lengths : (sequences,) tokens of each.
    """

    tokens: Int[np.ndarray, " tokens"]
    starts: Int[np.ndarray, " sequences"]
    lengths: Int[np.ndarray, " sequences"]

    def __len__(self) -> int:
        return len(self.lengths)


class TokenStore:
    """A finished store, its files verified.

    Attributes
    ----------
    facts : what it was made of, and what was counted on the way.
    counts : (vocabulary,) how often each token stands in it.

    Raises
    ------
    DamagedFile : a file is not as its manifest says.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.facts = {name: value for name, value in runs.verify(directory).items() if name != "files"}
        if self.facts.get("kind") != KIND:
            raise DamagedFile(f"{directory} is no token store. Name a corpus, or the store that was made of one.")
        self.counts = np.fromfile(directory / COUNTS, dtype="<i8")
        self.train, self.dev = (self._part(name) for name in PARTS)

    def _part(self, part: str) -> Sequences:
        widths = _widths(self.facts["vocabulary"])
        return Sequences(**{name: np.memmap(self.directory / f"{part}.{name}", at, "r") for name, at in widths.items()})

    @property
    def fingerprint(self) -> str:
        return runs.fingerprint(runs.read_manifest(self.directory)["files"])


def is_store(directory: str | Path) -> bool:
    """Whether a finished store lies there."""
    try:
        found = json.loads((Path(directory) / runs.MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("kind") == KIND


def tokenise(
    sources: Sequence[Source], directory: Path, tokeniser: Tokeniser, options: StoreOptions | None = None
) -> TokenStore:
    """Make a store of the sources' texts, or go on with it; of what went by nothing is held.

    Raises
    ------
    DataError : a source is empty or cannot be read, too little is left for a training and a dev part, or `directory`
        holds something else.
    DamagedFile : what was committed is not there any more.
    """
    options = options or StoreOptions()
    made_of = {
        "sources": [source.digest for source in sources],
        "tokenizer": tokeniser.fingerprint,
        "options": asdict(options),
    }
    plan = runs.digest(json.dumps(made_of, sort_keys=True))
    if (directory / runs.MANIFEST).exists():
        store = TokenStore(directory)
        if store.facts.get("plan") != plan:
            raise DataError(f"{directory} was made of another corpus, tokenizer or options. Name another --out.")
        (directory / BEGUN).unlink(missing_ok=True)  # killed just before its end
        return store
    files = _Files(directory, plan, tokeniser.vocabulary)
    rows = None if any(source.rows is None for source in sources) else sum(source.rows or 0 for source in sources)
    made = _Made(tokeniser, options)
    with progress("tokenise", rows, done=files.counted["texts"]) as advance:
        texts = 0
        for part in _parts(sources):
            texts += len(part.texts)
            if texts <= files.counted["texts"]:
                continue
            made.add(part.texts)
            advance(len(part.texts))
            if made.tokens >= COMMIT:
                files.commit(made)
    found = files.counted + made.counted
    if not found["train"] or not found["dev"]:
        files.clear()
        raise DataError(_too_little(found, options))
    if made.counted["texts"]:
        files.commit(made)
    files.finish({"kind": KIND, "plan": plan, "vocabulary": tokeniser.vocabulary, **made_of})
    for name in ("short", "unknown"):
        if found[name]:
            say(f"{directory.name}: {found[name]:,} sequences dropped: {'half ' * (name == 'unknown')}{name}.")
    return TokenStore(directory)


def _too_little(found: Counter[str], options: StoreOptions) -> str:
    return (
        f"{found['texts']:,} texts leave {found['train']:,} sequences to train on and {found['dev']:,} to assess, and "
        f"there must be one of each ({found['short']:,} of under {options.shortest} tokens and {found['unknown']:,} of "
        "unknown tokens are dropped). Give more texts, or a larger --dev-share."
    )


def _parts(sources: Sequence[Source]) -> Iterator[Part]:
    for source in sources:
        empty = True
        for part in source.open():
            empty = False
            yield part
        if empty:
            raise DataError(f"{source.where} has no rows. Give a file with at least one text.")


def _widths(vocabulary: int) -> dict[str, str]:
    return {**WIDTHS, "tokens": "<u2"} if vocabulary <= 1 << 16 else WIDTHS


class _Made:
    """Sequences that are not committed yet, by part, and what was counted on the way."""

    def __init__(self, tokeniser: Tokeniser, options: StoreOptions) -> None:
        self.tokeniser, self.options = tokeniser, options
        self.clear()

    def clear(self) -> None:
        self.found: dict[str, list[Int[np.ndarray, " tokens"]]] = {part: [] for part in PARTS}
        self.counted, self.tokens = Counter(dict.fromkeys(COUNTED, 0)), 0

    def add(self, texts: Sequence[str]) -> None:
        kept = [text for text in texts if self.options.part(text)]
        self.counted["texts"] += len(texts)
        self.counted["left_out"] += len(texts) - len(kept)
        for text, ids in zip(kept, self.tokeniser.ids(kept) if kept else [], strict=True):
            part = self.options.part(text)
            for sequence in self._cut(ids):
                why = self._unfit(sequence)
                self.counted[why or part] += 1
                if not why:
                    self.found[part].append(np.array(sequence, dtype=np.int32))  # a tenth of a list of them
                    self.tokens += len(sequence)

    def _cut(self, ids: list[int]) -> Iterator[list[int]]:
        before, after = self.tokeniser.before, self.tokeniser.after
        room = max(self.options.max_length - len(before) - len(after), 1)
        return ([*before, *ids[start : start + room], *after] for start in range(0, len(ids), room))

    def _unfit(self, sequence: list[int]) -> str:
        if len(sequence) < self.options.shortest:
            return "short"
        unknown = self.tokeniser.unknown
        strange = unknown is not None and sequence.count(unknown) >= self.options.unknown * len(sequence)
        return "unknown" if strange else ""


class _Files:
    """The files of a store that is not finished: they grow, and only what their journal says of them counts."""

    def __init__(self, directory: Path, plan: str, vocabulary: int) -> None:
        self.directory, self.plan, self.widths = directory, plan, _widths(vocabulary)
        self.vocabulary = vocabulary
        self.counted = Counter(dict.fromkeys(COUNTED, 0))
        self.sizes = {f"{part}.{name}": 0 for part in PARTS for name in self.widths}
        if not directory.exists() or not any(directory.iterdir()):
            return
        journal = self._journal()
        if journal.get("plan") != plan:
            raise DataError(
                f"{directory} holds something else, or an unfinished store of another corpus, tokenizer or options. "
                "Name another --out, or delete it to begin anew."
            )
        self.counted.update(journal["counted"])
        self.sizes = journal["sizes"]
        with runs.full_disk(directory):
            for name, size in self.sizes.items():
                with open(directory / name, "ab") as file:
                    if file.tell() < size:
                        raise DamagedFile(f"{directory / name} is shorter than was committed. Delete {directory}.")
                    file.truncate(size)
        say(f"{directory}: goes on after {self.counted['texts']:,} texts.")

    def _journal(self) -> dict[str, Any]:
        try:
            found = json.loads((self.directory / BEGUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def commit(self, made: _Made) -> None:
        """Append what was made, then the journal that says so."""
        with runs.full_disk(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
            if not self.counted["texts"]:
                self._write_journal()  # before any file: what lies here is ours from the first byte on
            for part, sequences in made.found.items():
                self._append(part, sequences)
        self.counted.update(made.counted)
        self._write_journal()
        made.clear()

    def _append(self, part: str, sequences: Sequence[Int[np.ndarray, " tokens"]]) -> None:
        lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
        first = self.sizes[f"{part}.tokens"] // np.dtype(self.widths["tokens"]).itemsize
        columns: Mapping[str, Any] = {
            "tokens": np.concatenate([np.zeros(0, dtype=np.int32), *sequences]),
            "starts": first + np.cumsum(lengths) - lengths,
            "lengths": lengths,
        }
        for name, values in columns.items():
            path = self.directory / f"{part}.{name}"
            with open(path, "ab") as file:
                file.write(values.astype(self.widths[name]).tobytes())
            runs.fsync(path)
            self.sizes[path.name] = path.stat().st_size

    def _write_journal(self) -> None:
        facts = {"plan": self.plan, "counted": dict(self.counted), "sizes": self.sizes}
        runs.write_json(self.directory / BEGUN, facts)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Count the tokens, and write the manifest that makes it a store."""
        counts = np.zeros(self.vocabulary, dtype=np.int64)
        for part in PARTS:
            tokens = np.memmap(self.directory / f"{part}.tokens", self.widths["tokens"], "r")
            for start in range(0, len(tokens), BLOCK):
                counts += np.bincount(tokens[start : start + BLOCK], minlength=self.vocabulary)
        with runs.atomic_file(self.directory / COUNTS) as aside:
            aside.write_bytes(counts.astype("<i8").tobytes())
        hashes = {name: runs.sha256(self.directory / name) for name in (*self.sizes, COUNTS)}
        manifest = {**facts, "counted": dict(self.counted), "tokens": int(counts.sum()), "files": hashes}
        runs.write_json(self.directory / runs.MANIFEST, manifest)
        (self.directory / BEGUN).unlink()

    def clear(self) -> None:
        if self.counted["texts"]:
            shutil.rmtree(self.directory, ignore_errors=True)
