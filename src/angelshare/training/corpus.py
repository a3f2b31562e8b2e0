"""The corpus that a masked model learns from: a store of its tokenizer's ids, made once, by the first process alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from angelshare import runs
from angelshare.data.stream import Source, open_sources
from angelshare.data.tables import Columns, Table
from angelshare.data.tokens import Sequences, StoreOptions, Tokeniser, TokenStore, is_store, tokenise
from angelshare.errors import DataError
from angelshare.models.batching import Encoded, clean
from angelshare.models.classifier import default_max_length
from angelshare.training.ranks import ranks

__all__ = ["Corpus", "encoded", "some", "tokeniser"]

Given = Table | str | Path


@dataclass(frozen=True, eq=False)
class Corpus:
    """Texts to tokenise, or a store of them."""

    sources: Sequence[Source]
    store: Path | None

    @classmethod
    def of(cls, given: Given | Sequence[Given], columns: Columns | None) -> "Corpus":
        """Look at every source before any is read.

        Raises
        ------
        DataError : a source does not exist, or a store stands beside other sources.
        """
        listed: list[Given] = [given] if isinstance(given, Table | str | Path) else list(given)
        stores = [Path(one) for one in listed if not isinstance(one, Table) and is_store(one)]
        if stores and len(listed) > 1:
            raise DataError(f"{stores[0]} is a whole corpus, already tokenised. Give it alone.")
        plain = None if columns is None else Columns(text=columns.text)
        return cls([], stores[0]) if stores else cls(open_sources(listed, plain), None)

    @property
    def digests(self) -> list[str]:
        if self.store is not None:
            return [runs.fingerprint(runs.read_manifest(self.store)["files"])]
        return [source.digest for source in self.sources]

    def opened(
        self, beside: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, options: StoreOptions
    ) -> TokenStore:
        """The store, made at `beside` where there is none yet.

        Raises
        ------
        DataError : too little is left of the corpus, or the store is of other ids or longer sequences.
        """
        found = tokeniser(model, tokenizer)
        limit = default_max_length(model, tokenizer)
        with ranks().main_process_first():
            if self.store is None:
                options = StoreOptions(**{**vars(options), "max_length": min(options.max_length, limit)})
                return tokenise(self.sources, beside, found, options)
            store = TokenStore(self.store)
        if store.facts["tokenizer"] != found.fingerprint:
            raise DataError(f"{self.store} was made with another tokenizer. Give the corpus itself.")
        if store.facts["options"]["max_length"] > limit:
            raise DataError(f"{self.store} has sequences longer than the {limit} tokens that the model reads.")
        return store


def encoded(sequences: Sequences, tokenizer: PreTrainedTokenizerBase) -> Encoded:
    """The store's sequences as batches take them; they stay on disk."""
    pad = tokenizer.pad_token_id
    return Encoded(sequences.tokens, sequences.starts, sequences.lengths, int(pad) if pad is not None else 0)


def some(texts: Encoded, tokens: int, rng: np.random.Generator) -> Encoded:
    """As many of the sequences, drawn by `rng`, as have about so many tokens together; at least one."""
    order = rng.permutation(len(texts))
    wanted = np.sort(order[: max(1, int(np.searchsorted(np.cumsum(texts.lengths[order]), tokens, "right")))])
    return Encoded(texts.tokens, texts.starts[wanted], texts.lengths[wanted], texts.pad)


def tokeniser(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Tokeniser:
    """What a store asks of this model's tokenizer."""
    plain: Mapping[str, Any] = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}

    def ids(texts: Sequence[str]) -> list[list[int]]:
        tidy = [clean(text, len(text)) for text in texts]
        found: list[list[int]] = tokenizer(tidy, add_special_tokens=False, truncation=False, **plain)["input_ids"]
        return found

    [inner], marked = ids(["a"]), list(tokenizer("a", **plain)["input_ids"])
    at = next(at for at in range(len(marked)) if marked[at : at + len(inner)] == inner)
    before, after = tuple(marked[:at]), tuple(marked[at + len(inner) :])
    backend: Any = getattr(tokenizer, "backend_tokenizer", None)
    spelled = json.dumps(tokenizer.get_vocab(), sort_keys=True) if backend is None else backend.to_str()
    return Tokeniser(
        ids=ids,
        before=before,
        after=after,
        unknown=tokenizer.unk_token_id,
        vocabulary=max(int(model.config.vocab_size), len(tokenizer)),
        fingerprint=runs.digest(spelled, json.dumps([before, after, tokenizer.unk_token_id])),
    )
