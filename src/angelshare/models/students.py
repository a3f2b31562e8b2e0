"""Students by kind: sizes, vocabulary and first weights, before any training."""

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from angelshare.errors import ModelError
from angelshare.models.base import label_settings, seeded
from angelshare.models.batching import encode
from angelshare.models.bilstm import PRESETS, BiLstmConfig, BiLstmForSequenceClassification
from angelshare.models.bow import BowConfig, BowForSequenceClassification
from angelshare.models.classifier import MAX_LENGTH, TorchClassifier
from angelshare.models.cnn import CnnConfig, CnnForSequenceClassification
from angelshare.models.quiet import quiet
from angelshare.models.transformer import from_encoder, truncate
from angelshare.models.words import word_tokenizer
from angelshare.types import Classifier

__all__ = ["KINDS", "StudentOptions", "build"]

KINDS = ("bow", "cnn", "bilstm", "transformer")

ROWS_AT_ONCE = 16_384


@dataclass(frozen=True)
class StudentOptions:
    """What can be chosen of a student; None takes the kind's default."""

    vocabulary: int | None = None
    """Entries of the word list (bow 5,000; bilstm by preset), or word pieces kept of the teacher's (cnn; all)."""
    embedding: int | None = None
    """Width of the word vectors (bow 16; bilstm by preset; cnn takes the teacher's, 300 without a teacher's)."""
    hidden: int | None = None
    """Width of the hidden layer (bow 64; bilstm by preset)."""
    ngrams: int = 1
    """bow: hash the n-grams up to this length too."""
    buckets: int = 20_000
    """bow: rows of the n-grams' table."""
    attention: bool = False
    """bow: weigh the words instead of averaging them."""
    preset: str = "1.7M"
    """bilstm: its size, 1.7M or 0.7M parameters."""
    filters: int = 300
    """cnn: filters of each width from 2 to 6."""
    embeddings: str | None = None
    """cnn: an encoder whose word-piece embeddings to use in place of the teacher's."""
    layers: int | tuple[int, ...] | None = None
    """transformer: which of the teacher's layers to keep, or how many (half)."""
    encoder: str | None = None
    """transformer: a small encoder in place of the teacher's layers."""
    dropout: float | None = None
    """Share of features dropped in training."""
    max_length: int | None = None
    """Tokens read of a text (the teacher's, else 512)."""


def build(
    kind: str,
    *,
    labels: Sequence[str],
    multilabel: bool,
    texts: Sequence[str],
    teacher: Classifier | None = None,
    options: StudentOptions | None = None,
    seed: int = 0,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """An untrained student of `kind` with a tokenizer; `texts` (the transfer set) decide its vocabulary.

    The same arguments and seed give the same bytes; no global random state is touched.

    Raises
    ------
    ModelError : an unknown kind, or a teacher that has not what this student takes over.
    """
    if kind not in KINDS:
        raise ModelError(f"The student must be one of {', '.join(KINDS)}. Got '{kind}' instead.")
    if not labels:
        raise ModelError("A student needs at least one label. Name the labels.")
    if len(labels) == 1 and not multilabel:
        raise ModelError(f"One label ({labels[0]}) is decided alone: say multilabel, or name two labels.")
    options = options or StudentOptions()
    plan = _Plan(tuple(labels), multilabel, texts, teacher, options, seed)
    makers: dict[str, Callable[[_Plan], tuple[PreTrainedModel, PreTrainedTokenizerBase]]] = {
        "bow": _bow,
        "cnn": _cnn,
        "bilstm": _bilstm,
        "transformer": _transformer,
    }
    model, tokenizer = makers[kind](plan)
    return model, tokenizer


@dataclass(frozen=True)
class _Plan:
    labels: tuple[str, ...]
    multilabel: bool
    texts: Sequence[str]
    teacher: Classifier | None
    options: StudentOptions
    seed: int

    @property
    def settings(self) -> dict[str, Any]:
        dropout = {} if self.options.dropout is None else {"dropout": self.options.dropout}
        return {**label_settings(self.labels, self.multilabel), **dropout}

    @property
    def max_length(self) -> int:
        return self.options.max_length or getattr(self.teacher, "max_length", None) or MAX_LENGTH


def _bow(plan: _Plan) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    options = plan.options
    tokenizer = word_tokenizer(plan.texts, vocabulary=options.vocabulary or 5_000, max_length=plan.max_length)
    config = BowConfig(
        vocab_size=len(tokenizer),
        embedding_size=options.embedding or 16,
        hidden_size=options.hidden or 64,
        ngrams=options.ngrams,
        buckets=options.buckets if options.ngrams > 1 else 0,
        attention=options.attention,
        **plan.settings,
    )
    return seeded(plan.seed, "bow", make=lambda: BowForSequenceClassification(config)), tokenizer


def _bilstm(plan: _Plan) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    options = plan.options
    if options.preset not in PRESETS:
        raise ModelError(f"The preset must be one of {', '.join(PRESETS)}. Got '{options.preset}' instead.")
    sizes = dict(PRESETS[options.preset])
    sizes["embedding_size"] = options.embedding or sizes["embedding_size"]
    sizes["hidden_size"] = options.hidden or sizes["hidden_size"]
    vocabulary = options.vocabulary or sizes["vocab_size"]
    tokenizer = word_tokenizer(plan.texts, vocabulary=vocabulary, max_length=plan.max_length)
    config = BiLstmConfig(**{**sizes, "vocab_size": len(tokenizer)}, **plan.settings)
    return seeded(plan.seed, "bilstm", make=lambda: BiLstmForSequenceClassification(config)), tokenizer


def _cnn(plan: _Plan) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    source, weights = _embeddings(plan)
    options, max_length = plan.options, min(plan.max_length, int(source.model_max_length))
    tokenizer = copy.deepcopy(source)
    tokenizer.model_max_length = max_length
    tokenizer.padding_side = "right"
    pieces = len(source) if weights is None else len(weights)
    kept = np.arange(pieces)
    if weights is not None and options.vocabulary is not None and options.vocabulary < pieces:
        kept = commonest_pieces(tokenizer, plan.texts, options.vocabulary, max_length)
    config = CnnConfig(
        pieces=pieces,
        vocab_size=len(kept),
        embedding_size=weights.shape[1] if weights is not None else options.embedding or 300,
        filters=options.filters,
        pad_token_id=tokenizer.pad_token_id,
        **plan.settings,
    )
    model = seeded(plan.seed, "cnn", make=lambda: CnnForSequenceClassification(config))
    with torch.no_grad():
        if weights is not None:
            model.embeddings.weight.copy_(weights[torch.from_numpy(kept)])
        if len(kept) < pieces:
            unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else kept[0]
            rows = np.full(pieces, np.searchsorted(kept, unknown), dtype=np.int32)
            rows[kept] = np.arange(len(kept), dtype=np.int32)
            model.kept.copy_(torch.from_numpy(rows))
    return model, tokenizer


def commonest_pieces(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], count: int, max_length: int
) -> np.ndarray:
    """Ids (count,), rising, of the special tokens and the commonest pieces of the texts; equal counts, the lower id."""
    special = np.unique(np.asarray(tokenizer.all_special_ids, dtype=np.int64))
    if count <= len(special):
        raise ModelError(f"The vocabulary must hold the {len(special)} special tokens and more. Got {count} instead.")
    seen = np.zeros(len(tokenizer), dtype=np.int64)
    for start in range(0, len(texts), ROWS_AT_ONCE):
        encoded = encode(tokenizer, texts[start : start + ROWS_AT_ONCE], max_length)
        seen += np.bincount(encoded.tokens[: int(encoded.lengths.sum())], minlength=len(seen))
    seen[special] = np.iinfo(np.int64).max
    order = np.argsort(-seen, kind="stable")[:count]
    return np.sort(order[seen[order] > 0])


