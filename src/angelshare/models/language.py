"""Language models: one that guesses hidden words and tokens, one that writes on."""

from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from angelshare import runs
from angelshare.data.augmentation.words import around
from angelshare.errors import ModelError, WrongKind
from angelshare.models.batching import CHARACTERS_A_TOKEN, Encoded, buckets, clean, encode
from angelshare.models.classifier import default_max_length, tokenizer_text
from angelshare.models.guesses import guesses
from angelshare.models.pretrained import FAILURES, unreachable
from angelshare.models.quiet import quiet

__all__ = ["TorchCausal", "TorchMasked", "fingerprint", "load_causal", "load_masked", "loaded"]

MAX_TOKENS = 2_048
"""Padded tokens a batch: a masked model answers each with the whole vocabulary."""

SWAP_TOKENS = 1_024
"""The same where two answers are compared at every token."""

ROWS = 16
"""Texts that are written at once."""

TOP_P = 0.9
"""Each token is one of the likeliest that have this much probability together (Holtzman et al. 2020)."""

CANDIDATES = 1_000
"""How many these are at most: to sort a whole vocabulary takes as long as to compute it."""


class TorchMasked:
    """A masked model out of `transformers`, as a `MaskedModel` and a `Guesser`."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, fingerprint: str) -> None:
        self.model, self.tokenizer, self.fingerprint = model.eval(), tokenizer, fingerprint
        self.max_length = min(default_max_length(model, tokenizer), 512)
        self._ids, self._words = _whole_words(tokenizer)

    @property
    def vocabulary(self) -> str:
        return runs.digest(tokenizer_text(self.tokenizer), str(self.max_length))

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def kind(self) -> str:
        return str(self.model.config.model_type)

    def token_counts(self, texts: Sequence[str]) -> Int[np.ndarray, " rows"]:
        return self._hideable(encode(self.tokenizer, texts, self.max_length))[1]

    def token_log_probs(
        self, texts: Sequence[str], positions: Sequence[Int[np.ndarray, " _"]]
    ) -> tuple[Float64[np.ndarray, " hidden"], Bool[np.ndarray, " hidden"]]:
        """A row of a batch is a text with one of its tokens hidden."""
        encoded = encode(self.tokenizer, texts, self.max_length)
        places, counts = self._hideable(encoded)
        rows = np.repeat(np.arange(len(texts)), [len(at) for at in positions])
        chosen = np.concatenate([np.zeros(0, dtype=np.int64), *positions])
        columns = places[(np.cumsum(counts) - counts)[rows] + chosen] - encoded.starts[rows]
        log_probs, right = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
        for index in buckets(encoded.lengths[rows], MAX_TOKENS):
            inputs = encoded.batch(rows[index], self.model.device)
            at = torch.arange(len(index)), torch.from_numpy(columns[index])
            truth = inputs["input_ids"][at].clone()
            inputs["input_ids"][at] = self.tokenizer.mask_token_id
            flat = at[0] * inputs["input_ids"].shape[1] + at[1]
            with torch.inference_mode():
                chances = guesses(self.model, inputs, flat.to(self.model.device)).logits.float().log_softmax(-1)
            log_probs[index] = chances.gather(1, truth[:, None])[:, 0].cpu().numpy()
            right[index] = (chances.argmax(-1) == truth).cpu().numpy()
        return log_probs, right

    def swap_divergences(self, texts: Sequence[str], twins: Sequence[str]) -> Float64[np.ndarray, "rows 4"]:
        """Both are read as they are, nothing hidden."""
        found = np.zeros((len(texts), 4))
        both = [encode(self.tokenizer, listed, self.max_length) for listed in (texts, twins)]
        even = np.flatnonzero(both[0].lengths == both[1].lengths)
        special = torch.tensor(self.tokenizer.all_special_ids, device=self.model.device)
        for index in buckets(both[0].lengths[even], SWAP_TOKENS):
            rows = even[index]
            one, other = (each.batch(rows, self.model.device) for each in both)
            with torch.inference_mode():
                p, q = (self.model(**each).logits.float().log_softmax(-1) for each in (one, other))
                apart = ((p.exp() - q.exp()) * (p - q)).sum(-1).double() / 2
            ids = one["input_ids"]
            words = ids != other["input_ids"]
            others = one["attention_mask"].bool() & ~words & ~torch.isin(ids, special)
            sums = [part for at in (others, words) for part in ((apart * at).sum(1), at.sum(1).double())]
            found[rows] = torch.stack(sums, dim=1).cpu().numpy()
        return found

    def _hideable(self, encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
        """Where in `encoded.tokens` the tokens stand that can be hidden, and how many each text has."""
        tokens = encoded.tokens[: int(encoded.lengths.sum())]
        able = ~np.isin(tokens, self.tokenizer.all_special_ids)
        texts = np.repeat(np.arange(len(encoded)), encoded.lengths)
        return np.flatnonzero(able), np.bincount(texts[able], minlength=len(encoded))

    def guesses(
        self, texts: Sequence[Sequence[str]], hidden: Sequence[Sequence[int]], count: int
    ) -> list[list[list[tuple[str, float]]]]:
        """Words that are one token; all hidden words of a text are hidden at once."""
        mask = str(self.tokenizer.mask_token)
        written = [_hidden(text, set(at), mask) for text, at in zip(texts, hidden, strict=True)]
        encoded = encode(self.tokenizer, written, self.max_length)
        found: list[list[list[tuple[str, float]]]] = [[] for _ in texts]
        for index in buckets(encoded.lengths, MAX_TOKENS):
            inputs = encoded.batch(index, self.model.device)
            rows, places = torch.nonzero(inputs["input_ids"] == self.tokenizer.mask_token_id, as_tuple=True)
            with torch.inference_mode():
                chances = self.model(**inputs).logits[rows, places].float().softmax(-1)[:, self._ids]
            best = chances.topk(min(count, chances.shape[1]))
            both = zip(rows.tolist(), best.values.tolist(), best.indices.tolist(), strict=True)
            for row, values, at in both:
                words = [self._words[place] for place in at]
                found[int(index[row])].append(list(zip(words, values, strict=True)))
        return found


def _hidden(text: Sequence[str], at: set[int], mask: str) -> str:
    """The text with masks at some words; what looks like a mask elsewhere is taken out."""
    return " ".join(
        "{0}{mask}{2}".format(*around(token), mask=mask) if place in at else token.replace(mask, "")
        for place, token in enumerate(text)
    )


def _whole_words(tokenizer: PreTrainedTokenizerBase) -> tuple[Tensor, list[str]]:
    """Ids and spelling of the tokens that are whole words: "good" or "Ġgood", and neither "##ness" nor ","."""
    pieces: list[str] = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    mark = next((mark for mark in ("Ġ", "▁") if any(piece.startswith(mark) for piece in pieces)), "")
    special = set(tokenizer.all_special_ids)
    found = {
        at: piece.removeprefix(mark)
        for at, piece in enumerate(pieces)
        if at not in special and piece.startswith(mark) and piece.removeprefix(mark).isalpha()
        if mark != "Ġ" or piece[1:].isascii()  # it spells the bytes of other letters
    }
    return torch.tensor(list(found)), list(found.values())


class TorchCausal:
    """A causal model out of `transformers`, as a `LanguageModel`."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, fingerprint: str) -> None:
        self.model, self.tokenizer, self.fingerprint = model.eval(), tokenizer, fingerprint
        self.max_length = min(default_max_length(model, tokenizer), 1_024)
        self._pad = 0 if tokenizer.eos_token_id is None else int(tokenizer.eos_token_id)

    def generate(self, prompts: Sequence[str], draws: Float64[np.ndarray, "rows tokens"]) -> list[str]:
        """By top-p sampling; of a prompt that is too long the end is read."""
        found = [""] * len(prompts)
        if not found:
            return found
        limit = self.max_length * CHARACTERS_A_TOKEN
        texts = [clean(text[-limit:], limit) for text in prompts]
        tokens: list[list[int]] = self.tokenizer(texts, verbose=False)["input_ids"]
        tokens = [row[-max(self.max_length - draws.shape[1], 1) :] or [self._pad] for row in tokens]
        order = np.argsort([-len(row) for row in tokens], kind="stable")
        for index in np.array_split(order, -(-len(order) // ROWS)):
            written = self._batch([tokens[at] for at in index], draws[index])
            for at, text in zip(index.tolist(), written, strict=True):
                found[at] = text
        return found

    @torch.inference_mode()
    def _batch(self, prompts: Sequence[list[int]], draws: Float64[np.ndarray, "rows tokens"]) -> list[str]:
        longest, device = max(map(len, prompts)), self.model.device
        end, pad = self.tokenizer.eos_token_id, self._pad
        ids = torch.tensor([[pad] * (longest - len(row)) + row for row in prompts], device=device)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts], device=device)
        places = (mask.cumsum(1) - 1).clamp(min=0)
        written: list[list[int]] = [[] for _ in prompts]
        writing, cache = [True] * len(prompts), None
        last = {"logits_to_keep": 1} if "logits_to_keep" in signature(self.model.forward).parameters else {}
        for step in range(draws.shape[1]):
            inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": places}
            output = self.model(**inputs, past_key_values=cache, use_cache=True, **last)
            cache = output.past_key_values
            chosen = _drawn(output.logits[:, -1], torch.from_numpy(draws[:, step]).to(device))
            for row, token in enumerate(chosen.tolist()):
                writing[row] = writing[row] and token != end
                if writing[row]:
                    written[row].append(token)
                    writing[row] = "\n" not in self.tokenizer.decode([token])
            if not any(writing):
                break
            ids, mask = chosen[:, None], torch.cat([mask, mask.new_ones(len(prompts), 1)], 1)
            places = places[:, -1:] + 1
        texts = [self.tokenizer.decode(row, skip_special_tokens=True) for row in written]
        return [text.split("\n")[0] for text in texts]


