"""Single-label columns: names or integers, never both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from angelshare.data.readers import Chunk
from angelshare.data.values import is_missing, number, shown, without_surrogates
from angelshare.errors import DataError

Kind = Literal["integer", "name"]


def kind_of(value: Any) -> tuple[Kind, str] | None:
    """What a label is and its spelling ("1.0" is the integer 1); None for a fraction or a thing that is no label."""
    if isinstance(value, bool):
        return "name", str(value)
    if isinstance(value, str):
        word = value.strip()
        try:
            found = float(word)
        except ValueError:
            return "name", without_surrogates([word])[0]
        if word.isalpha():  # "nan" and "inf" are numbers to Python
            return "name", word
        return ("integer", str(int(found))) if found.is_integer() else None
    try:
        found = number(value)
        return ("integer", str(int(found))) if found.is_integer() else None
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass
class ClassColumn:
    """Collects one label column chunk by chunk; `names` are the labels allowed, in their order."""

    column: str
    names: Sequence[str] | None
    spelled: list[str] = field(default_factory=list)
    kind: Kind | None = None
    known: dict[str, str] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        for at, value in enumerate(chunk.values[self.column]):
            spelling = self.known.get(value) if isinstance(value, str) else None
            if spelling is None:
                spelling = self._spelling(chunk, at, value)
                if isinstance(value, str):
                    self.known[value] = spelling
            self.spelled.append(spelling)

    def _spelling(self, chunk: Chunk, at: int, value: Any) -> str:
        if self.names is not None:
            return self._allowed(chunk, at, value)
        where = chunk.place(at, self.column)
        if is_missing(value, typed=chunk.typed):
            raise DataError(f"{where}: the label is missing (NaN). Give one, or drop the row.")
        found = kind_of(value)
        if found is None:
            raise DataError(
                f"{where}: a label must be a name or an integer. Got {shown(value)} instead. "
                f"Name fractions as a toxicity column or as multi-label columns."
            )
        self._one_kind(chunk, at, value, found[0])
        return found[1]

    def _one_kind(self, chunk: Chunk, at: int, value: Any, kind: Kind) -> None:
        if self.kind is None:
            self.kind = kind
        elif self.kind != kind:
            other = "an integer" if self.kind == "integer" else "a name"
            raise DataError(
                f"{chunk.place(at, self.column)}: labels must all be names or all be integers. "
                f"Got {shown(value)} where the rows before have {other}."
            )

    def _allowed(self, chunk: Chunk, at: int, value: Any) -> str:
        assert self.names is not None
        spelled = value.strip() if isinstance(value, str) else str(value)
        if spelled in self.names:
            self._one_kind(chunk, at, value, "name")
            return spelled
        where = chunk.place(at, self.column)
        if is_missing(value, typed=chunk.typed):
            raise DataError(f"{where}: the label is missing (NaN). Give one, or drop the row.")
        found = kind_of(value)
        if found is not None and found[0] == "integer" and 0 <= int(found[1]) < len(self.names):
            self._one_kind(chunk, at, value, "integer")
            return self.names[int(found[1])]
        raise DataError(
            f"{where}: the label must be one of {', '.join(self.names)}, or an index of these. "
            f"Got {shown(value)} instead."
        )

    def finish(self) -> tuple[tuple[str, ...], Float32[np.ndarray, "rows labels"]]:
        """The labels in order, and a one-hot row a record."""
        labels = tuple(self._ordered())
        index = {label: at for at, label in enumerate(labels)}
        targets = np.zeros((len(self.spelled), len(labels)), dtype=np.float32)
        targets[np.arange(len(self.spelled)), [index[label] for label in self.spelled]] = 1
        return labels, targets

    def _ordered(self) -> Iterator[str]:
        if self.names is not None:
            yield from self.names
        elif self.kind == "integer":
            yield from map(str, sorted({int(label) for label in self.spelled}))
        else:
            yield from sorted(set(self.spelled))
