"""What student and teacher answered to the same rows: all that a calibration looks at."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64

from angelshare.metrics.deferral import disagreement, kept_costs
from angelshare.models.hardness import View
from angelshare.types import Predictions

__all__ = ["Answered"]


@dataclass(frozen=True, eq=False)
class Answered:
    """Rows with the answers of both models, in the labels of the data.

    Attributes
    ----------
    view : what the student said, in its own labels, with its features.
    truth : (rows, labels) golden labels; None where there are none.
    groups, names : (rows, groups) who is mentioned, for a promise to every group.
    """

    view: View
    student: Predictions
    teacher: Predictions
    truth: Bool[np.ndarray, "rows labels"] | None = None
    groups: Bool[np.ndarray, "rows groups"] | None = None
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.student)

    def take(self, rows: np.ndarray) -> "Answered":
        """The rows at these positions, in that order."""
        return replace(
            self,
            view=self.view.take(rows),
            student=self.student.take(rows),
            teacher=self.teacher.take(rows),
            truth=None if self.truth is None else self.truth[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    @cached_property
    def costs(self) -> Float64[np.ndarray, " rows"]:
        """What each row costs if the student keeps it; see `metrics.deferral.kept_costs`."""
        return kept_costs(self.student.decisions(), self.teacher.decisions(), self.truth)

    @property
    def lowest(self) -> float:
        """The least that a row can cost: -1 where golden labels may show the student right and the teacher wrong."""
        return 0.0 if self.truth is None else -1.0

    @property
    def binary(self) -> bool:
        """Whether a row costs 0 or 1 and nothing between or below."""
        return self.truth is None and (not self.student.multilabel or len(self.student.labels) == 1)

    @cached_property
    def differs(self) -> Bool[np.ndarray, " rows"]:
        """Whether the teacher decides any label of the row otherwise."""
        return np.asarray(disagreement(self.student.decisions(), self.teacher.decisions()) > 0)
