"""Sorting scores: the dearest step of a ranking metric, so a radix sort, in threads."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from jaxtyping import Bool, Float64, Int32

from angelshare.stats.compiled import compiled, side_by_side, spans

DIGIT = 11
"""Bits of a key that one pass sorts by; three passes make 32."""

PATIENCE = 16
"""Moves a row that insertion may cost before a long run of level keys is sorted afresh."""

SAMPLE = 1024
"""Scores that decide how keys are made."""

SMALL = 4096
"""Rows below which NumPy sorts faster."""


@compiled
def _key(score, low, scale, shift):
    """A 32-bit key that never falls as the score rises: its place in the range, or the leading bits of the float."""
    if scale > 0:
        return np.uint64((score - low) * scale)
    return (_rising(score) - _rising(low)) >> shift


@compiled
def _rising(score):
    """The bits of a float64 as an integer that sorts like it; adding 0 makes -0.0 and 0.0 one score."""
    bits = np.float64(score + 0.0).view(np.uint64)
    sign = np.uint64(1 << 63)
    return ~bits if bits & sign else bits | sign


@compiled
def _record(scores, start, stop, low, scale, shift, records):
    """The key in the upper half of each record, the row in the lower."""
    for row in range(start, stop):
        records[row] = _key(scores[row], low, scale, shift) << np.uint64(32) | np.uint64(row)


@compiled
def _count(records, shift, counts):
    low = np.uint64(len(counts) - 1)
    for record in records:
        counts[(record >> shift) & low] += 1


@compiled
def _scatter(records, shift, places, target):
    low = np.uint64(len(places) - 1)
    for record in records:
        value = (record >> shift) & low
        target[places[value]] = record
        places[value] += 1


@compiled
def _settle(records, scores, start, stop, order, tied):
    """Rows in order of their records; where keys are level, the scores decide. Marks rows level with the row before."""
    half, rows = np.uint64(32), np.uint64(0xFFFFFFFF)
    while start < stop and start > 0 and records[start] >> half == records[start - 1] >> half:
        start += 1
    first = start
    while first < stop:
        end = first + 1
        order[first] = np.int32(records[first] & rows)
        while end < len(records) and records[end] >> half == records[first] >> half:
            order[end] = np.int32(records[end] & rows)
            end += 1
        if end - first > 1:
            _insert(order, scores, first, end)
            for i in range(first + 1, end):
                tied[i] = scores[order[i]] == scores[order[i - 1]]
        first = end


@compiled
def _insert(order, scores, first, end):
    moves, limit = 0, PATIENCE * (end - first)
    for i in range(first + 1, end):
        row = order[i]
        at = i
        while at > first and scores[order[at - 1]] > scores[row] and moves < limit:
            order[at] = order[at - 1]
            at -= 1
            moves += 1
        order[at] = row
    if moves >= limit:
        run = np.sort(order[first:end])
        chosen = np.argsort(scores[run], kind="mergesort")
        for i in range(len(run)):
            order[first + i] = run[chosen[i]]


def ascending(scores: Float64[np.ndarray, " rows"]) -> Int32[np.ndarray, " rows"]:
    """The order that sorts scores without NaN; ties keep the order of their rows."""
    return ascending_and_tied(scores)[0]


def ascending_and_tied(
    scores: Float64[np.ndarray, " rows"],
) -> tuple[Int32[np.ndarray, " rows"], Bool[np.ndarray, " rows"]]:
    """The order that sorts scores without NaN, and whether each of the sorted scores equals the one before it."""
    scores = np.ascontiguousarray(scores, dtype=np.float64)
    tied = np.zeros(len(scores), dtype=bool)
    if len(scores) < SMALL:
        order = np.argsort(scores, kind="stable").astype(np.int32)
        tied[1:] = scores[order[1:]] == scores[order[:-1]]
        return order, tied
    order = np.empty(len(scores), dtype=np.int32)
    records = _sorted_records(scores)
    side_by_side(lambda span: _settle(records, scores, span.start, span.stop, order, tied), spans(len(scores), SMALL))
    return order, tied


def _sorted_records(scores: np.ndarray) -> np.ndarray:
    low, scale, shift = _mapping(scores)
    cuts = spans(len(scores), SMALL)
    records, other = np.empty((2, len(scores)), dtype=np.uint64)
    side_by_side(lambda span: _record(scores, span.start, span.stop, low, scale, shift, records), cuts)
    for place in (32, 32 + DIGIT, 32 + 2 * DIGIT):
        counts = np.zeros((len(cuts), 1 << DIGIT), dtype=np.int64)
        at = np.uint64(place)
        source, target = records, other
        side_by_side(lambda job: _count(source[job[1]], at, counts[job[0]]), enumerate(cuts))  # noqa: B023
        before = np.cumsum(counts.T.reshape(-1)) - counts.T.reshape(-1)
        places = np.ascontiguousarray(before.reshape(-1, len(cuts)).T)
        side_by_side(lambda job: _scatter(source[job[1]], at, places[job[0]], target), enumerate(cuts))  # noqa: B023
        records, other = other, records
    return records


def _mapping(scores: np.ndarray) -> tuple[float, float, np.uint64]:
    """The lowest score, and the scale (0: none) or the shift of the bits: whichever tells more of a sample apart."""
    low, high = scores.min() + 0.0, scores.max() + 0.0
    shift = np.uint64(max(0, (int(_rising(high)) - int(_rising(low))).bit_length() - 32))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scale = float((2**32 - 1) / (high - low))
    if not (np.isfinite(scale) and scale > 0 and np.isfinite(high - low)):
        return float(low), 0.0, shift
    sample = scores[:: max(1, len(scores) // SAMPLE)]
    apart = [len({int(_key(score, low, each, shift)) for score in sample}) for each in (scale, 0.0)]
    return float(low), scale if apart[0] >= apart[1] else 0.0, shift
