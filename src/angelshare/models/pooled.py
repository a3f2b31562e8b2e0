"""A classifier that averages an encoder's token states: what sentence encoders such as MiniLM were trained for."""

import importlib
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from angelshare.models.base import MULTILABEL, REGRESSION

__all__ = ["PooledConfig", "PooledForSequenceClassification"]


class PooledConfig(PreTrainedConfig):  # type: ignore[misc]
    """`encoder` is the configuration of the encoder inside, as a dictionary with its `model_type`."""

    model_type = "angelshare-pooled"

    def __init__(self, encoder: dict[str, Any] | None = None, dropout: float = 0.1, **others: Any) -> None:
        self.encoder = encoder or {"model_type": "bert"}
        self.dropout = dropout
        super().__init__(**others)

    @property
    def inner(self) -> PreTrainedConfig:
        others = {name: value for name, value in self.encoder.items() if name != "model_type"}
        return AutoConfig.for_model(self.encoder["model_type"], **others)

    @property
    def hidden_size(self) -> int:
        return int(self.inner.hidden_size)


class PooledForSequenceClassification(PreTrainedModel):  # type: ignore[misc]
    """Encoder, mean over the real tokens, dropout, one linear layer."""

    config_class = PooledConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = False
    _supports_sdpa = True

    def __init__(self, config: PooledConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.inner)
        if hasattr(self.encoder, "pooler"):
            self.encoder.pooler = None  # the classification token's own layer, not used here
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool = False,
        token_type_ids: Tensor | None = None,
        **ignored: Any,
    ) -> SequenceClassifierOutput:
        if attention_mask is None:
            if input_ids is None:
                raise ValueError("Give input_ids, or inputs_embeds with their attention_mask.")
            attention_mask = torch.ones_like(input_ids)
        given = {"input_ids": input_ids} if inputs_embeds is None else {"inputs_embeds": inputs_embeds}
        if token_type_ids is not None:
            given["token_type_ids"] = token_type_ids
        found = self.encoder(**given, attention_mask=attention_mask, output_hidden_states=output_hidden_states)
        states = found.last_hidden_state
        real = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * real).sum(1) / real.sum(1).clamp_min(1)
        logits = self.classifier(self.dropout(mean))
        loss = None
        if labels is not None:
            if self.config.problem_type == REGRESSION:
                loss = nn.functional.mse_loss(logits.squeeze(-1), labels.float())
            elif self.config.problem_type == MULTILABEL:
                loss = nn.functional.binary_cross_entropy_with_logits(logits, labels.float())
            else:
                loss = nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=found.hidden_states)


importlib.import_module("angelshare.models.auto")  # last: it needs the classes above
