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

import numpy as np
from jaxtyping import Float64, Int32, UInt8, UInt64

from angelshare.stats.compiled import compiled
from angelshare.stats.resample import LANES

GROUPS = 60
"""Groups in one code."""

TIED = np.uint64(1 << 60)
SEEN = np.uint64(1 << 61)
POSITIVE = np.uint64(1 << 62)
MEMBERS = np.uint64((1 << 60) - 1)


@compiled
def _pack(member, part, positive, seen, all_seen, out):  # type: ignore[no-untyped-def]
    one = np.uint64(1)
    for row in range(len(out)):
        code = np.uint64(0)
        if all_seen or seen[row]:
            code = SEEN
            for bit in range(len(part)):
                if member[row, part[bit]]:
                    code |= one << np.uint64(bit)
        if positive[row]:
            code |= POSITIVE
        out[row] = code


def pack(
    member: np.ndarray, part: np.ndarray, positive: np.ndarray, seen: np.ndarray | None
) -> UInt64[np.ndarray, " rows"]:
    """One code a row; bit i is the group `part[i]`."""
    out = np.empty(len(positive), dtype=np.uint64)
    mask = positive if seen is None else seen
    _pack(np.ascontiguousarray(member), part.astype(np.int64), positive, mask, seen is None, out)
    return out


def ascending(scores: Float64[np.ndarray, " rows"]) -> Int32[np.ndarray, " rows"]:
    """The order that sorts the scores."""
    return np.argsort(scores).astype(np.int32)


@compiled
def _arrange(codes, scores, order, out):  # type: ignore[no-untyped-def]
    before = np.nan
    for i in range(len(order)):
        row = order[i]
        score = scores[row]
        out[i] = codes[row] | TIED if score == before else codes[row]
        before = score


def arrange(
    codes: UInt64[np.ndarray, " rows"], scores: Float64[np.ndarray, " rows"], order: Int32[np.ndarray, " rows"]
) -> UInt64[np.ndarray, " rows"]:
    """The codes in that order, ties marked."""
    out = np.empty_like(codes)
    _arrange(codes, scores, order, out)
    return out


_PLACES = np.zeros(64, dtype=np.int64)
for _place in range(64):
    _PLACES[((0x03F79D71B4CB0A89 << _place) & (2**64 - 1)) >> 58] = _place


@compiled
def _lowest(bits):  # type: ignore[no-untyped-def]
    """The place of the lowest bit that is set, by a de Bruijn product; `bits` must not be 0."""
    return _PLACES[((bits & (~bits + np.uint64(1))) * np.uint64(0x03F79D71B4CB0A89)) >> np.uint64(58)]


@compiled
def _sweep_once(codes, sums, totals):  # type: ignore[no-untyped-def]
    n = len(codes)
    one = np.uint64(1)
    negatives = positives = all_negatives = all_positives = all_pairs = 0.0
    first = 0
    while first < n:
        stop = first + 1
        while stop < n and codes[stop] & TIED:
            stop += 1
        tied_negatives = tied_positives = all_tied = 0.0
        for i in range(first, stop):
            seen = 1.0 if codes[i] & SEEN else 0.0
            if codes[i] & POSITIVE:
                tied_positives += seen
                all_positives += 1.0
            else:
                tied_negatives += seen
                all_tied += 1.0
        below_negatives = 2 * negatives + tied_negatives
        below_positives = 2 * positives + tied_positives
        all_pairs += (stop - first - all_tied) * (2 * all_negatives + all_tied)
        for i in range(first, stop):
            bits = codes[i] & MEMBERS
            positive = codes[i] & POSITIVE
            while bits:
                group = sums[_lowest(bits)]
                bits &= bits - one
                if positive:
                    group[1] += 1.0
                    group[2] += 2 * group[0]
                    group[4] += below_negatives
                    group[6] += below_positives
                else:
                    group[0] += 1.0
                    group[3] += below_positives
                    group[5] += below_negatives
        if stop - first > 1:
            _settle_once(codes, first, stop, sums)
        negatives += tied_negatives
        positives += tied_positives
        all_negatives += all_tied
        first = stop
    totals[0], totals[1], totals[2], totals[3], totals[4] = negatives, positives, all_negatives, all_positives, all_pairs


@compiled
def _settle_once(codes, first, stop, sums):  # type: ignore[no-untyped-def]
    """Within a tie block each subgroup pair counts once (2 x half), whichever row came first.

    The pass above counted 2 for a positive after a negative and 0 for one before it: walking the block backwards,
    take 1 from the former and give 1 to the latter.
    """
    one = np.uint64(1)
    block = np.zeros((sums.shape[0], 2))
    for i in range(first, stop):
        bits = codes[i] & MEMBERS
        positive = codes[i] & POSITIVE
        while bits:
            at = _lowest(bits)
            bits &= bits - one
            if positive:
                sums[at, 2] -= block[at, 0]
                block[at, 1] += 1.0
            else:
                sums[at, 2] += block[at, 1]
                block[at, 0] += 1.0


