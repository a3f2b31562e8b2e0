"""When two texts count as the same: after normalising, or by most of their word triples (MinHash)."""

import re
import unicodedata
import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt64

from angelshare.data.seen import keys
from angelshare.runs import rng

__all__ = ["BANDS", "band_keys", "normalised"]

BANDS = 4
"""Near-duplicates share one of this many keys, each made of `HASHES` minima. Texts with a Jaccard similarity s of their
word triples do so with probability 1 - (1 - s^8)^4: 0.9 -> 89 %, 0.8 -> 52 %, 0.5 -> 2 %."""

HASHES = 8
TRIPLE = 3

_ASCII = re.compile(r"[^a-z0-9]+")
_DRAWN = rng(0, "minhash").integers(1, 2**61, size=(2, BANDS * HASHES), dtype=np.uint64)
_MULTIPLIERS, _SHIFTS = _DRAWN[0] | np.uint64(1), _DRAWN[1]


def normalised(text: str) -> str:
    """The text after NFKC and casefold, its letters, marks and digits alone, one space between words.

    A text without any (an emoji, "?!") is only stripped, so that such texts stay apart.
    """
    if text.isascii():
        words = _ASCII.sub(" ", text.lower()).strip()
    else:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        words = " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded).split())
    return words or text.strip()


def band_keys(tidy: Sequence[str]) -> UInt64[np.ndarray, "texts bands"]:
    """A key a text and band, of normalised texts; texts of fewer than three words are one triple."""
    found = [_minima(text) for text in tidy]
    names = (f"{at % BANDS} {band}" for at, band in enumerate(band for text in found for band in text))
    return keys(names).reshape(len(tidy), BANDS)


def _minima(text: str) -> list[str]:
    words = text.split()
    count = max(len(words) - TRIPLE + 1, 1)
    triples = {zlib.crc32(" ".join(words[at : at + TRIPLE]).encode("utf-8", "surrogatepass")) for at in range(count)}
    hashes = np.fromiter(triples, dtype=np.uint64, count=len(triples))
    minima = ((hashes[:, None] * _MULTIPLIERS + _SHIFTS) >> np.uint64(16)).min(axis=0)
    return [band.tobytes().hex() for band in minima.reshape(BANDS, HASHES)]
