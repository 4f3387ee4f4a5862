"""Drops on the lens or the windscreen: small lenses that show the scene upside down."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

from derain.degradations.kind import Kind
from derain.rain.ranges import check_interval


@dataclass(frozen=True)
class Drops(Kind):
    """Drops that each show the scene around them upside down and smaller: O = (1 - M) B + M D (Qian et al., CVPR 2018,
    equation 1), where D, in a drop of the middle c and radius r, is B at c - reach (p - c).

    A drop out of focus has a soft edge: M falls from 1 to 0 within `edge` of its radius. Where drops overlap, the later
    one is seen.

    Attributes:
        number: drops in 128x128 pixels; drawn uniformly for every sample, and so is `edge`.
        radius_px: drawn uniformly for every drop.
        reach: how many times its own size a drop shows.
        edge: share of the radius over which a drop fades out.

    Raises:
        InputError: a range from high to low, or a value out of its domain.
    """

    number: tuple[float, float] = (3.0, 10.0)
    radius_px: tuple[float, float] = (4.0, 10.0)
    reach: tuple[float, float] = (2.0, 4.0)
    edge: tuple[float, float] = (0.1, 0.4)

    kind = "drops"
    residual = "local"

    def __post_init__(self) -> None:
        check_interval("number", self.number, above=0, below=500)
        check_interval("radius_px", self.radius_px, above=0, below=200)
        check_interval("reach", self.reach, above=0, below=50)
        check_interval("edge", self.edge, above=0, below=1.0001)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        return torch.stack([self._wet(picture, rng) for picture in clean])

    def _wet(self, clean: Float[Tensor, "3 h w"], rng: np.random.Generator) -> Float[Tensor, "3 h w"]:
        height, width = clean.shape[-2:]
        edge = rng.uniform(*self.edge)
        rows, columns = torch.meshgrid(
            *(torch.arange(n, device=clean.device).float() for n in (height, width)), indexing="ij"
        )
        from_row, from_column, mask = rows.clone(), columns.clone(), torch.zeros_like(rows)
        for _ in range(rng.poisson(rng.uniform(*self.number) * height * width / 128**2)):
            row, column = rng.uniform(0, height), rng.uniform(0, width)
            radius, reach = rng.uniform(*self.radius_px), rng.uniform(*self.reach)
            right, down = columns - column, rows - row
            opaque = ((1 - (right**2 + down**2).sqrt() / radius) / edge).clamp(0, 1)
            inside = opaque > 0
            from_row = torch.where(inside, row - reach * down, from_row)
            from_column = torch.where(inside, column - reach * right, from_column)
            mask = torch.where(inside, opaque, mask)
        grid = torch.stack([2 * from_column / (width - 1) - 1, 2 * from_row / (height - 1) - 1], -1)
        seen = grid_sample(clean[None], grid[None], padding_mode="reflection", align_corners=True)[0]
        return torch.where(mask > 0, clean + mask * (seen - clean), clean)


DROPS = {
    "small": Drops("drops:small", (5.0, 6.0), (6.0, 7.0), (2.8, 3.2), (0.2, 0.25)),
    "medium": Drops("drops:medium", (3.0, 10.0), (4.0, 10.0), (2.0, 4.0), (0.1, 0.4)),
    "large": Drops("drops:large", (1.0, 20.0), (2.0, 16.0), (1.5, 6.0), (0.05, 0.8)),
    "unseen": Drops("drops:unseen", (1.0, 3.0), (18.0, 26.0), (2.0, 4.0), (0.1, 0.4)),
}
