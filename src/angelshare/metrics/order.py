"""Sorting scores: the dearest step of a ranking metric, so a radix sort."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from jaxtyping import Float64, Int32

from angelshare.stats.compiled import compiled

DIGIT = 11
LOW = (1 << DIGIT) - 1
SMALL = 4096
"""Rows below which NumPy sorts faster."""


@compiled
def _keys(bits, records, counts, start, low, shift):
    """Records of (32 leading bits of the key above the lowest key, row), and how often each digit occurs."""
    for row in range(len(bits)):
        key = np.uint32((_ascending_bits(bits[row]) - low) >> shift)
        records[row] = np.uint64(key) << np.uint64(32) | np.uint64(start + row)
        counts[0, key & LOW] += 1
        counts[1, (key >> DIGIT) & LOW] += 1
        counts[2, key >> (2 * DIGIT)] += 1


@compiled
def _ascending_bits(bits):
    """The bits of a float64 as an integer that sorts like it."""
    sign = np.uint64(1 << 63)
    return ~bits if bits & sign else bits | sign


@compiled
def _scatter(source, target, counts, digit):
    total = 0
    for value in range(len(counts)):
        counts[value], total = total, total + counts[value]
    shift = np.uint64(32 + digit * DIGIT)
    for i in range(len(source)):
        value = (source[i] >> shift) & np.uint64(LOW)
        target[counts[value]] = source[i]
        counts[value] += 1


@compiled
def _settle(records, scores, order):
    """Rows in order of their records; where the leading bits are level, the whole scores decide."""
    n = len(records)
    first = 0
    while first < n:
        key = records[first] >> np.uint64(32)
        stop = first + 1
        order[first] = np.int32(records[first] & np.uint64(0xFFFFFFFF))
        level = True
        while stop < n and records[stop] >> np.uint64(32) == key:
            order[stop] = np.int32(records[stop] & np.uint64(0xFFFFFFFF))
            level = level and scores[order[stop]] == scores[order[first]]
            stop += 1
        if not level:
            part = order[first:stop].copy()
            chosen = np.argsort(scores[part], kind="mergesort")
            for i in range(len(part)):
                order[first + i] = part[chosen[i]]
        first = stop


def ascending(scores: Float64[np.ndarray, " rows"]) -> Int32[np.ndarray, " rows"]:
    """The order that sorts scores without NaN; ties keep the order of their rows."""
    if len(scores) < SMALL:
        return np.argsort(scores, kind="stable").astype(np.int32)
    scores = np.ascontiguousarray(scores, dtype=np.float64) + 0.0  # -0.0 and 0.0 are one score
    low, high = (int(_ascending_bits(edge.view(np.uint64))) for edge in (scores.min(), scores.max()))
    shift = max(0, (high - low).bit_length() - 32)
    records, counts = np.empty(len(scores), dtype=np.uint64), np.zeros((3, 1 << DIGIT), dtype=np.int64)
    _keys(scores.view(np.uint64), records, counts, 0, np.uint64(low), np.uint64(shift))
    other = np.empty_like(records)
    for digit in range(3):
        _scatter(records, other, counts[digit], digit)
        records, other = other, records
    order = np.empty(len(scores), dtype=np.int32)
    _settle(records, scores, order)
    return order
