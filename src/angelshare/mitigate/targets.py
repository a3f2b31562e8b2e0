"""Words that many link with a gender and that say nothing of one: our own list, a public set's, or the user's."""

import tomllib
from importlib.resources import files
from pathlib import Path

from angelshare.data.publicsets import set_files
from angelshare.data.tables import SET
from angelshare.errors import DataError

__all__ = ["open_targets", "stereotypes"]


def stereotypes() -> tuple[str, ...]:
    """Our own short list: occupations, traits and pastimes."""
    text = files("angelshare.mitigate").joinpath("pairs.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["words"]["stereotypes"])


def open_targets(spec: str | Path) -> tuple[str, ...]:
    """The words of a text file, one a line, or of a public set's part ("set:gender_words:stereotypes").

    Raises
    ------
    DataError : it cannot be read, or holds no word.
    """
    if not str(spec).startswith(SET):
        return _lines(Path(spec))
    name, _, part = str(spec).removeprefix(SET).partition(":")
    paths = set_files(name, part or "train")
    if any(path.suffix != ".txt" for path in paths):
        raise DataError(f"{spec} is no list of words. Name set:gender_words:stereotypes, or a text file.")
    return tuple(dict.fromkeys(word for path in paths for word in _lines(path)))


def _lines(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(f"{path} cannot be read: {reason}. Give a text file of words, one a line.") from error
    found = dict.fromkeys(" ".join(line.split()).lower() for line in lines if any(map(str.isalnum, line)))
    if not found:
        raise DataError(f"{path} holds no word. Write one word or phrase a line.")
    return tuple(found)