def _embeddings(plan: _Plan) -> tuple[PreTrainedTokenizerBase, torch.Tensor | None]:
    """The tokenizer and embedding matrix (pieces, width) that a cnn starts from; without one, words."""
    options = plan.options
    if options.embeddings is not None:
        try:
            with quiet():
                encoder = AutoModel.from_pretrained(options.embeddings, dtype=torch.float32, use_safetensors=True)
                tokenizer = AutoTokenizer.from_pretrained(options.embeddings)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"The embeddings of '{options.embeddings}' cannot be loaded: {str(error).strip().splitlines()[0]} "
                "Give a directory or a hub id of an encoder."
            ) from error
        return tokenizer, encoder.get_input_embeddings().weight.detach().float()
    if isinstance(plan.teacher, TorchClassifier):
        weights = plan.teacher.model.get_input_embeddings().weight.detach().cpu().float()
        if len(weights) >= len(plan.teacher.tokenizer):
            return plan.teacher.tokenizer, weights
    warnings.warn(
        "The teacher has no word-piece embeddings: the cnn starts from words and random vectors. "
        "Name an encoder whose embeddings to use (--embeddings).",
        stacklevel=4,
    )
    words = word_tokenizer(plan.texts, vocabulary=options.vocabulary or 10_000, max_length=plan.max_length)
    return words, None


def _transformer(plan: _Plan) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    options, teacher = plan.options, plan.teacher
    if options.encoder is not None:
        model, tokenizer = from_encoder(options.encoder, labels=plan.labels, multilabel=plan.multilabel, seed=plan.seed)
    elif isinstance(teacher, TorchClassifier):
        if teacher.labels != plan.labels or teacher.multilabel != plan.multilabel:
            raise ModelError(
                f"A student of the teacher's layers has its labels ({', '.join(teacher.labels)}). "
                f"Got {', '.join(plan.labels)} instead: give a small encoder (--encoder)."
            )
        model, tokenizer = truncate(teacher.model, options.layers), copy.deepcopy(teacher.tokenizer)
        for name, value in label_settings(plan.labels, plan.multilabel).items():
            setattr(model.config, name, value)
        tokenizer.model_max_length = teacher.max_length
    else:
        raise ModelError("This teacher has no layers to choose from. Give a small encoder (--encoder).")
    if options.max_length is not None:
        tokenizer.model_max_length = min(options.max_length, int(tokenizer.model_max_length))
    return model, tokenizer
