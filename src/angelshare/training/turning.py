"""The losses that turn target words' states off an attribute's directions, and these directions before each pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from angelshare import runs
from angelshare.mitigate.directions import distance, projection, word_means
from angelshare.mitigate.marks import Marked
from angelshare.mitigate.sentences import TARGET
from angelshare.models.batching import buckets
from angelshare.progress import progress
from angelshare.training.engine import DEV_TOKENS, Run

__all__ = ["Directions", "Turning"]

States: TypeAlias = Float[Tensor, "layers rows tokens width"]


@dataclass(frozen=True)
class Turning:
    """What is asked of the encoder on a batch of sentences.

    Attributes
    ----------
    before : the encoder as it was.
    alpha : weight of the projection; the distance has the rest to 1.
    """

    run: Run
    before: PreTrainedModel
    level: Literal["token", "sentence"]
    layers: Literal["all", "last"]
    alpha: float

    def losses(
        self, texts: Marked, index: Int[np.ndarray, " rows"], along: Float[Tensor, "layers attributes width"]
    ) -> dict[str, Tensor]:
        """`projection` where sentences with target words are among the rows, `distance` where others are."""
        found: dict[str, Tensor] = {}
        about = texts.sentences.kinds[index] == TARGET
        inputs = texts.encoded.batch(index, self.run.device)
        states, real = _states(self.run.inner, inputs), inputs["attention_mask"].bool()
        if about.any():
            at = real & self._rows(about)
            aimed = states[:, at] if self.level == "sentence" else self._words(texts, index, states, at)[0]
            layers = slice(None) if self.layers == "all" else slice(-1, None)
            found["projection"] = torch.mul(projection(aimed[layers], along[layers]), self.alpha)
        if not about.all():
            at = real & self._rows(~about)
            with torch.no_grad():
                earlier = _states(self.before, inputs)[:, at]
            found["distance"] = torch.mul(distance(states[:, at], earlier), 1 - self.alpha)
        return found

    def _rows(self, which: Bool[np.ndarray, " rows"]) -> Bool[Tensor, "rows 1"]:
        return torch.from_numpy(which).to(self.run.device)[:, None]

    def _words(
        self, texts: Marked, index: np.ndarray, states: States, at: Tensor
    ) -> tuple[Float[Tensor, "layers places width"], Int[np.ndarray, " places"]]:
        """The mean state of each place of a word among the tokens `at`, and the places' numbers."""
        places = texts.places.batch(index, self.run.device)["input_ids"]
        there = at & (places > 0)
        numbers, of = torch.unique(places[there], return_inverse=True)
        return word_means(states[:, there], of, len(numbers)), numbers.cpu().numpy() - 1

    def directions(self, texts: Marked) -> Float[Tensor, "layers attributes width"]:
        """The mean state of every attribute word that has a place, by the encoder as it stands, without dropout."""
        rows = np.flatnonzero(texts.sentences.kinds != TARGET)
        sums: Tensor | None = None
        self.run.inner.eval()
        with torch.no_grad(), progress("directions", len(rows)) as advance:
            for part in buckets(texts.encoded.lengths[rows], DEV_TOKENS):
                inputs = texts.encoded.batch(rows[part], self.run.device)
                states = _states(self.run.inner, inputs)
                means, numbers = self._words(texts, rows[part], states, inputs["attention_mask"].bool())
                if sums is None:
                    sums = means.new_zeros((len(means), len(texts.attributes), means.shape[2]))
                sums.index_add_(1, torch.from_numpy(texts.words[numbers]).to(sums.device), means)
                advance(len(part))
        self.run.inner.train()
        assert sums is not None  # marked() saw to it
        counts = np.bincount(texts.words[texts.words >= 0], minlength=len(texts.attributes))
        there = torch.from_numpy(counts > 0).to(sums.device)
        return (sums / torch.from_numpy(counts.clip(1)).to(sums)[None, :, None])[:, there]


def _states(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> States:
    """Of all layers, the embeddings' output first; a head above them is not run."""
    found = model.base_model(**inputs, output_hidden_states=True).hidden_states
    return torch.stack([states.float() for states in found])


class Directions:
    """The directions of the pass that the run stands in.

    They are those of the weights before its first step, so they are kept for a run that resumes in its middle.
    """

    def __init__(self, turning: Turning, texts: Marked, directory: Path) -> None:
        self.turning, self.texts, self.directory = turning, texts, directory
        self.epoch, self.known = -1, torch.empty(0)

    def __call__(self) -> Float[Tensor, "layers attributes width"]:
        run = self.turning.run
        epoch = run.step // run.epoch_steps
        if epoch == self.epoch:
            return self.known
        kept = self.directory / f"epoch-{epoch:06d}"
        if run.step % run.epoch_steps == 0:
            with runs.atomic_directory(kept) as aside:
                save_file({"directions": self.turning.directions(self.texts).cpu()}, aside / "directions.safetensors")
        runs.verify(kept)
        self.epoch, self.known = epoch, load_file(kept / "directions.safetensors")["directions"].to(run.device)
        return self.known