def _drawn(logits: Tensor, draws: Tensor) -> Tensor:
    """The token of each row at which the summed probability of the likeliest passes the draw's share of `TOP_P`."""
    likeliest = logits.float().softmax(-1).topk(min(CANDIDATES, logits.shape[-1]), dim=-1)
    chances = likeliest.values.double()
    chances = chances.masked_fill(chances.cumsum(-1) - chances >= TOP_P, 0.0)
    reach = chances.cumsum(-1)
    at = (reach <= draws[:, None] * reach[:, -1:]).sum(-1)
    last = (chances > 0).sum(-1) - 1
    return likeliest.indices.gather(1, torch.minimum(at, last)[:, None])[:, 0]


def load_masked(spec: str) -> TorchMasked:
    """A masked model whose head was trained.

    Raises
    ------
    WrongKind : it has no such head, or its tokenizer no mask.
    ModelError : it is not there, or is broken.
    """
    model, tokenizer, absent = loaded(AutoModelForMaskedLM, spec, "masked model")
    if absent:
        raise WrongKind(
            f"'{spec}' lacks the weights of {absent[0]}: no head was trained to guess words. Train one with angelshare "
            "pretrain, or name another masked model."
        )
    if tokenizer.mask_token_id is None:
        raise WrongKind(f"The tokenizer of '{spec}' has no mask. Name a masked model.")
    return TorchMasked(model, tokenizer, fingerprint(spec))


