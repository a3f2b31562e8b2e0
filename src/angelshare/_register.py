"""Students load through transformers' Auto classes as soon as both packages are imported, in either order.

Registering needs torch, which takes seconds to import: so it waits until transformers is there.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

STUDENTS = {f"angelshare.models.{name}" for name in ("auto", "bow", "cnn", "bilstm", "pooled")}


class _AfterTransformers(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "transformers":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        _register()


def _register() -> None:
    if importlib.util.find_spec("torch") is None or STUDENTS & set(sys.modules):  # those modules register themselves
        return
    importlib.import_module("angelshare.models.auto")


def register_with_transformers() -> None:
    if "transformers" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterTransformers())
