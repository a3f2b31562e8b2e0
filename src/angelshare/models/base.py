"""What the small students share: seeded weights, the words of a configuration, the output and its loss."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from angelshare import runs

MULTILABEL = "multi_label_classification"
SINGLE = "single_label_classification"
REGRESSION = "regression"

Model = TypeVar("Model")


def seeded(seed: int, *path: str | int, make: Callable[[], Model]) -> Model:
    """Run `make` under a random state of its own: the same seed gives the same weights, the caller's state stays."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(runs.rng(seed, *path).integers(2**62)))
        return make()


def label_settings(labels: tuple[str, ...], multilabel: bool, regression: bool = False) -> dict[str, Any]:
    """The configuration's words for k labels, or for a number to predict, as `transformers` reads them."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
        "problem_type": REGRESSION if regression else MULTILABEL if multilabel else SINGLE,
    }


class StudentModel(PreTrainedModel):  # type: ignore[misc]
    """A small classifier over token ids. Inputs are padded on the right; padding never moves a score.

    Subclasses give `represent`: (rows, tokens) ids and mask to (rows, width) features, and a `classifier` layer.
    """

    config_class = PreTrainedConfig
    base_model_prefix = "student"
    main_input_name = "input_ids"
    _input_embed_layer = "embeddings"
    classifier: torch.nn.Linear

    def represent(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        **unused: Any,
    ) -> SequenceClassifierOutput:
        """Logits (rows, labels), the loss where `labels` are given; the one hidden state is the features."""
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if not input_ids.shape[1]:  # nothing but empty texts
            input_ids = attention_mask = input_ids.new_zeros((len(input_ids), 1), dtype=torch.long)
        features = self.represent(input_ids, attention_mask)
        logits = self.classifier(features)
        loss = None
        if labels is not None and self.config.problem_type == MULTILABEL:
            loss = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        elif labels is not None:
            loss = functional.cross_entropy(logits, labels)
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        output = SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=(features,) if wanted else None)
        return output if return_dict is not False else output.to_tuple()
