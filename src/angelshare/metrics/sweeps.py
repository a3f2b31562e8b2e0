"""One pass over rows sorted by score, for all groups, and for LANES bootstrap replicates abreast.

A row is one 64-bit code: a bit for each group, then whether its score ties with the row before, whether it is
annotated, and its label. A sweep returns, with doubled pair counts so that ties (a half each) stay whole numbers:

- sums (groups, 7): subgroup negatives; subgroup positives; 2 U(subgroup positives over subgroup negatives); twice
  the positives below or level with each subgroup negative (ties half); twice the negatives below each subgroup
  positive; twice the negatives below each subgroup negative; twice the positives below each subgroup positive;
- totals (5,): annotated negatives and positives, all negatives and positives, 2 U(all positives over all negatives).

Background areas follow by subtraction: U(BP, SN) = U(P, SN) - U(SP, SN). Sums are float64, exact to 2^53; float32
would be exact to 2^24 only.
"""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import itertools

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64, UInt8, UInt64

from angelshare.stats.abreast import AHEAD, LANES, add, add_product, fetch, lowest, widen
from angelshare.stats.compiled import compiled, side_by_side, spans, threads

GROUPS = 60
"""Groups in one code."""

SMALL = 20_000
"""Rows below which threads do not pay."""

TIED = np.uint64(1 << 60)
SEEN = np.uint64(1 << 61)
POSITIVE = np.uint64(1 << 62)
MEMBERS = np.uint64((1 << 60) - 1)


@compiled
def _pack(words, groups, positive, seen, all_seen, out):
    """`words` hold the rows' `groups` bits each, one row after the other."""
    mask = (np.uint64(1) << np.uint64(groups)) - np.uint64(1)
    for row in range(len(out)):
        at = row * groups
        word, bit = at >> 6, np.uint64(at & 63)
        code = words[word] >> bit
        if bit + np.uint64(groups) > np.uint64(64):
            code |= words[word + 1] << (np.uint64(64) - bit)
        code = (code & mask) | SEEN if all_seen or seen[row] else np.uint64(0)
        out[row] = code | POSITIVE if positive[row] else code


def pack(
    member: Bool[np.ndarray, "rows groups"],
    part: Int64[np.ndarray, " part"],
    positive: Bool[np.ndarray, " rows"],
    seen: Bool[np.ndarray, " rows"] | None,
) -> UInt64[np.ndarray, " rows"]:
    """One code a row; bit i is the group `part[i]`."""
    out = np.empty(len(positive), dtype=np.uint64)
    mask = positive if seen is None else seen
    whole = len(part) == member.shape[1]

    def work(span: slice) -> None:
        piece = member[span] if whole else member[span][:, part]
        packed = np.packbits(np.ascontiguousarray(piece).reshape(-1), bitorder="little")
        words = np.pad(packed, (0, -len(packed) % 8 + 8)).view(np.uint64)
        _pack(words, len(part), positive[span], mask[span], seen is None, out[span])

    side_by_side(work, spans(len(out), SMALL))
    return out


@compiled
def _arrange(codes, order, tied, out):
    for i in range(len(out)):
        code = codes[order[i]]
        out[i] = code | TIED if tied[i] else code


def arrange(
    codes: UInt64[np.ndarray, " rows"], order: Int32[np.ndarray, " rows"], tied: Bool[np.ndarray, " rows"]
) -> UInt64[np.ndarray, " rows"]:
    """The codes in that order, ties with the row before marked."""
    out = np.empty_like(codes)
    side_by_side(lambda span: _arrange(codes, order[span], tied[span], out[span]), spans(len(out), SMALL))
    return out


@compiled
def _sweep_once(codes, sums, totals):
    """Counts below a row are kept doubled: a tie block adds its rows once before it is counted and once after, and what
    stands between is twice the rows below plus the tied ones. Rows without ties do all of it in one go.
    """
    n, one = len(codes), np.uint64(1)
    negatives = positives = all_negatives = all_positives = all_pairs = 0.0
    first = 0
    while first < n:
        stop = first + 1
        while stop < n and codes[stop] & TIED:
            stop += 1
        alone = stop - first == 1
        for step in range(1 if alone else 3):
            entering = 1.0 if alone or step != 1 else 0.0
            counting = alone or step == 1
            for i in range(first, stop):
                seen = entering if codes[i] & SEEN else 0.0
                bits = codes[i] & MEMBERS
                if codes[i] & POSITIVE:
                    positives += seen
                    if counting:
                        all_positives += 1.0
                        all_pairs += all_negatives
                        while bits:
                            at = lowest(bits)
                            bits &= bits - one
                            sums[at, 1] += 1.0
                            sums[at, 2] += sums[at, 0]
                            sums[at, 4] += negatives
                            sums[at, 6] += positives
                    positives += seen if alone else 0.0
                else:
                    negatives += seen
                    all_negatives += entering
                    above = positives if counting else 0.0
                    level = negatives if counting else 0.0
                    into = 2 * entering if alone else entering
                    while bits:
                        at = lowest(bits)
                        bits &= bits - one
                        sums[at, 0] += into
                        sums[at, 3] += above
                        sums[at, 5] += level
                    negatives += seen if alone else 0.0
                    all_negatives += entering if alone else 0.0
        first = stop
    totals[0], totals[1], totals[2] = negatives / 2, positives / 2, all_negatives / 2
    totals[3], totals[4] = all_positives, all_pairs
    sums[:, 0] /= 2


