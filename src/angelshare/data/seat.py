"""SEAT's tests (May et al. 2019): two sets of target sentences, and two of attributes they may be near to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from angelshare.data.publicsets import find, set_files
from angelshare.errors import DataError

SIDES = ("targ1", "targ2", "attr1", "attr2")

DEFAULT = tuple(Path(file).stem for file in find("seat").part("test").files)
"""C6 to C8b of Caliskan et al. 2017 as sentences: career and family, mathematics and arts, science and arts."""

EVERY = tuple(Path(file).stem for file in find("seat").part("all").files)


@dataclass(frozen=True)
class AssociationTest:
    """Sentences of both targets and both attributes, and what they are about."""

    name: str
    categories: tuple[str, str, str, str]
    sentences: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def read_tests(names: Sequence[str] = (), root: str | Path | None = None) -> list[AssociationTest]:
    """Tests by name, or from a file of the same form; `all` stands for the 46 there are, none for C6 to C8b.

    Parameters
    ----------
    root : folder of the files, or of the set's folder; $ANGELSHARE_DATA where None.

    Raises
    ------
    DataError
        For an unknown name, and for a file that is missing or of another form.
    """
    wanted = [name for given in names or DEFAULT for name in (EVERY if given == "all" else (given,))]
    known = [name for name in wanted if name in EVERY]
    unknown = next((name for name in wanted if name not in EVERY and not name.endswith((".json", ".jsonl"))), None)
    if unknown is not None:
        raise DataError(
            f"A test must be one of SEAT's ({', '.join(DEFAULT)} and {len(EVERY) - len(DEFAULT)} more: angelshare data "
            f"show seat), all, or a file (.jsonl). Got '{unknown}' instead."
        )
    part = "test" if set(known) <= set(DEFAULT) else "all"
    paths = {path.stem: path for path in set_files("seat", part, root)} if known else {}
    return [_read(name, paths.get(name, Path(name))) for name in dict.fromkeys(wanted)]


def _read(name: str, path: Path) -> AssociationTest:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        sides = [(str(found[side]["category"]), tuple(found[side]["examples"])) for side in SIDES]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Give a test's file.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} must be one JSON object of {', '.join(SIDES)}, each with a category and examples: {error!r}."
        ) from error
    for side, (_, sentences) in zip(SIDES, sides, strict=True):
        if not sentences or not all(isinstance(sentence, str) and sentence.strip() for sentence in sentences):
            raise DataError(f"{path}, {side}: the examples must be sentences, at least one, none empty. Mend the file.")
    categories, sentences = zip(*sides, strict=True)
    return AssociationTest(name if name in EVERY else path.stem, categories, sentences)
