"""What is asked of a switch: a share, a loss, or a loss of the worst group that it is not to exceed."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from angelshare.errors import DataError

__all__ = ["Kind", "Target"]

Kind = Literal["deferred", "loss", "group-loss"]

_TARGET = re.compile(r"\s*([a-z-]+)\s*<?=\s*([0-9.eE+-]+)\s*(%?)\s*")


@dataclass(frozen=True)
class Target:
    """A limit, as a fraction.

    Attributes
    ----------
    kind : "deferred": the share of rows that go to the teacher. "loss": the accuracy that is lost against the teacher
        alone (without golden labels: the share of decisions that are not the teacher's). "group-loss": the same, for
        all rows together and for every identity group.
    """

    kind: Kind
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read "deferred=0.2", "loss=0.01" or "group-loss=2%".

        Raises
        ------
        DataError : it says something else, or the limit is not between 0 and 1.
        """
        found = _TARGET.fullmatch(text)
        try:
            limit = float(found.group(2)) / (100 if found.group(3) else 1) if found else float("nan")
        except ValueError:
            limit = float("nan")
        kind = next((kind for kind in get_args(Kind) if found and found.group(1) == kind), None)
        if kind is None or not 0 < limit < 1:
            raise DataError(
                "A target must be deferred=X, loss=X or group-loss=X, where X is above 0 and below 1. "
                f"Got '{text}' instead."
            )
        return cls(kind, limit)

    def __str__(self) -> str:
        return f"{self.kind}={self.limit:g}"
