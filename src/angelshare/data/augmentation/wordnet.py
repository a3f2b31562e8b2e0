"""WordNet's synonyms and parts of speech, read by nltk. Each word is looked up once while it is remembered."""

import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from angelshare.data.augmentation.words import Protected
from angelshare.data.publicsets import ROOT
from angelshare.errors import AbsentSet, DamagedFile, MissingPart

__all__ = ["REMEMBERED", "synonyms_of", "tags", "tags_of"]

REMEMBERED = 65_536
"""Words whose synonyms and part of speech are kept: what bounds the memory of a long run."""


def synonyms_of(protected: Protected) -> Callable[[str], tuple[str, ...]]:
    """WordNet's synonyms of a word, in lower case and the alphabet's order; neither the word nor protected ones.

    Those of all its senses, as in Wei and Zou's code; names with digits in them are left out ("atomic number 102").

    Raises
    ------
    MissingPart : nltk is not installed.
    AbsentSet : WordNet is not here.
    """
    reader = _wordnet()

    @lru_cache(REMEMBERED)
    def synonyms(word: str) -> tuple[str, ...]:
        names = {name.replace("_", " ").lower() for found in reader.synsets(word) for name in found.lemma_names()}
        # The reader keeps every sense it has parsed, some kilobytes each: 600 MB for all of WordNet.
        getattr(reader, "_synset_offset_cache", {}).clear()
        return tuple(sorted(name for name in names - {word} if _plain(name) and protected.allows(name)))

    return synonyms


def _plain(name: str) -> bool:
    return all(letter.isalpha() or letter in " -'" for letter in name)


def tags(words: Sequence[str]) -> list[str]:
    """The part of speech of each word of a sentence (Penn Treebank's names), by nltk's averaged perceptron.

    Raises
    ------
    MissingPart : nltk is not installed.
    AbsentSet : its weights are not here.
    """
    return [tag for _, tag in _tagger().tag(list(words))]


def tags_of() -> Callable[[str], str]:
    """The part of speech of a word that stands alone."""
    _tagger()
    return lru_cache(REMEMBERED)(lambda word: tags([word])[0])


@cache
def _wordnet() -> Any:
    def opened(nltk: Any) -> Any:
        from nltk.corpus.reader.wordnet import WordNetCorpusReader

        class English(WordNetCorpusReader):  # type: ignore[misc]
            def map_wn(self, version: str = "wordnet") -> None:
                """For other languages only, and half of the time that opening takes."""

        return English(nltk.data.find("corpora/wordnet"), omw_reader=())

    return _read("WordNet", "corpora/wordnet", "wordnet", opened)


@cache
def _tagger() -> Any:
    name = "averaged_perceptron_tagger_eng"
    return _read("The part-of-speech tagger", f"taggers/{name}", name, lambda nltk: nltk.tag.PerceptronTagger())


def _read(what: str, below: str, name: str, opened: Callable[[Any], Any]) -> Any:
    """What nltk reads of `below` in a folder it knows, or in $ANGELSHARE_DATA/nltk."""
    try:
        import nltk
    except ImportError as error:
        raise MissingPart(
            f"{what} is read by the package nltk, which is missing: pip install 'angelshare[train]'."
        ) from error
    import nltk.data

    own = str(Path(os.environ[ROOT]) / "nltk") if os.environ.get(ROOT) else ""
    if own and own not in nltk.data.path:  # nltk reads below these folders alone
        nltk.data.path.append(own)
    try:
        return opened(nltk)
    except LookupError as error:
        raise AbsentSet(
            f"{what} is not here: put it at ${ROOT}/nltk/{below}, or fetch it: "
            f"python -c \"import nltk; nltk.download('{name}')\"."
        ) from error
    except (OSError, ValueError, AssertionError, StopIteration, nltk.corpus.reader.wordnet.WordNetError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DamagedFile(f"{what} cannot be read: {first}. Fetch it again with nltk.download('{name}').") from error
