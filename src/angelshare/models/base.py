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

    Subclasses give `embed`: (rows, tokens) ids and mask to the vectors that are read; `represent`: these and the mask
    to (rows, width) features; and a `classifier` layer.
    """

    config_class = PreTrainedConfig
    base_model_prefix = "student"
    main_input_name = "input_ids"
    _input_embed_layer = "embeddings"
    embeddings: torch.nn.Embedding
    classifier: torch.nn.Linear

    def embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """A vector a token; a student that reads more of a text has more of them."""
        vectors: Tensor = self.embeddings(input_ids)
        return vectors

    def represent(self, vectors: Tensor, attention_mask: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        **unused: Any,
    ) -> SequenceClassifierOutput:
        """Logits (rows, labels), the loss where `labels` are given; the one hidden state is the features.

        `inputs_embeds` are what `embed` gives, in the place of ids; they come with their mask.
        """
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("Give input_ids or inputs_embeds.")
            if attention_mask is None:
                attention_mask = torch.ones_like(input_ids)
            if not input_ids.shape[1]:  # nothing but empty texts
                input_ids = attention_mask = input_ids.new_zeros((len(input_ids), 1), dtype=torch.long)
            inputs_embeds = self.embed(input_ids, attention_mask)
        elif attention_mask is None:
            raise ValueError("Give inputs_embeds with their attention_mask.")
        features = self.represent(inputs_embeds, attention_mask)
        logits = self.classifier(features)
        loss = None
        if labels is not None and self.config.problem_type == MULTILABEL:
            loss = functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        elif labels is not None:
            loss = functional.cross_entropy(logits, labels)
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        output = SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=(features,) if wanted else None)
        return output if return_dict is not False else output.to_tuple()


def embedded(model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """What a student or any transformer takes as `inputs_embeds` in the place of these ids."""
    if isinstance(model, StudentModel):
        return model.embed(input_ids, attention_mask)
    vectors: Tensor = model.get_input_embeddings()(input_ids)
    return vectors
