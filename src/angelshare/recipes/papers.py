"""The papers by name, and how each is done again."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

from angelshare.errors import DataError
from angelshare.recipes.schema import Paper, checked, read_toml
from angelshare.result import AuditResult

__all__ = ["PAPERS", "read_recipe", "reproduce"]

PAPERS = ("lost-in-distillation", "unreasonable-distillation", "gender-bias-distilbert")


def _package(name: str) -> str:
    if name not in PAPERS:
        raise DataError(f"The recipe must be one of {', '.join(PAPERS)}. Got '{name}' instead.")
    return f"angelshare.recipes.{name.replace('-', '_')}"


def read_recipe(name: str) -> Paper[Any]:
    """Raises DataError for a recipe that does not exist."""
    package = _package(name)
    found: Paper[Any] = checked(import_module(f"{package}.schema").Recipe, read_toml(package), name)
    return found


def reproduce(name: str, scale: str, out: Path, **options: Any) -> AuditResult:
    """Do a paper's study at a scale; run again after an interruption, it goes on.

    Parameters
    ----------
    options : what the study of this paper takes (see `reproduce` in its package); None counts as not given.

    Raises
    ------
    DataError : no such recipe or scale, or an option that the study does not take.
    """
    recipe = read_recipe(name)
    sizes = recipe.scale(scale)
    study = import_module(f"{_package(name)}.study").reproduce
    given = {option: value for option, value in options.items() if value}
    unknown = next((option for option in given if option not in inspect.signature(study).parameters), None)
    if unknown is not None:
        raise DataError(f"The recipe '{name}' takes no --{unknown.replace('_', '-')}. Leave it out.")
    result: AuditResult = study(recipe, sizes, out, **given)
    return result
