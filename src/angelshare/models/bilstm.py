"""A bidirectional LSTM whose scores do not depend on padding: each direction reads the text alone."""

import importlib

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig

from angelshare.models.base import StudentModel

PRESETS: dict[str, dict[str, int]] = {
    "1.7M": {"vocab_size": 10_000, "embedding_size": 128, "lstm_size": 150, "hidden_size": 256},
    "0.7M": {"vocab_size": 5_000, "embedding_size": 100, "lstm_size": 100, "hidden_size": 200},
}
"""Sizes by name; a transfer set with fewer words than `vocab_size` makes a smaller model."""


class BiLstmConfig(PreTrainedConfig):  # type: ignore[misc]
    """The sizes; see `PRESETS`."""

    model_type = "angelshare-bilstm"

    vocab_size: int = 10_000
    embedding_size: int = 128
    lstm_size: int = 150
    hidden_size: int = 256
    dropout: float = 0.2
    pad_token_id: int | None = 0


class BiLstmForSequenceClassification(StudentModel):
    """Two LSTMs, the second over the text reversed within its own length, a masked max pool, one hidden layer.

    `nn.LSTM(bidirectional=True)` would read the padding first when it reads backwards, and packed sequences cannot be
    exported.
    """

    config_class = BiLstmConfig

    def __init__(self, config: BiLstmConfig) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.embedding_size)
        self.forwards = nn.LSTM(config.embedding_size, config.lstm_size, batch_first=True)
        self.backwards = nn.LSTM(config.embedding_size, config.lstm_size, batch_first=True)
        self.hidden = nn.Linear(2 * config.lstm_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LSTM):
            for name, parameter in module.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(parameter)
                    if name.startswith("bias_ih"):  # an open forget gate lets gradients through long texts at first
                        parameter[module.hidden_size : 2 * module.hidden_size].fill_(1)
                else:
                    for gate in parameter.chunk(4):
                        nn.init.orthogonal_(gate) if "hh" in name else nn.init.xavier_uniform_(gate)

    def represent(self, vectors: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.bool()
        lengths = mask.sum(1, keepdim=True)
        vectors = self.dropout(vectors)
        place = torch.arange(vectors.shape[1], device=vectors.device)
        mirror = torch.where(place < lengths, lengths - 1 - place, place).unsqueeze(-1)
        ahead = self.forwards(vectors)[0]
        back = self.backwards(vectors.gather(1, mirror.expand_as(vectors)))[0]
        both = torch.cat([ahead, back], dim=2)
        # The maximum over time does not care that `back` is still mirrored.
        pooled = both.masked_fill(~mask.unsqueeze(-1), torch.finfo(both.dtype).min).amax(1)
        pooled = torch.where(lengths > 0, pooled, torch.zeros_like(pooled))
        features: Tensor = self.dropout(functional.relu(self.hidden(self.dropout(pooled))))
        return features


importlib.import_module("angelshare.models.auto")  # last: it needs the classes above
