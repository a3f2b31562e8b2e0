"""Mixup in a classifier's distillation: texts mixed with their twins, whose pair words are swapped; the answers, too.

The student reads lambda * e(text) + (1 - lambda) * e(twin), e its input embeddings, and follows the same mixture of the
teacher's logits (Ahn et al. 2022, section 5.1).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from angelshare import runs
from angelshare.data.tables import Columns, Table
from angelshare.errors import DataError, ModelError
from angelshare.mitigate.mixup import ALPHA, blend, check_alpha, shares
from angelshare.mitigate.pairs import Pairs, Twin
from angelshare.models.base import embedded
from angelshare.models.batching import Encoded, encode
from angelshare.progress import progress, say
from angelshare.training.label import LabelOptions, label
from angelshare.training.rows import Rows
from angelshare.types import Classifier

__all__ = ["Mixed", "Mixing", "Mixup", "Twins", "labelled"]

NAMED = 3
"""How many of the swaps that do not fit a tokenizer are named."""


@dataclass(frozen=True)
class Mixup:
    """Which words are swapped, and how the shares of text and twin are drawn.

    Attributes
    ----------
    alpha : of Beta(alpha, alpha). Below 1 most mixtures are nearly the text or nearly its twin.
    """

    pairs: Pairs
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        check_alpha(self.alpha)

    def facts(self) -> dict[str, Any]:
        return {"pairs": self.pairs.digest, "alpha": self.alpha}

    def check(self, texts: Iterable[str]) -> None:
        """Raise DataError where no text has a twin, before the teacher labels anything."""
        if not any(self.pairs.twins(text) for text in texts):
            raise self.useless()

    def useless(self) -> DataError:
        return DataError(
            f"No text to learn from has a word of {self.pairs.name} that can be swapped. "
            "Name other pairs, or leave --mixup-pairs out."
        )


@dataclass(frozen=True, eq=False)
class Twins:
    """What the teacher says of the twins.

    Attributes
    ----------
    of : the twins of each text that has some.
    logits : (labels,) by twin.
    """

    wanted: Mixup
    of: Mapping[str, Sequence[Twin]]
    logits: Mapping[str, Float32[np.ndarray, " labels"]]


def labelled(
    rows: Rows,
    held: Rows,
    teacher: Classifier,
    wanted: Mixup,
    not_in: Sequence[tuple[Table | str | Path, Columns | None]],
    student: Path,
) -> Twins:
    """The twins of the rows' texts, labelled by the teacher once; none equals a dev row's text.

    They are kept beside the student, as `NAME.twins.transfer`.

    Raises
    ------
    DataError : no text has one, or those files were made of other texts.
    """
    of: dict[str, list[Twin]] = {}
    with progress("twins", len(rows)) as advance:
        for text in rows.texts:
            if text not in of:
                of[text] = wanted.pairs.twins(text)
            advance(1)
    texts = list(dict.fromkeys(twin.text for found in of.values() for twin in found))
    if not texts:
        raise wanted.useless()
    table = Table("twins", "twins", np.array([f"twin:{at}" for at in range(len(texts))], dtype=object), texts)
    dev = Table("dev rows", "dev rows", np.array([str(at) for at in range(len(held))], dtype=object), held.texts)
    options = LabelOptions(not_in=[(dev, None), *not_in])
    answers = label(teacher, table, student.parent / f"{student.name}.twins.transfer", options=options).read()
    logits = dict(zip(answers.texts, answers.logits, strict=True))
    kept = {text: [twin for twin in found if twin.text in logits] for text, found in of.items()}
    return Twins(wanted, {text: found for text, found in kept.items() if found}, logits)


@dataclass(frozen=True, eq=False)
class Mixed:
    """The rows of a batch that are mixed with a twin.

    Attributes
    ----------
    at : (rows,) True for these.
    ids : the twins' tokens, padded as the batch is.
    logits : the teacher's of the twins.
    share : of the text; the twin has the rest.
    """

    at: Bool[Tensor, " rows"]
    ids: Int[Tensor, "mixed tokens"]
    logits: Float[Tensor, "mixed labels"]
    share: Float[Tensor, " mixed"]

    def inputs(self, model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the model reads in the place of the texts' token ids."""
        mask = inputs["attention_mask"]
        texts, twins = embedded(model, inputs["input_ids"], mask), embedded(model, self.ids, mask[self.at])
        return {"inputs_embeds": blend(texts, self.at, twins, self.share), "attention_mask": mask}

    def targets(self, teacher: Float[Tensor, "rows labels"]) -> Float[Tensor, "rows labels"]:
        return blend(teacher, self.at, self.logits, self.share)


