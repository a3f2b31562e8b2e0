"""N-gram convolutions over a teacher's word-piece embeddings and a max pool (Kim, 2014, https://arxiv.org/abs/1408.5882)."""

import importlib

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig

from angelshare.models.base import StudentModel


class CnnConfig(PreTrainedConfig):  # type: ignore[misc]
    """`pieces` are the tokenizer's ids; where `vocab_size` is smaller, a table maps them to the rows that were kept."""

    model_type = "angelshare-cnn"

    pieces: int = 30_522
    vocab_size: int = 30_522
    embedding_size: int = 768
    filters: int = 300
    shortest: int = 2
    longest: int = 6
    dropout: float = 0.3
    pad_token_id: int | None = 0


class CnnForSequenceClassification(StudentModel):
    """`filters` convolutions of each width `shortest` to `longest`; a text shorter than a window ends in zeros."""

    config_class = CnnConfig

    def __init__(self, config: CnnConfig) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.embedding_size)
        if config.vocab_size < config.pieces:
            self.kept: Tensor
            self.register_buffer("kept", torch.zeros(config.pieces, dtype=torch.int32))
        widths = range(config.shortest, config.longest + 1)
        self.convolutions = nn.ModuleList(nn.Conv1d(config.embedding_size, config.filters, width) for width in widths)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.filters * len(widths), config.num_labels)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)
        elif isinstance(module, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if self.config.vocab_size < self.config.pieces:
            input_ids = self.kept[input_ids]
        return super().embed(input_ids, attention_mask)

    def represent(self, vectors: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.bool()
        lengths = mask.sum(1, keepdim=True)
        vectors = vectors * mask.unsqueeze(-1)
        short = max(self.config.longest - vectors.shape[1], 0)
        grid = functional.pad(vectors, (0, 0, 0, short)).transpose(1, 2)
        pooled: list[Tensor] = []
        for width, convolution in enumerate(self.convolutions, self.config.shortest):
            found = convolution(grid)
            start = torch.arange(found.shape[2], device=found.device)
            outside = (start > lengths - width) & (start > 0)
            pooled.append(found.masked_fill(outside.unsqueeze(1), torch.finfo(found.dtype).min).amax(2))
        features: Tensor = self.dropout(functional.relu(torch.cat(pooled, dim=1)))
        return features


importlib.import_module("angelshare.models.auto")  # last: it needs the classes above
