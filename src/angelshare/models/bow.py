"""A bag of words: the mean of word vectors, one hidden layer. The smallest student, about 80K parameters."""

import importlib

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig

from angelshare.models.base import StudentModel


class BowConfig(PreTrainedConfig):  # type: ignore[misc]
    """`ngrams` of 2 or more adds `buckets` rows of hashed n-grams; `attention` weighs the words."""

    model_type = "angelshare-bow"

    vocab_size: int = 5_000
    embedding_size: int = 16
    hidden_size: int = 64
    ngrams: int = 1
    buckets: int = 0
    attention: bool = False
    dropout: float = 0.1
    pad_token_id: int | None = 0


class BowForSequenceClassification(StudentModel):
    """Word vectors (and n-gram vectors), their masked mean or attention-weighted mean, one hidden layer."""

    config_class = BowConfig

    def __init__(self, config: BowConfig) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.embedding_size)
        self.grams = nn.Embedding(config.buckets, config.embedding_size) if config.ngrams > 1 else None
        self.scores = (
            nn.Sequential(
                nn.Linear(config.embedding_size, config.embedding_size),
                nn.Tanh(),
                nn.Linear(config.embedding_size, 1, bias=False),
            )
            if config.attention
            else None
        )
        self.hidden = nn.Linear(config.embedding_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors of the words, and behind them those of the n-grams."""
        vectors: Tensor = self.embeddings(input_ids)
        if self.grams is None:
            return vectors
        ids, _ = gram_ids(input_ids, attention_mask.bool(), self.config.ngrams, self.config.buckets)
        return torch.cat([vectors, self.grams(ids)], dim=1)

    def represent(self, vectors: Tensor, attention_mask: Tensor) -> Tensor:
        present = attention_mask.bool()
        if self.grams is not None:
            widths = range(2, min(self.config.ngrams, present.shape[1]) + 1)
            present = torch.cat([present, *(present[:, width - 1 :] for width in widths)], dim=1)
        if self.scores is None:
            weights = present.to(vectors.dtype) / present.sum(1, keepdim=True).clamp_min(1)
        else:
            scores = self.scores(vectors).squeeze(-1).masked_fill(~present, torch.finfo(vectors.dtype).min)
            weights = functional.softmax(scores, dim=1) * present
        pooled = (weights.unsqueeze(1) @ vectors).squeeze(1)
        return functional.relu(self.hidden(self.dropout(pooled)))


def gram_ids(ids: Tensor, mask: Tensor, ngrams: int, buckets: int) -> tuple[Tensor, Tensor]:
    """The bucket of every 2- to `ngrams`-gram of word ids (rows, tokens), and which of them lie within the text.

    The hash is a polynomial of the ids in 64-bit integers that wrap around, so any runtime can repeat it.
    """
    found, there = [], []
    state = ids + 1
    for width in range(2, ngrams + 1):
        if ids.shape[1] < width:
            break
        state = state[:, :-1] * 1_000_003 + ids[:, width - 1 :] + 1
        spread = (state ^ (state >> 29)) * 0x5851F42D4C957F2D
        found.append(((spread >> 33) & 0x7FFFFFFF) % buckets)
        there.append(mask[:, width - 1 :])
    if not found:
        return ids[:, :0], mask[:, :0]
    return torch.cat(found, dim=1), torch.cat(there, dim=1)


importlib.import_module("angelshare.models.auto")  # last: it needs the classes above