class Mixing:
    """Draws a twin and a share for each row of a batch; only (seed, step) decides, so a resumed run repeats them.

    Twins are passed over where they have not as many tokens as the student reads of their text, or where the student
    does not know one of the swapped words: then the places to mix would not be the same.

    Parameters
    ----------
    texts, encoded : the rows to learn from, and their tokens.
    limit : tokens read of a text.

    Raises
    ------
    ModelError : no twin is left.
    """

    def __init__(
        self,
        twins: Twins,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        texts: Sequence[str],
        encoded: Encoded,
        limit: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.alpha, self.seed, self.device, self.pad = twins.wanted.alpha, seed, device, encoded.pad
        row_of = {text: row for row, text in enumerate(texts) if text in twins.of}
        fit = _Fit(model, tokenizer)
        able = [(text, twin) for text in row_of for twin in twins.of[text] if fit(twin)]
        found = encode(tokenizer, [twin.text for _, twin in able], limit)
        even = found.lengths == encoded.lengths[np.array([row_of[text] for text, _ in able], dtype=np.int64)]
        kept = np.flatnonzero(even)
        everything = sum(len(twins.of[text]) for text in row_of)
        if not len(kept):
            raise ModelError(
                f"None of the {everything:,} swaps of {twins.wanted.pairs.name} keeps the student's number of tokens"
                f"{fit.said}. Name other pairs, or another student."
            )
        self.twins = replace(found, starts=found.starts[kept], lengths=found.lengths[kept])
        self.logits = torch.from_numpy(np.stack([twins.logits[able[at][1].text] for at in kept])).to(device)
        spans: dict[str, list[int]] = {}
        for place, at in enumerate(kept.tolist()):
            spans.setdefault(able[at][0], []).append(place)
        self.first = np.array([spans.get(text, [0])[0] for text in texts], dtype=np.int64)
        self.count = np.array([len(spans.get(text, [])) for text in texts], dtype=np.int64)
        self.facts = {"texts": len(spans), "twins": len(kept), "passed_over": everything - len(kept)}
        say(
            f"mixup: {len(spans):,} of {len(texts):,} texts have {len(kept):,} twins; "
            f"{everything - len(kept):,} were passed over{fit.said}."
        )

    def __call__(self, batch: Int[np.ndarray, " rows"], step: int, width: int) -> Mixed | None:
        """The twins of a batch's rows, padded to `width` tokens; None where none has one."""
        rng = runs.rng(self.seed, "mixup", step)
        share, choice = shares(self.alpha, len(batch), rng), rng.random(len(batch))
        at = self.count[batch] > 0
        if not at.any():
            return None
        rows = batch[at]
        chosen = self.first[rows] + (choice[at] * self.count[rows]).astype(np.int64)
        ids = self.twins.batch(chosen, self.device)["input_ids"]
        return Mixed(
            torch.from_numpy(at).to(self.device),
            functional.pad(ids, (0, width - ids.shape[1]), value=self.pad),
            self.logits[torch.from_numpy(chosen).to(self.device)],
            torch.from_numpy(share[at]).to(self.device),
        )


class _Fit:
    """Whether a twin's words have as many tokens as those of the text, and the student knows all of them."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer, self.unknown = tokenizer, {tokenizer.unk_token_id}
        kept = getattr(model, "kept", None)  # of a cnn: the vectors that stand for its tokenizer's pieces
        if kept is not None and tokenizer.unk_token_id is not None:
            self.unknown |= set(torch.nonzero(kept == kept[tokenizer.unk_token_id]).flatten().tolist())
        self.tokens: dict[str, list[int]] = {}
        self.unfit: Counter[tuple[str, str]] = Counter()

    def __call__(self, twin: Twin) -> bool:
        wrong = [pair for pair in twin.terms if not self._even(*pair)]
        self.unfit.update(wrong)
        return not wrong

    def _even(self, own: str, other: str) -> bool:
        one, two = self._cut(own), self._cut(other)
        return len(one) == len(two) and not self.unknown & {*one, *two}

    def _cut(self, word: str) -> list[int]:
        if word not in self.tokens:
            self.tokens[word] = self.tokenizer(f" {word}", add_special_tokens=False)["input_ids"]
        return self.tokens[word]

    @property
    def said(self) -> str:
        """The commonest of what did not fit, in words."""
        listed = ", ".join(f"'{own}' to '{other}'" for (own, other), _ in self.unfit.most_common(NAMED))
        return f" (words it does not know, or has more or fewer tokens for: {listed})" if listed else ""
