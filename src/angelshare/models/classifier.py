"""A `transformers` sequence classifier as a Classifier: length-bucketed, answers in the rows' own order."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import angelshare.models.auto  # noqa: F401  (the students' architectures)
from angelshare import runs
from angelshare.errors import ModelError
from angelshare.models.base import MULTILABEL, REGRESSION, StudentModel
from angelshare.models.batching import Encoded, buckets, encode, restored

Texts: TypeAlias = Sequence[str] | Sequence[tuple[str, str]]
"""Of a model of pairs, two texts a row."""

Precision = Literal["auto", "float32", "bfloat16"]

ROWS_AT_ONCE = 16_384
"""Texts are tokenised and sorted this many at a time: memory stays bounded, and buckets are still well filled."""

MAX_ROWS = 1_024
"""Rows a batch at most, however short they are."""

MAX_LENGTH = 512
"""Tokens read of a text where neither the caller, the tokenizer nor the model sets a limit."""

VOLATILE = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "architectures", "output_hidden_states")
"""Settings that come and go between making, saving and loading without moving a score."""


class TorchClassifier:
    """Scores texts with any Hugging Face sequence classifier.

    Parameters
    ----------
    model : its configuration names the labels (id2label) and, by `problem_type`, whether several may hold. A single
        output is one label decided alone (sigmoid).
    tokenizer : the model's own.
    labels, multilabel : override what the configuration says.
    precision : "auto" takes bfloat16 where the device computes in it (a GPU, or a CPU with AMX or AVX512-BF16) and the
        model is a transformer, else float32.
    max_length : tokens read of a text; the tokenizer's limit where None.
    max_batch_tokens : padded tokens a batch; what the device likes where None.
    source, size_bytes : where it was loaded from and the bytes on disk, where known.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        labels: Sequence[str] | None = None,
        multilabel: bool | None = None,
        precision: Precision = "auto",
        max_length: int | None = None,
        max_batch_tokens: int | None = None,
        source: str = "",
        size_bytes: int | None = None,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.labels, self.multilabel = _labels(model, labels, multilabel, source)
        self.precision = choose_precision(model, precision)
        self.max_length = max_length or default_max_length(model, tokenizer)
        self.max_batch_tokens = max_batch_tokens or batch_tokens(model)
        self.source = source
        self._size_bytes = size_bytes

    def predict_logits(self, texts: Texts) -> Float32[np.ndarray, "rows labels"]:
        """Log-odds (nats), one row a text, in the texts' order; no text's score depends on the others.

        A model of pairs takes two texts a row. What a regression gives are numbers in units of their own.
        """
        return self._score(texts, len(self.labels), lambda output, mask: output.logits)

    def features(self, texts: Sequence[str]) -> Float32[np.ndarray, "rows width"]:
        """What the classification layer sees of a student; of a transformer the mean of the last layer's tokens."""
        return self._score(texts, 0, _pooled, output_hidden_states=True)

    def logits_and_features(
        self, texts: Sequence[str]
    ) -> tuple[Float32[np.ndarray, "rows labels"], Float32[np.ndarray, "rows width"]]:
        """`predict_logits` and `features` in one pass."""
        labels = len(self.labels)
        both = self._score(
            texts,
            labels,
            lambda output, mask: torch.cat([output.logits.float(), _pooled(output, mask).float()], dim=1),
            output_hidden_states=True,
        )
        return np.ascontiguousarray(both[:, :labels]), both[:, labels:]

    def _score(
        self, texts: Texts, width: int, pick: Callable[[Any, Tensor], Tensor], **wanted: Any
    ) -> Float32[np.ndarray, "rows width"]:
        self.model.eval()
        if not len(texts):
            return np.zeros((0, width), dtype=np.float32)
        parts: list[np.ndarray] = []
        half = self.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast(self.model.device.type, torch.bfloat16, enabled=half):
            for start in range(0, len(texts), ROWS_AT_ONCE):
                part = texts[start : start + ROWS_AT_ONCE]
                encoded = encode(self.tokenizer, part, self.max_length, typed=reads_types(self.model))
                batches = buckets(encoded.lengths, self.max_batch_tokens, self._max_rows)
                rows = [self._batch(encoded, index, pick, wanted) for index in batches]
                parts.append(restored(rows, batches))
        return np.concatenate(parts)

    def _batch(
        self, encoded: Encoded, index: np.ndarray, pick: Callable[[Any, Tensor], Tensor], wanted: dict[str, Any]
    ) -> np.ndarray:
        batch = encoded.batch(index, self.model.device)
        values = pick(self.model(**batch, **wanted), batch["attention_mask"])
        rows: np.ndarray = values.float().cpu().numpy()
        return rows

    @property
    def _max_rows(self) -> int:
        return MAX_ROWS if self.tokenizer.pad_token_id is not None else 1

    @property
    def parameters(self) -> int:
        """How many numbers were learnt, embeddings counted."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def size_bytes(self) -> int:
        """Bytes on disk of weights, configuration and tokenizer; the tensors' own where the model was never saved."""
        if self._size_bytes is not None:
            return self._size_bytes
        return sum(tensor.nbytes for tensor in self.model.state_dict().values())

    @property
    def kind(self) -> str:
        """The architecture: "bow", "cnn", "bilstm", "bert"..."""
        return str(self.model.config.model_type).removeprefix("angelshare-")

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of what decides the scores: weights, configuration, tokenizer, and settings other than the defaults.

        The same before and after saving; do not ask for it while the model is still trained.
        """
        parts: list[str] = []
        if self.precision != "float32":
            parts.append(str(self.precision))
        if self.max_length != default_max_length(self.model, self.tokenizer):
            parts.append(str(self.max_length))
        return fingerprint_of(self.model, self.tokenizer, *parts, *self.labels, str(self.multilabel))


def fingerprint_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *settings: str) -> str:
    """sha256 of weights, configuration, tokenizer and whatever else decides the answers."""
    state = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        state.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    config = {key: value for key, value in model.config.to_dict().items() if key not in VOLATILE}
    return runs.digest(
        state.hexdigest(), json.dumps(config, sort_keys=True, default=str), tokenizer_text(tokenizer), *settings
    )


def default_max_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The smallest of the tokenizer's limit, the model's positions and, without either, `MAX_LENGTH`."""
    limit = int(min(tokenizer.model_max_length, 2**31))
    if isinstance(model, StudentModel):
        return limit if limit < 2**31 else MAX_LENGTH
    config = getattr(model.config, "inner", model.config)
    positions = getattr(config, "max_position_embeddings", None) or MAX_LENGTH
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # their positions start behind the padding's
    return min(limit, int(positions))


