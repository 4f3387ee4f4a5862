"""Noticing, while a network trains, that it has begun to slack off (docs/concepts/slacking-off.md)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

from torch import Tensor

from derain.evaluation.statistics import standard_error

PATIENCE = 3
"""Validations in a row that must be worse than the best one."""


@dataclass(frozen=True)
class Point:
    """A validation on photos kept out, under rain that is not trained on."""

    iteration: int
    psnr_y: list[float]
    """One value for every picture, in dB."""
    removal_controlled: float


@dataclass
class SlackingWatch:
    """Keeps the best validation point, and says when a network has begun to slack off after it.

    The best point has the highest mean PSNR-Y. A later one is worse if its PSNR-Y is lower by more than the standard
    error of the difference over the pictures, and its controlled removal is lower as well: less of the unseen rain is
    removed, and the picture is not the better for it. A network slacks off when three validations in a row are worse.

    >>> watch = SlackingWatch()
    >>> for iteration, psnr_y, removal in [(1, 20, 0.9), (2, 25, 0.8), (3, 24, 0.7), (4, 24, 0.7), (5, 23, 0.6)]:
    ...     watch.note(Point(iteration, [psnr_y, psnr_y + 1.0], removal), {})
    >>> watch.best.iteration, watch.slacking
    (2, True)
    """

    best: Point | None = None
    worse: int = 0
    weights: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def slacking(self) -> bool:
        return self.worse >= PATIENCE

    def note(self, point: Point, weights: Mapping[str, Tensor]) -> None:
        """Take in the next validation; the weights are copied if it is the best so far."""
        if self.best is None or fmean(point.psnr_y) > fmean(self.best.psnr_y):
            self.best, self.worse = point, 0
            self.weights = {name: tensor.detach().clone() for name, tensor in weights.items()}
            return
        lost = [best - now for best, now in zip(self.best.psnr_y, point.psnr_y, strict=True)]
        is_worse = fmean(lost) > standard_error(lost) and point.removal_controlled < self.best.removal_controlled
        self.worse = self.worse + 1 if is_worse else 0

    def state(self) -> dict[str, Any] | None:
        """For a checkpoint's header, JSON-able; the weights are its tensors."""
        return None if self.best is None else {"best": asdict(self.best), "worse": self.worse}

    @classmethod
    def restored(cls, state: Mapping[str, Any] | None, weights: Mapping[str, Tensor]) -> "SlackingWatch":
        """As it was when a checkpoint was written."""
        return cls() if state is None else cls(Point(**state["best"]), state["worse"], weights)
