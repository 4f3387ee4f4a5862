"""Less flicker where the camera stands still: what does not move keeps what it showed without rain."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from derain.errors import InputError
from derain.restoration.hdr import Picture

_ALIKE_LEVELS = 16.0
_WINDOW_PX = 31
_LEAST_SHARE, _FULL_SHARE = 0.5, 0.8


class Smoothing:
    """A recursive filter over frames: X_t + weight * (S_{t-1} - X_t), S the frames that it gave before.

    Rain is sparse and only brightens. A neighbourhood counts as still if most of its pixels look as before; there the
    weight is `strength`, also for the few pixels that are brighter, which are rain that was left. What is darker than
    before is taken as it is: before it was rain. A camera that pans over smooth things is taken for still, which costs
    sharpness (benchmarks/smoothing.py). A frame of another size begins anew.

    Args:
        strength: 0..1; 0 leaves every frame as it is.

    Raises:
        InputError: a strength outside 0..1.
    """

    def __init__(self, strength: float) -> None:
        if not 0 <= strength <= 1:
            raise InputError(f"the smoothing must lie between 0 and 1, not {strength}")
        self._strength = strength
        self._before: Float[Tensor, "3 h w"] | None = None

    def __call__(self, picture: Picture) -> Picture:
        """The next picture; levels 0..255, or 0..65535 of a picture of 16 bits."""
        if self._strength == 0:
            return picture
        most = np.iinfo(picture.dtype).max
        now = torch.from_numpy(picture).movedim(-1, 0).float() * (255 / most)
        before = self._before
        if before is not None and before.shape == now.shape:
            brighter = (now - before).mean(0, keepdim=True)
            alike = (brighter.abs() < _ALIKE_LEVELS).float()
            padding = _WINDOW_PX // 2
            share = functional.avg_pool2d(alike[None], _WINDOW_PX, 1, padding, count_include_pad=False)[0]
            still = ((share - _LEAST_SHARE) / (_FULL_SHARE - _LEAST_SHARE)).clamp(0, 1)
            now = torch.lerp(now, before, self._strength * still * (brighter > -_ALIKE_LEVELS))
        self._before = now
        levels = (now * (most / 255)).round().clamp(0, most).movedim(0, -1).contiguous().numpy()
        return levels.astype(picture.dtype)