def reads_types(model: PreTrainedModel) -> bool:
    """Whether the model is told which of two texts a token is of; DistilBERT and RoBERTa are not."""
    config = getattr(model.config, "inner", model.config)
    return int(getattr(config, "type_vocab_size", 0) or 0) > 1


def batch_tokens(model: PreTrainedModel) -> int:
    """Padded tokens a batch by default: without a GPU, transformers are quickest in batches that fit the cache."""
    if model.device.type != "cpu":
        return 32_768
    return 8_192 if isinstance(model, StudentModel) else 2_048


def choose_precision(model: PreTrainedModel, precision: Precision) -> Literal["float32", "bfloat16"]:
    """What "auto" means for this model on its device; raises ModelError where bfloat16 is asked for in vain."""
    fast = computes_bfloat16(model.device)
    if precision == "bfloat16" and not fast:
        raise ModelError("This processor has neither AMX nor AVX512-BF16: bfloat16 would be slower. Ask for float32.")
    if precision == "auto":
        return "bfloat16" if fast and not isinstance(model, StudentModel) else "float32"
    return precision


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("amx_tile") or able.get("avx512_bf16"))


def _labels(
    model: PreTrainedModel, labels: Sequence[str] | None, multilabel: bool | None, source: str
) -> tuple[tuple[str, ...], bool]:
    config = model.config
    found = tuple(str(config.id2label[index]) for index in range(config.num_labels))
    if labels is not None and len(labels) != len(found):
        raise ModelError(
            f"{source or 'The model'} has {len(found)} labels ({', '.join(found)}), not the {len(labels)} given: "
            f"{', '.join(labels)}."
        )
    if multilabel is None:
        if config.problem_type == REGRESSION:
            raise ModelError(
                f"{source or 'The model'} is a regression, whose outputs are not log-odds. "
                "Say multilabel=True if a sigmoid makes probabilities of them."
            )
        multilabel = len(found) == 1 or config.problem_type == MULTILABEL
    if len(found) == 1 and not multilabel:
        raise ModelError(f"{source or 'The model'} has a single output: it is multi-label, decided by a sigmoid.")
    return tuple(labels) if labels is not None else found, multilabel


def _pooled(output: Any, mask: Tensor) -> Tensor:
    last: Tensor = output.hidden_states[-1]
    if last.ndim == 2:
        return last
    weights = mask.unsqueeze(-1).to(last.dtype)
    return (last * weights).sum(1) / weights.sum(1).clamp_min(1)


def tokenizer_text(tokenizer: PreTrainedTokenizerBase) -> str:
    """The tokenizer's rules without the truncation and padding of the last call."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return json.dumps(tokenizer.get_vocab(), sort_keys=True)
    rules = json.loads(backend.to_str())
    return json.dumps(
        {key: value for key, value in rules.items() if key not in ("truncation", "padding")}, sort_keys=True
    )


def files_size(directory: Path) -> int:
    """Bytes of the files that a model is loaded from, its card left out."""
    names = ("*.safetensors", "*.json", "*.txt", "*.model")
    return sum(file.stat().st_size for name in names for file in directory.glob(name) if file.name != runs.MANIFEST)