def once(codes: UInt64[np.ndarray, " rows"], groups: int) -> tuple[np.ndarray, np.ndarray]:
    """`sums` and `totals` with every row counted once; the rows are swept in pieces, side by side."""

    def work(piece: slice) -> tuple[np.ndarray, np.ndarray]:
        sums, totals = np.zeros((groups, 7)), np.zeros(5)
        _sweep_once(codes[piece], sums, totals)
        return sums, totals

    return _stacked(side_by_side(work, _pieces(codes)))


def _pieces(codes: np.ndarray) -> list[slice]:
    """Cut for the threads, never within a tie block."""
    wanted = threads() if len(codes) > SMALL else 1
    edges = [0]
    for piece in range(1, wanted):
        edge = len(codes) * piece // wanted
        while edge < len(codes) and codes[edge] & TIED:
            edge += 1
        edges.append(max(edge, edges[-1]))
    return [slice(a, b) for a, b in itertools.pairwise([*edges, len(codes)])]


def _stacked(found: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The sums and totals of all pieces: rows of a piece score above all rows of those before it."""
    sums, totals = found[0]
    for upper, more in found[1:]:
        upper[:, 2] += 2 * upper[:, 1] * sums[:, 0]
        upper[:, 3] += 2 * upper[:, 0] * totals[1]
        upper[:, 4] += 2 * upper[:, 1] * totals[0]
        upper[:, 5] += 2 * upper[:, 0] * totals[0]
        upper[:, 6] += 2 * upper[:, 1] * totals[1]
        more[4] += 2 * more[3] * totals[2]
        sums += upper
        totals += more
    return sums, totals


WEIGHT, NEGATIVES, POSITIVES, ALL_NEGATIVES, ALL_POSITIVES, ALL_PAIRS, FIRST = range(7)
"""Registers: of the row, of the running counts, and of the first group's seven sums."""


@compiled
def _sweep_abreast(codes, where, drawn, flat):
    """As `_sweep_once`, row i counting drawn[where[i], lane] times; `flat` holds FIRST + 7 x groups registers."""
    n, one = len(codes), np.uint64(1)
    first = 0
    while first < n:
        stop = first + 1
        while stop < n and codes[stop] & TIED:
            stop += 1
        for step in range(3):
            for i in range(first, stop):
                positive, bits = codes[i] & POSITIVE, codes[i] & MEMBERS
                if step == 0 and i + AHEAD < n:
                    fetch(drawn, where[i + AHEAD])
                if step == 0 or stop - first > 1:
                    widen(flat, WEIGHT, drawn, where[i])
                if step == 1:
                    if positive:
                        add(flat, ALL_POSITIVES, WEIGHT)
                        add_product(flat, ALL_PAIRS, WEIGHT, ALL_NEGATIVES)
                    while bits:
                        at = FIRST + 7 * lowest(bits)
                        bits &= bits - one
                        if positive:
                            add(flat, at + 1, WEIGHT)
                            add_product(flat, at + 2, WEIGHT, at)
                            add_product(flat, at + 4, WEIGHT, NEGATIVES)
                            add_product(flat, at + 6, WEIGHT, POSITIVES)
                        else:
                            add_product(flat, at + 3, WEIGHT, POSITIVES)
                            add_product(flat, at + 5, WEIGHT, NEGATIVES)
                elif positive:
                    if codes[i] & SEEN:
                        add(flat, POSITIVES, WEIGHT)
                else:
                    add(flat, ALL_NEGATIVES, WEIGHT)
                    if codes[i] & SEEN:
                        add(flat, NEGATIVES, WEIGHT)
                    while bits:
                        add(flat, FIRST + 7 * lowest(bits), WEIGHT)
                        bits &= bits - one
        first = stop


def abreast(
    codes: UInt64[np.ndarray, " rows"],
    where: Int32[np.ndarray, " rows"],
    drawn: UInt8[np.ndarray, "units lanes"],
    groups: int,
) -> tuple[Float64[np.ndarray, "lanes groups 7"], Float64[np.ndarray, "lanes 5"]]:
    """`sums` and `totals` of LANES replicates: the row at i counts drawn[where[i], lane] times."""

    def work(piece: slice) -> tuple[np.ndarray, np.ndarray]:
        flat = np.zeros((FIRST + 7 * groups) * LANES)
        _sweep_abreast(codes[piece], where[piece], drawn, flat)
        registers = flat.reshape(-1, LANES)
        totals, sums = registers[NEGATIVES:FIRST].copy(), registers[FIRST:].reshape(groups, 7, LANES).copy()
        totals[:3] /= 2
        sums[:, 0] /= 2
        return sums, totals

    sums, totals = _stacked(side_by_side(work, _pieces(codes)))
    return np.ascontiguousarray(np.moveaxis(sums, -1, 0)), np.ascontiguousarray(totals.T)
