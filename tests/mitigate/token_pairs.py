"""Tokenizers that know the paper's pairs, made up: WordPiece, byte-level and SentencePiece-like."""

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from angelshare.mitigate.pairs import open_pairs

WORDS = [*open_pairs("gender-10").partners, "the", "cat", "sat", "told", "and", "x"]
MARKS = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]"}


def numbered(pieces):
    return {piece: at for at, piece in enumerate(dict.fromkeys([*MARKS.values(), *pieces]))}


def made(model, pre, decoder=None, lower=False):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre
    if decoder is not None:
        tokenizer.decoder = decoder
    if lower:
        tokenizer.normalizer = normalizers.Lowercase()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **MARKS)


def wordpiece(more=(), without=()):
    pieces = [word for word in [*WORDS, "##kind", "##s", "-", *more] if word not in without]
    model = models.WordPiece(numbered(pieces), unk_token="[UNK]")
    return made(model, pre_tokenizers.BertPreTokenizer(), lower=True)


def byte_level():
    """Byte-level BPE whose merges spell "Ġman", "Ġwoman", "man" and letters."""
    merges = [("m", "a"), ("ma", "n"), ("Ġ", "man"), ("w", "o"), ("Ġ", "wo"), ("Ġwo", "man"), ("wo", "man")]
    merges += [("â", "Ģ"), ("âĢ", "Ļ")]  # the bytes of ’
    letters = [*pre_tokenizers.ByteLevel.alphabet(), *("".join(pair) for pair in merges)]
    model = models.BPE(numbered(letters), merges, unk_token="[UNK]")
    return made(model, pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel())


def sentencepiece():
    """Pieces that mark where a word begins: "▁man", "▁woman", "kind"."""
    pieces = [("[UNK]", 0.0), ("[PAD]", 0.0), ("[MASK]", 0.0), ("▁man", -1.0), ("▁woman", -1.0), ("kind", -1.0)]
    pieces += [(letter, -9.0) for letter in "▁abdehiklmnorstuwy.,"]
    return made(models.Unigram(pieces, unk_id=0), pre_tokenizers.Metaspace(), decoders.Metaspace())


def ids_of(tokenizer, texts):
    """(ids, real) padded on the right."""
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    width = max(map(len, rows))
    ids = np.array([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows], dtype=np.int64)
    return ids, np.array([[at < len(row) for at in range(width)] for row in rows])
