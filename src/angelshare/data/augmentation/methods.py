"""The four methods: from rows of a stream to their copies. A text's copies depend on seed and text alone."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from angelshare import runs
from angelshare.data.augmentation import generated, masked, tang, wordnet
from angelshare.data.augmentation.eda import eda
from angelshare.data.augmentation.words import Protected, Words, built_in, words
from angelshare.data.stream import Texts
from angelshare.data.tables import Columns, Table, hashed
from angelshare.errors import DataError, ModelError
from angelshare.types import Guesser, LanguageModel

__all__ = ["METHODS", "AugmentOptions", "Copy", "Method", "Sample", "Traits", "method_of", "ready"]


class Copy(NamedTuple):
    """One augmented text; empty where nothing could be made."""

    operation: str
    text: str


Method = Callable[[Texts], Iterator[list[Copy]]]
"""The copies of each row."""


@dataclass(frozen=True)
class Traits:
    """What a method needs.

    Attributes
    ----------
    rows : that are augmented and committed together: a second of work, or of a language model's a minute.
    sample : (texts a label, words of each) that it looks at before it begins.
    model : what its language model must be able to do.
    """

    rows: int
    sample: tuple[int, int] | None = None
    model: type | None = None
    labelled: bool = False


METHODS = {
    "eda": Traits(2048),
    "tang": Traits(2048, sample=(10_000, 100)),
    "masked": Traits(256, model=Guesser),
    "generate": Traits(16, sample=(16, generated.LONGEST), model=LanguageModel, labelled=True),
}

LABELS = 256
"""Different labels at most, of each of which a sample of texts is held."""


@dataclass(frozen=True, kw_only=True)
class AugmentOptions:
    """What is made of each text.

    Attributes
    ----------
    method : eda, tang, masked (a masked model's guesses) or generate (a causal model's texts of the same label).
    per_text : copies of each text; those equal to a text of the corpus or to an earlier copy are dropped.
    protect : whether negations and the lexicon's identity terms are neither taken out, moved nor brought in.
    words : words and phrases of the user's own that are protected, too.
    mask : what tang writes for a masked word.
    originals : write the texts themselves, too.
    not_in : audit sets none of whose texts are augmented or made: files, "set:" or "hub:" names, with their columns.
    """

    method: Literal["eda", "tang", "masked", "generate"] = "eda"
    per_text: int = 1
    seed: int = 0
    protect: bool = True
    words: tuple[str, ...] = ()
    mask: str = tang.MASK
    originals: bool = False
    not_in: Sequence[tuple[Table | str | Path, Columns | None]] = ()

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise DataError(f"The method must be one of {', '.join(METHODS)}. Got '{self.method}' instead.")
        if self.per_text < 1:
            raise DataError(f"The copies of a text must be at least 1. Got {self.per_text} instead.")
        if self.method == "generate" and self.words:
            raise DataError("The method generate writes whole texts: there are no words to protect. Leave them out.")
        if not self.mask.strip() or len(self.mask.split()) > 1:
            raise DataError(f"The mask must be one word. Got '{self.mask}' instead.")

    @property
    def traits(self) -> Traits:
        return METHODS[self.method]

    @property
    def protected(self) -> Protected:
        if not self.protect:
            return Protected(self.words)
        terms, endings, _ = built_in()
        return Protected((*terms, *self.words), endings)

    def facts(self) -> dict[str, Any]:
        """What decides the copies, as JSON values."""
        plain = {name: value for name, value in vars(self).items() if name not in ("not_in", "words", "mask")}
        facts = {**plain, "words": sorted(self.words), "lists": built_in()[2] if self.protect else None}
        return facts | ({"mask": self.mask} if self.method == "tang" else {})

    def check(self, model: object) -> None:
        """Raise ModelError unless the model is what the method needs."""
        wanted = self.traits.model
        if wanted is None and model is not None:
            raise ModelError(f"The method {self.method} needs no model. Leave it out, or take masked or generate.")
        if wanted is not None and not isinstance(model, wanted):
            kind = "a masked model" if wanted is Guesser else "a causal language model"
            raise ModelError(f"The method {self.method} needs {kind}. Name its directory or hub id: --language-model.")


class Sample:
    """For each label the texts with the smallest hashes: the same ones in any order of the rows."""

    def __init__(self, size: int, longest: int) -> None:
        self.size, self.longest = size, longest
        self._held: dict[str, list[tuple[float, str]]] = {}
        self._known: set[tuple[str, float]] = set()

    def add(self, rows: Texts) -> None:
        """Raises DataError where there are more labels than texts could be held of."""
        for text, label in zip(rows.texts, rows.said or [""] * len(rows), strict=True):
            held, far = self._held.setdefault(label, []), -hashed(text)
            if len(self._held) > LABELS:
                raise DataError(f"The labels have over {LABELS} different values. Name a column with fewer.")
            if (len(held) == self.size and far < held[0][0]) or (label, far) in self._known:
                continue
            self._known.add((label, far))
            if len(held) < self.size:
                heapq.heappush(held, (far, self.cut(text)))
            else:
                self._known.remove((label, heapq.heappushpop(held, (far, self.cut(text)))[0]))

    def cut(self, text: str) -> str:
        return " ".join(text[: 32 * self.longest].split()[: self.longest])

    def texts(self, label: str = "") -> list[str]:
        """Those with the smallest hash first."""
        return [text for _, text in sorted(self._held.get(label, ()), reverse=True)]


def ready(method: str) -> None:
    """Raise MissingPart or AbsentSet where nltk or its data are not here; what is opened stays open."""
    if method == "eda":
        wordnet.synonyms_of(Protected())
    if method == "tang":
        wordnet.tags_of()


def method_of(options: AugmentOptions, model: Any = None, sample: Sample | None = None) -> Method:
    """The method, ready for rows.

    Raises
    ------
    MissingPart, AbsentSet : nltk or its data are not here.
    """
    if options.method == "eda":
        known = wordnet.synonyms_of(options.protected)
        return _each(options, lambda text, rng: Copy(*eda(text, rng, known)))
    if options.method == "tang":
        assert sample is not None
        speech, alone = tang.speech_of(sample.texts(), wordnet.tags, options.protected), wordnet.tags_of()
        return _each(options, lambda text, rng: Copy(*tang.tang(text, rng, speech, alone, options.mask)))
    if options.method == "masked":
        return _masked(options, model)
    assert sample is not None
    return _generated(options, model, sample)


def _stream(options: AugmentOptions, text: str) -> np.random.Generator:
    return runs.rng(options.seed, options.method, runs.digest(text))


def _each(options: AugmentOptions, copy: Callable[[Words, np.random.Generator], Copy]) -> Method:
    protected = options.protected

    def copies(rows: Texts) -> Iterator[list[Copy]]:
        for text in rows.texts:
            found, rng = words(text, protected), _stream(options, text)
            yield [copy(found, rng) for _ in range(options.per_text)]

    return copies


def _masked(options: AugmentOptions, model: Guesser) -> Method:
    protected = options.protected

    def copies(rows: Texts) -> Iterator[list[Copy]]:
        found = [words(text, protected) for text in rows.texts]
        streams = [_stream(options, text) for text in rows.texts]
        hidden = [
            [masked.hide(text, rng) for _ in range(options.per_text)] for text, rng in zip(found, streams, strict=True)
        ]
        asked = [(text.tokens, one.at) for text, several in zip(found, hidden, strict=True) for one in several]
        answers = iter(model.guesses([text for text, _ in asked], [at for _, at in asked], masked.GUESSES))
        for text, several in zip(found, hidden, strict=True):
            yield [Copy(*masked.chosen(text, one, next(answers), protected)) for one in several]

    return copies


def _generated(options: AugmentOptions, model: LanguageModel, sample: Sample) -> Method:
    def copies(rows: Texts) -> Iterator[list[Copy]]:
        prompts, draws = [], []
        for text, label in zip(rows.texts, rows.said or (), strict=True):
            rng = _stream(options, text)
            for _ in range(options.per_text):
                prompts.append(generated.prompt(label, generated.shots(sample.cut(text), sample.texts(label), rng)))
                draws.append(rng.random(generated.TOKENS))
        answers = iter(model.generate(prompts, np.array(draws)))
        for label in rows.said or ():
            yield [Copy(f"label: {label}", generated.written(next(answers))) for _ in range(options.per_text)]

    return copies
