"""Drawing with replacement: a random stream of its own for every replicate and tile of units."""

# Kernels: numba infers their types.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np

from angelshare.stats.abreast import LANES
from angelshare.stats.compiled import compiled

TILE = 8192
"""Units that are drawn among at once: their multiplicities stay in the processor's cache."""

GAMMA = np.uint64(0x9E3779B97F4A7C15)
DELTA = np.uint64(0xD1B54A32D192ED03)


@compiled
def mix(state):
    """The finaliser of splitmix64."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@compiled
def _draw(key, draw, tile, count, size, out):
    """Draw `count` of `size` units with replacement into the multiplicities `out`; two draws from each 64 bits."""
    state = mix(mix(key ^ mix(np.uint64(draw + 1) * GAMMA)) + np.uint64(tile + 1) * DELTA)
    bits, wide = np.uint64(0), np.uint64(size)
    for j in range(count):
        if j & 1:
            bits = bits >> np.uint64(32)
        else:
            state += GAMMA
            bits = mix(state)
        out[np.int64(((bits & np.uint64(0xFFFFFFFF)) * wide) >> np.uint64(32))] += np.uint8(1)


@compiled
def draw_units(key, start, tiles, counts, out):
    """Fill `out` (draws, units), zeros before, with the replicates from `start` on; tile t spans tiles[t:t + 2]."""
    for at in range(len(out)):
        for tile in range(len(tiles) - 1):
            low, high = tiles[tile], tiles[tile + 1]
            _draw(key, start + at, tile, counts[at, tile], high - low, out[at, low:high])


@compiled
def draw_lanes(key, start, tiles, counts, first, stop, out):
    """As `draw_units` for the tiles first..stop, LANES replicates side by side; lanes past the counts hold 0."""
    scratch = np.empty((LANES, TILE), dtype=np.uint8)
    for tile in range(first, stop):
        low, size = tiles[tile], tiles[tile + 1] - tiles[tile]
        scratch[:, :size] = 0
        for lane in range(len(counts)):
            _draw(key, start + lane, tile, counts[lane, tile], size, scratch[lane])
        for unit in range(size):
            for lane in range(LANES):
                out[low + unit, lane] = scratch[lane, unit]