def once(codes: UInt64[np.ndarray, " rows"], groups: int) -> tuple[np.ndarray, np.ndarray]:
    """`sums` and `totals` with every row counted once."""
    sums, totals = np.zeros((groups, 7)), np.zeros(5)
    _sweep_once(codes, sums, totals)
    return sums, totals


@compiled
def _sweep_abreast(codes, where, drawn, sums, totals):  # type: ignore[no-untyped-def]
    """As `_sweep_once`, row i counting drawn[where[i], lane] times; sums (groups, 7, LANES), totals (5, LANES)."""
    n = len(codes)
    one = np.uint64(1)
    weight = np.empty(LANES)
    tied = np.zeros((3, LANES))
    below = np.zeros((3, LANES))
    first = 0
    while first < n:
        stop = first + 1
        while stop < n and codes[stop] & TIED:
            stop += 1
        tied[:] = 0.0
        for i in range(first, stop):
            _add_tied(codes[i], drawn[where[i]], tied, totals)
        for lane in range(LANES):
            below[0, lane] = 2 * totals[0, lane] + tied[0, lane]
            below[1, lane] = 2 * totals[1, lane] + tied[1, lane]
            below[2, lane] = 2 * totals[2, lane] + tied[2, lane]
        alone = stop - first == 1
        for i in range(first, stop):
            code = codes[i]
            bits = code & MEMBERS
            if code & POSITIVE:
                row = drawn[where[i]]
                for lane in range(LANES):
                    totals[4, lane] += row[lane] * below[2, lane]
            if not bits:
                continue
            row = drawn[where[i]]
            for lane in range(LANES):
                weight[lane] = row[lane]
            positive = code & POSITIVE
            while bits:
                group = sums[_lowest(bits)]
                bits &= bits - one
                if positive:
                    twice = 2.0 if alone else 1.0
                    for lane in range(LANES):
                        group[1, lane] += weight[lane]
                        group[2, lane] += twice * weight[lane] * group[0, lane]
                        group[4, lane] += weight[lane] * below[0, lane]
                        group[6, lane] += weight[lane] * below[1, lane]
                elif alone:
                    for lane in range(LANES):
                        group[0, lane] += weight[lane]
                        group[3, lane] += weight[lane] * below[1, lane]
                        group[5, lane] += weight[lane] * below[0, lane]
        if not alone:
            _settle_abreast(codes, where, drawn, first, stop, sums, below)
        for lane in range(LANES):
            totals[0, lane] += tied[0, lane]
            totals[1, lane] += tied[1, lane]
            totals[2, lane] += tied[2, lane]
        first = stop


@compiled
def _add_tied(code, row, tied, totals):  # type: ignore[no-untyped-def]
    if code & POSITIVE:
        for lane in range(LANES):
            totals[3, lane] += row[lane]
        if code & SEEN:
            for lane in range(LANES):
                tied[1, lane] += row[lane]
    else:
        for lane in range(LANES):
            tied[2, lane] += row[lane]
        if code & SEEN:
            for lane in range(LANES):
                tied[0, lane] += row[lane]


@compiled
def _settle_abreast(codes, where, drawn, first, stop, sums, below):  # type: ignore[no-untyped-def]
    """The negatives of a tie block, then its positives once more: each saw half of its pairs before them."""
    one = np.uint64(1)
    for wanted in (np.uint64(0), POSITIVE):
        for i in range(first, stop):
            if codes[i] & POSITIVE != wanted:
                continue
            row = drawn[where[i]]
            bits = codes[i] & MEMBERS
            while bits:
                group = sums[_lowest(bits)]
                bits &= bits - one
                if wanted:
                    for lane in range(LANES):
                        group[2, lane] += row[lane] * group[0, lane]
                else:
                    for lane in range(LANES):
                        group[0, lane] += row[lane]
                        group[3, lane] += row[lane] * below[1, lane]
                        group[5, lane] += row[lane] * below[0, lane]


def abreast(
    codes: UInt64[np.ndarray, " rows"],
    where: Int32[np.ndarray, " rows"],
    drawn: UInt8[np.ndarray, "units lanes"],
    groups: int,
) -> tuple[Float64[np.ndarray, "lanes groups 7"], Float64[np.ndarray, "lanes 5"]]:
    """`sums` and `totals` of LANES replicates: the row at i counts drawn[where[i], lane] times."""
    sums, totals = np.zeros((groups, 7, LANES)), np.zeros((5, LANES))
    _sweep_abreast(codes, where, drawn, sums, totals)
    return np.moveaxis(sums, -1, 0), totals.T
