"""One column's values into numbers and names, or one sentence about the first that cannot be."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64

from angelshare.data.readers import Chunk
from angelshare.errors import DataError

TRUTH = {"true": 1.0, "false": 0.0}
MISSING = frozenset({"", "nan", "null"})
"""How files that know no types spell that a value is missing."""

SURROGATES = "lone surrogates, which UTF-8 cannot spell: U+FFFD stands for each"
_SURROGATES = re.compile("[\ud800-\udfff]")


def lone_surrogates(values: Iterable[Any]) -> int:
    """How many of the strings hold a lone surrogate."""
    strings = [value for value in values if isinstance(value, str)]
    return 0 if _encodes(strings) else sum(_SURROGATES.search(value) is not None for value in strings)


def without_surrogates(values: list[str]) -> list[str]:
    """Replace lone surrogates, which JSON can spell and UTF-8 (so Parquet and tokenizers) cannot, by U+FFFD."""
    return values if _encodes(values) else [_SURROGATES.sub("\ufffd", value) for value in values]


def _encodes(values: list[str]) -> bool:
    try:
        "".join(values).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def shown(value: Any) -> str:
    """A value as a message shows it: short, and inert."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def is_missing(value: Any, *, typed: bool = False) -> bool:
    """Whether a value is missing; in a file that knows types, "nan" and "null" are names like others."""
    if isinstance(value, str):
        word = value.strip().casefold()
        return not word if typed else word in MISSING
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: Any) -> float:
    """A float out of a number, a boolean or their spelling; NaN when missing. Raises ValueError for all else."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            word = value.strip().casefold()
        if word in MISSING:
            return math.nan
        if word in TRUTH:
            return TRUTH[word]
        raise ValueError
    if value is None:
        return math.nan
    if isinstance(value, (list, dict, bytes)):
        raise ValueError
    return float(value)


def numbers(
    chunk: Chunk, column: str, *, what: str, low: float = 0.0, high: float = 1.0, missing: bool = False
) -> Float64[np.ndarray, " rows"]:
    """The column as numbers in [low, high].

    Parameters
    ----------
    what : what such a value is called in a message.
    missing : whether a value may be missing; it is then NaN.
    """
    values = chunk.values[column]

    def parse(value: Any) -> float:
        try:
            found = number(value)
        except (ValueError, TypeError, OverflowError):
            return math.inf
        return math.inf if math.isinf(found) or not (math.isnan(found) or low <= found <= high) else found

    result = _plain(values, low, high, missing)
    if result is None:
        result = np.fromiter(each(values, parse), dtype=np.float64, count=len(values))
    wrong = np.isinf(result) if missing else ~np.isfinite(result)
    if wrong.any():
        at = int(np.argmax(wrong))
        rule = f"in [{low:g}, {high:g}]" if math.isfinite(low) and math.isfinite(high) else "a finite number"
        if math.isfinite(low) and not math.isfinite(high):
            rule = f"a finite number of at least {low:g}"
        if np.isnan(result[at]):
            raise DataError(
                f"{chunk.place(at, column)}: the {what} is missing (NaN). Give one {rule}, or drop the row."
            )
        raise DataError(f"{chunk.place(at, column)}: a {what} must be {rule}. Got {shown(values[at])} instead.")
    return result


def _plain(values: Sequence[Any], low: float, high: float, missing: bool) -> Float64[np.ndarray, " rows"] | None:
    """The quick way for a column of nothing but numbers in range and blanks; None sends it the careful way."""
    try:
        if isinstance(values[0], str):
            spelled = pa.array(values, pa.string())
            blank = pc.equal(spelled, "")
            found = pc.if_else(blank, pa.scalar(None, pa.string()), spelled).cast(pa.float64()).to_numpy(False)
        else:
            found = np.fromiter(map(float, values), dtype=np.float64, count=len(values))
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return None
    fits = (found >= low) & (found <= high) & np.isfinite(found)
    return found if bool((fits | np.isnan(found) if missing else fits).all()) else None


def each(values: Sequence[Any], parse: Callable[[Any], Any]) -> Iterable[Any]:
    """Parse every value, but equal ones once: annotation columns repeat a handful of values."""
    try:
        parsed = {value: parse(value) for value in set(values)}
    except TypeError:
        return map(parse, values)
    return map(parsed.__getitem__, values)


def texts(chunk: Chunk, column: str, *, empty: bool = False) -> list[str]:
    """The column as texts. With `empty`, those that are missing or blank are empty strings, and no mistake."""
    values = chunk.values[column]
    if empty:
        values = ["" if is_missing(value, typed=True) else value for value in values]
    for at, value in enumerate(values):
        if not isinstance(value, str):
            if is_missing(value):
                raise DataError(f"{chunk.place(at, column)}: the text is missing. Give one, or drop the row.")
            raise DataError(f"{chunk.place(at, column)}: a text must be a string. Got {shown(value)} instead.")
        if not empty and (not value or value.isspace()):
            raise DataError(f"{chunk.place(at, column)}: the text is empty. Give one, or drop the row.")
    return without_surrogates(list(values))


def names(chunk: Chunk, column: str, what: str) -> list[str]:
    """The column as strings, none of them missing: ids and clusters."""
    values = chunk.values[column]
    for at, value in enumerate(values):
        if value is None or value == "" or value != value:
            raise DataError(f"{chunk.place(at, column)}: the {what} is missing. Give one, or drop the row.")
        if isinstance(value, (list, dict)):
            raise DataError(f"{chunk.place(at, column)}: a {what} must be one value. Got {shown(value)} instead.")
    return without_surrogates([value if isinstance(value, str) else str(value) for value in values])


def kinds(chunk: Chunk, column: str) -> list[str]:
    """The column as names of kinds; an empty string where a row is of none."""
    found = chunk.values[column]
    for at, value in enumerate(found):
        if isinstance(value, (list, dict)):
            raise DataError(f"{chunk.place(at, column)}: a kind must be one value. Got {shown(value)} instead.")
    return without_surrogates(["" if is_missing(value, typed=chunk.typed) else str(value).strip() for value in found])