def load_causal(spec: str) -> TorchCausal:
    """A causal model.

    Raises
    ------
    ModelError : it is not there, or is no causal model.
    """
    model, tokenizer, absent = loaded(AutoModelForCausalLM, spec, "causal model")
    if absent or any("MaskedLM" in name for name in model.config.architectures or ()):
        raise ModelError(f"'{spec}' was not trained to write on. Name a causal model with --language-model.")
    return TorchCausal(model, tokenizer, fingerprint(spec))


def loaded(kind: Any, spec: str, name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[str]]:
    """(model, tokenizer, the weights that are not there), by one of transformers' Auto classes; `name` says of what.

    Raises
    ------
    WrongKind : its architecture has no such form.
    ModelError : it is not there, or is broken.
    """
    where: dict[str, Any] = {"trust_remote_code": False}
    if not Path(spec).is_dir() and unreachable():
        where["local_files_only"] = True
    try:
        with quiet(), torch.random.fork_rng(devices=[]):  # weights that are missing would be drawn
            model, found = kind.from_pretrained(
                spec, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **where
            )
            tokenizer = AutoTokenizer.from_pretrained(spec, **where)
    except FAILURES as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        article = "an" if name[0] in "aeiou" else "a"
        if "Unrecognized configuration class" in reason:
            raise WrongKind(f"'{spec}' is no {name}: its architecture has none. Give {article} {name}.") from error
        raise ModelError(
            f"'{spec}' cannot be loaded as {article} {name}: {reason.rstrip('.')}. Give a directory or a hub id of one."
        ) from error
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return model.to(device), tokenizer, sorted(found["missing_keys"])


def fingerprint(spec: str | Path) -> str:
    """A sha256 of the directory's files, else the hub id."""
    directory = Path(spec)
    if not directory.is_dir():
        return str(spec)
    kept = [file for file in runs.files_below(directory) if file.suffix in (".safetensors", ".json", ".txt", ".model")]
    return runs.fingerprint({str(file.relative_to(directory)): runs.sha256(file) for file in kept})
