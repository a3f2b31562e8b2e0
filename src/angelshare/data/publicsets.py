"""What is known of each public set, and where its files may lie."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from angelshare.data.tables import Columns
from angelshare.errors import AbsentSet, DataError

ROOT = "ANGELSHARE_DATA"
"""The environment variable that names the folder of public sets."""


@dataclass(frozen=True)
class Part:
    """A part of a set: its publisher's files, and the name of the split on the hub where it is there."""

    files: tuple[str, ...]
    split: str | None = None


@dataclass(frozen=True)
class PublicSet:
    """A public set: where it is, under which licence, whom to cite, and how its files are read.

    `columns` is None for sets that are no table of texts: the audits that use them read their files themselves.
    """

    name: str
    title: str
    licence: str
    citation: str
    parts: Mapping[str, Part]
    hub: str = ""
    homepage: str = ""
    note: str = ""
    folder: str = ""
    columns: Columns | None = None
    hub_columns: Columns | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    groups: str | None = None
    group_names: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> Part:
        if name not in self.parts:
            raise DataError(f"The set '{self.name}' has the parts {', '.join(self.parts)}. Got '{name}' instead.")
        return self.parts[name]


def _columns(found: Mapping[str, Any] | None) -> Columns | None:
    if found is None:
        return None
    named: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
    return Columns(**named)


def _public_set(name: str, found: dict[str, Any]) -> PublicSet:
    parts = {part: Part(tuple(spec["files"]), spec.get("split")) for part, spec in found.pop("parts").items()}
    columns, hub_columns = _columns(found.pop("columns", None)), _columns(found.pop("hub_columns", None))
    names, folder = found.pop("names", None), found.pop("folder", name)
    return PublicSet(
        name=name,
        parts=parts,
        columns=columns,
        hub_columns=hub_columns or columns,
        names=None if names is None else tuple(names),
        folder=folder,
        **found,
    )


@cache
def _catalogue() -> dict[str, PublicSet]:
    text = files("angelshare.data").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {name: _public_set(name, found) for name, found in sorted(tomllib.loads(text).items())}


def catalogue() -> list[PublicSet]:
    """Every public set that audits and recipes use, by name."""
    return list(_catalogue().values())


def find(name: str) -> PublicSet:
    """Raises DataError, with the names there are, for a set that is not in the catalogue."""
    if name not in _catalogue():
        raise DataError(f"There is no public set '{name}'. Name one of {', '.join(_catalogue())}.")
    return _catalogue()[name]


def locate(found: PublicSet, part: str, root: str | Path | None = None) -> list[Path] | None:
    """The files of a part in the set's folder below `root` or $ANGELSHARE_DATA, or right in the `root` given.

    None when some are not there.
    """
    base = root if root is not None else os.environ.get(ROOT)
    if not base:
        return None
    fetched = Path(base) / found.folder / f"{part}.parquet"
    wanted = found.part(part).files
    paths = [_first(Path(base), found.folder, file, bare=root is not None) for file in wanted]
    present = [path for path in paths if path is not None]
    if present and len(present) == len(wanted):
        return present
    return [fetched] if fetched.is_file() else None


def _first(base: Path, folder: str, file: str, *, bare: bool) -> Path | None:
    places = [base / folder / file, base / folder / Path(file).name]
    if bare:
        places += [base / file, base / Path(file).name]
    return next((place for place in places if place.is_file()), None)


def set_files(name: str, part: str = "train", root: str | Path | None = None) -> list[Path]:
    """The publisher's files of a part; raises DataError saying where they were looked for."""
    found = find(name)
    paths = locate(found, part, root)
    if paths is None:
        raise absent(found, part, root)
    return paths


def absent(found: PublicSet, part: str, root: str | Path | None) -> AbsentSet:
    """The error that says which files of a set are wanted, and where they were looked for."""
    base = root if root is not None else os.environ.get(ROOT)
    where = f"are not in {Path(base) / found.folder}" if base else f"were looked for nowhere: {ROOT} is not set"
    hub = " and the hub did not give them" if root is None and found.hub and found.part(part).split else ""
    source = f" from {found.homepage}" if found.homepage else ""
    wanted = ", ".join(found.part(part).files)
    return AbsentSet(
        f"The files of '{found.name}' ({part}: {wanted}) {where}{hub}. Get them{source} and name their folder."
    )
