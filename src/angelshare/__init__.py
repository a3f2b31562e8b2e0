"""angelshare compresses text models and accounts for what was lost, on whom, with what certainty."""

import importlib
from typing import TYPE_CHECKING, Any

from angelshare._register import register_with_transformers

if TYPE_CHECKING:
    from angelshare.collect import advise, audit
    from angelshare.data.tables import Columns, Table, read
    from angelshare.models.loading import load
    from angelshare.result import AuditResult
    from angelshare.training.classifier import distil
    from angelshare.training.debiasing import debias
    from angelshare.training.finetune import finetune
    from angelshare.training.label import label
    from angelshare.training.masked_distillation import distil_encoder
    from angelshare.types import Classifier, Predictions

_HOMES = {
    "AuditResult": "angelshare.result",
    "Classifier": "angelshare.types",
    "Columns": "angelshare.data.tables",
    "Predictions": "angelshare.types",
    "Table": "angelshare.data.tables",
    "advise": "angelshare.collect",
    "audit": "angelshare.collect",
    "debias": "angelshare.training.debiasing",
    "distil": "angelshare.training.classifier",
    "distil_encoder": "angelshare.training.masked_distillation",
    "finetune": "angelshare.training.finetune",
    "label": "angelshare.training.label",
    "load": "angelshare.models.loading",
    "read": "angelshare.data.tables",
}

__all__ = [
    "AuditResult",
    "Classifier",
    "Columns",
    "Predictions",
    "Table",
    "advise",
    "audit",
    "debias",
    "distil",
    "distil_encoder",
    "finetune",
    "label",
    "load",
    "read",
]


def __getattr__(name: str) -> Any:
    """Bring a name in when it is first used: `import angelshare` needs no torch, and takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'angelshare' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


register_with_transformers()
