"""Specificity: the share of the rain that a restorer removes, less the share of equally bright structure that is none.

The other structure is the rain's *winding twin*: every row of the layer R = O - B is moved along itself, by
6 sin(2 pi y / 24) pixels for the row y, so that streaks wind like hair. The twin has the same levels, as many bright
pixels and the same widths along rows; only the shape is another. A filter that removes all that is bright and narrow
removes the twin as well. The figure is this project's own.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from rich.table import Table
from torch import Tensor

from derain.evaluation.evaluate import Evaluation, Result, collect
from derain.evaluation.metrics import METRIC
from derain.evaluation.restorers import Restorer, read_picture
from derain.pictures.pairs import Pair

_AMPLITUDE_PX, _PERIOD_PX = 6, 24
_FIGURE = METRIC["removal_controlled"]


@dataclass(frozen=True)
class Specificity:
    """Controlled removal of the rain of pairs and of its winding twin, means over images; None: not defined."""

    of_rain: float | None
    of_twin: float | None

    @property
    def value(self) -> float | None:
        """The difference: 1 of perfect removal, 0 of doing nothing and of a filter that knows no rain.

        >>> Specificity(0.75, 0.5).value
        0.25
        """
        return None if self.of_rain is None or self.of_twin is None else self.of_rain - self.of_twin

    def to_json(self) -> dict[str, float | None]:
        """Keys: "removal_controlled", "removal_controlled_twin", "specificity"."""
        return {
            "removal_controlled": self.of_rain,
            "removal_controlled_twin": self.of_twin,
            "specificity": self.value,
        }


def winding_twin(rainy: UInt8[Tensor, "3 h w"], clean: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
    """Lay the rain's winding twin on the clean picture; levels are clipped to 0..255.

    >>> clean = torch.zeros(3, 25, 20, dtype=torch.uint8)
    >>> rainy = clean.clone()
    >>> rainy[:, :, 10] = 90
    >>> [int(winding_twin(rainy, clean)[0, y].argmax()) for y in (0, 3, 6, 12, 18, 24)]
    [10, 14, 16, 10, 4, 10]
    """
    rain = rainy.short() - clean.short()
    height, width = rain.shape[1:]
    angles = 2 * math.pi * torch.arange(height, dtype=torch.float64) / _PERIOD_PX
    shifts = (_AMPLITUDE_PX * torch.sin(angles)).round().long()
    columns = (torch.arange(width) - shifts[:, None]) % width
    return (clean + rain.gather(2, columns.expand(3, -1, -1))).clamp(0, 255).to(torch.uint8)


def specificity(
    pairs: list[Pair], restorer: Restorer, evaluation: Evaluation, progress: Callable[[int], None] | None = None
) -> Specificity:
    """Restore the winding twins of pairs as well.

    Args:
        pairs: of rainy and clean pictures.
        restorer: that restores any picture: a network, no folder of results.
        evaluation: of the same restorer on the pairs.
        progress: called with the number of pairs done.

    Raises:
        InputError: as of `derain.evaluate`.
    """
    twins = collect(_twins(pairs, restorer), evaluation.restored.threshold, progress)
    return Specificity(*(each.restored.mean()[_FIGURE.name] for each in (evaluation, twins)))


def _twins(pairs: list[Pair], restorer: Restorer) -> Iterator[Result]:
    for pair in pairs:
        clean = read_picture(pair.clean)
        twin = winding_twin(read_picture(pair.rainy), clean)
        yield Result(pair.name, twin, clean, restorer.restore(pair, twin), restorer.restore_clean(pair, clean))


def specificity_table(found: Mapping[str, Specificity]) -> Table:
    """A row for each system."""
    head = ("", "controlled removal of the rain", "of its winding twin", "specificity")
    table = Table(*head, box=None, padding=(0, 1, 0, 0), pad_edge=False, caption_justify="left")
    for name, each in found.items():
        table.add_row(name, *map(_FIGURE.text, (each.of_rain, each.of_twin, each.value)))
    table.caption = "The twin is as bright as the rain and no rain: 1 is perfect, 0 is a filter that knows no rain."
    return table
