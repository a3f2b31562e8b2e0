"""What a distillation starts from: teacher, texts to label, golden rows, and rows that choose checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from angelshare import runs
from angelshare.data.tables import Columns, Table, read
from angelshare.data.transfer import TransferRows, TransferSet, open_transfer
from angelshare.errors import ModelError
from angelshare.progress import say
from angelshare.training.augmented import augmented
from angelshare.training.label import LabelOptions, label, loaded, teacher_fingerprint
from angelshare.training.options import DistilOptions
from angelshare.training.rows import Rows, aligned, concatenated, golden_rows, joined, table_digest
from angelshare.training.twins import Twins, labelled
from angelshare.training.workplace import Workplace
from angelshare.types import Classifier

__all__ = ["Material", "gather"]


@dataclass(frozen=True, eq=False)
class Material:
    """All that decides the rows of a distillation, read and checked before anything is labelled or trained.

    Attributes
    ----------
    given : a transfer set that was made before.
    tables : what is left for the teacher to label: golden rows first.
    gold, dev : golden labels in the teacher's order.
    """

    labels: tuple[str, ...]
    multilabel: bool
    teacher: Classifier | None
    teacher_fingerprint: str
    given: TransferSet | None
    tables: tuple[Table, ...]
    gold: Table | None
    dev: Table | None
    options: DistilOptions

    @property
    def digests(self) -> dict[str, str | None]:
        """A sha256 of each part."""
        return {
            "given": None if self.given is None else runs.sha256(self.given.directory / runs.MANIFEST),
            "texts": runs.digest(*(table_digest(table) for table in self.tables)),
            "gold": None if self.gold is None else table_digest(self.gold),
            "dev": None if self.dev is None else table_digest(self.dev),
        }

    def label(self, place: Workplace) -> tuple[Rows, Rows]:
        """(rows to train on, dev rows); the teacher is asked for what it has not labelled yet."""
        found: list[TransferRows] = [] if self.given is None else [self.given.read()]
        if self.tables:
            assert self.teacher is not None  # gather() saw to it
            options = LabelOptions(not_in=self.options.not_in)
            transfer = label(
                self.teacher, self.tables, place.out.parent / f"{place.out.name}.transfer", options=options
            )
            found.append(transfer.read())
        rows = concatenated([joined(part, self.labels, self.multilabel, self.gold) for part in found])
        if self.dev is None:
            rows, held = rows.split(self.options.dev_fraction, self.options.seed)
        else:
            apart, held = set(self.dev.texts), golden_rows(self.dev)
            rows = rows.take(np.array([text not in apart for text in rows.texts]))
        wanted = self.options.augment
        if wanted is None:
            return rows, held
        assert self.teacher is not None  # gather() saw to it
        more = augmented(rows, held, self.teacher, wanted, self.options.not_in, place.out)
        return concatenated([rows, more]), held

    def twins(self, rows: Rows, held: Rows, place: Workplace) -> Twins | None:
        """The twins of the rows' texts, which the teacher labels, too; None where no mixup is asked for."""
        if self.options.mixup is None:
            return None
        assert self.teacher is not None  # gather() saw to it
        return labelled(rows, held, self.teacher, self.options.mixup, self.options.not_in, place.out)


def gather(
    teacher: Classifier | str | Path | None,
    texts: Table | str | Path | Sequence[Table | str | Path],
    gold: Table | str | Path | None,
    dev: Table | str | Path | None,
    columns: Columns | None,
    options: DistilOptions,
) -> Material:
    """Read what is given, and see that it fits together.

    Raises
    ------
    ModelError : labels differ between teacher, transfer set and golden data; or rows need a teacher and there is none.
    """
    columns = columns or Columns()
    sources = [texts] if isinstance(texts, Table | str | Path) else list(texts)
    if _is_directory(sources) and (Path(sources[0]) / "config.json").exists():  # type: ignore[arg-type]
        raise ModelError(f"{sources[0]} is a model, not a transfer set. Give texts, or what `label` made.")
    given = open_transfer(Path(sources[0])) if _is_directory(sources) else None  # type: ignore[arg-type]
    asked = None if teacher is None else loaded(teacher)
    known = given if given is not None else asked
    if options.augment is not None:
        if asked is None:
            raise ModelError("Augmented texts need the --teacher that labels them. Name it.")
        options.augment.check()
    if options.mixup is not None and asked is None:
        raise ModelError("The twins of texts need the --teacher that labels them. Name it.")
    if known is None:
        raise ModelError("Texts need a --teacher to label them. Name one, or give a transfer set made by label.")
    labels, multilabel = tuple(known.labels), known.multilabel
    golden, held = _golden(gold, dev, columns, labels, multilabel, options)
    tables = [] if golden is None else [golden]
    if given is None:
        tables += [source if isinstance(source, Table) else read(source, _plain(columns)) for source in sources]
    seen = set() if given is None else set(given.read().texts)
    if options.mixup is not None:
        options.mixup.check(chain(seen, *(table.texts for table in tables)))
    left = tuple(_without(table, seen, held) for table in tables)
    left = tuple(table for table in left if len(table))
    if left and asked is None:
        raise ModelError(f"{left[0].source} has texts that {sources[0]} lacks. Name the --teacher that labels them.")
    marks = {teacher_fingerprint(asked)} if asked is not None else set()
    if given is not None:
        marks.add(given.teacher)
    if len(marks) > 1:
        raise ModelError(f"{sources[0]} was labelled by another teacher. Name that one, or label the texts again.")
    return Material(labels, multilabel, asked, marks.pop(), given, left, golden, held, options)


def _is_directory(sources: Sequence[Table | str | Path]) -> bool:
    return len(sources) == 1 and isinstance(sources[0], str | Path) and Path(sources[0]).is_dir()


def _plain(columns: Columns) -> Columns:
    return Columns(text=columns.text, id=columns.id)


def _golden(
    gold: Table | str | Path | None,
    dev: Table | str | Path | None,
    columns: Columns,
    labels: tuple[str, ...],
    multilabel: bool,
    options: DistilOptions,
) -> tuple[Table | None, Table | None]:
    """Golden rows to train on, and those that choose checkpoints: a hashed share of them where none is named."""
    read_gold = gold if gold is None or isinstance(gold, Table) else read(gold, columns, names=labels)
    read_dev = dev if dev is None or isinstance(dev, Table) else read(dev, columns, names=labels)
    golden = None if read_gold is None else aligned(read_gold, labels, multilabel)
    held = None if read_dev is None else aligned(read_dev, labels, multilabel)
    if held is None and golden is not None:
        golden, held = golden.split(options.dev_fraction, options.seed)
    return golden, held


def _without(table: Table, seen: set[str], held: Table | None) -> Table:
    """The rows whose text is neither labelled by an earlier table nor a dev row; notes the texts in `seen`."""
    dev = set() if held is None else set(held.texts)
    kept = np.array([text not in seen and text not in dev for text in table.texts], dtype=bool)
    if not kept.all():
        count = int((~kept).sum())
        say(f"{table.name}: {count:,} of {len(table):,} were golden, dev or labelled already, and are taken once.")
    seen.update(table.texts)
    return table.take(kept)
