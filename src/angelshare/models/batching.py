"""Texts tokenised once, and length-bucketed batches of them: little padding, and the same batches every time."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from angelshare import runs

__all__ = ["CHARACTERS_A_TOKEN", "Encoded", "buckets", "clean", "encode", "restored", "shuffled"]

CHARACTERS_A_TOKEN = 32
"""Texts are cut to this many characters a token before tokenising: `tokenizers` reads all of a text, then truncates."""

POOL = 50
"""Shuffled batches are cut from pools of this many batches' rows sorted by length: a new mix an epoch."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """What a tokenizer can take: at most `limit` characters, lone surrogates replaced by U+FFFD."""
    text = text[:limit]
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


@dataclass(frozen=True, eq=False)
class Encoded:
    """Token ids of all rows in one flat array: a batch is one gather, with no Python a row.

    Attributes
    ----------
    tokens : (all tokens,) int32.
    starts : (rows,) where each row begins in `tokens`.
    lengths : (rows,) tokens of each row.
    pad : the token id that fills the short rows of a batch.
    types : (all tokens,) 0 in a pair's first text and 1 in its second; None for a model that is not told.
    """

    tokens: Int[np.ndarray, " tokens"]
    starts: Int[np.ndarray, " rows"]
    lengths: Int[np.ndarray, " rows"]
    pad: int
    types: Int[np.ndarray, " tokens"] | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, index: Int[np.ndarray, " rows"], device: torch.device | None = None) -> dict[str, Tensor]:
        """`input_ids` and `attention_mask` (rows, tokens) of some rows, padded on the right to the longest of them.

        And `token_type_ids`, where there are types.
        """
        lengths = self.lengths[index]
        place = np.arange(max(int(lengths.max(initial=0)), 1))
        real = place < lengths[:, None]
        at = np.minimum(self.starts[index][:, None] + place, len(self.tokens) - 1)
        ids = np.where(real, self.tokens[at], self.pad).astype(np.int64)
        tensors = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(real.astype(np.int64))}
        if self.types is not None:
            tensors["token_type_ids"] = torch.from_numpy(np.where(real, self.types[at], 0).astype(np.int64))
        return tensors if device is None else {name: value.to(device) for name, value in tensors.items()}


def encode(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str] | Sequence[tuple[str, str]],
    max_length: int,
    *,
    typed: bool = False,
) -> Encoded:
    """Tokenise every text once, or every pair of texts, truncated to `max_length` tokens; of a pair the longer is cut.

    Parameters
    ----------
    typed : whether the model is told which of two texts a token is of.
    """
    limit = max_length * CHARACTERS_A_TOKEN
    sides: list[Any] = [texts] if not len(texts) or isinstance(texts[0], str) else list(zip(*texts, strict=True))
    tidy = [[clean(text, limit) for text in side] for side in sides]
    typed = typed and len(sides) == 2
    found: dict[str, list[list[int]]] = {"input_ids": []}
    if tidy[0]:
        found = tokenizer(
            *tidy, truncation=True, max_length=max_length, return_attention_mask=False, return_token_type_ids=typed
        )
    rows = found["input_ids"]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    tokens = np.zeros(max(int(lengths.sum()), 1), dtype=np.int32)
    starts = np.cumsum(lengths) - lengths
    for row, start in zip(rows, starts.tolist(), strict=True):
        tokens[start : start + len(row)] = row
    types = None
    if typed:
        types = np.zeros_like(tokens)
        types[: lengths.sum()] = np.fromiter(itertools.chain.from_iterable(found["token_type_ids"]), dtype=np.int32)
    pad = tokenizer.pad_token_id
    return Encoded(tokens, starts, lengths, int(pad) if pad is not None else 0, types)


def buckets(lengths: Int[np.ndarray, " rows"], max_tokens: int, max_rows: int = 256) -> list[Int[np.ndarray, " batch"]]:
    """Every row once, longest first, in batches of at most `max_tokens` padded tokens and `max_rows` rows.

    A row longer than `max_tokens` stands alone. Ties keep their order, so the same lengths give the same batches.
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    batches, start = [], 0
    while start < len(order):
        rows = max_tokens // max(int(lengths[order[start]]), 1)
        stop = start + min(max(rows, 1), max_rows)
        batches.append(order[start:stop])
        start = stop
    return batches


def restored(
    parts: Sequence[Float32[np.ndarray, "batch width"]], batches: Sequence[Int[np.ndarray, " batch"]]
) -> Float32[np.ndarray, "rows width"]:
    """Put the answers to `batches` back into the rows' own order."""
    rows = np.concatenate(parts)
    out = np.empty_like(rows)
    out[np.concatenate(batches)] = rows
    return out


def shuffled(
    lengths: Int[np.ndarray, " rows"], batch_size: int, seed: int, epoch: int
) -> list[Int[np.ndarray, " batch"]]:
    """Every row once in batches of rows of like length, in an order that only (seed, epoch) decides: for training."""
    rng = runs.rng(seed, "batches", epoch)
    order = rng.permutation(len(lengths))
    pools = [order[i : i + POOL * batch_size] for i in range(0, len(order), POOL * batch_size)]
    by_length = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = [by_length[i : i + batch_size] for i in range(0, len(by_length), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]
