"""Less flicker: still parts of a video are averaged over time, moving ones are left as they are."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from derain.errors import InputError

_STILL_LEVELS = 12.0
_WINDOW_PX = 5


class Smoothing:
    """A recursive filter over frames: X_t + weight * (S_{t-1} - X_t), S the frames that it gave before.

    The weight is `strength` where a neighbourhood looks as it did before, and falls to 0 where it differs by more than
    about 12 levels, so that what moves leaves no trail. A frame of another size begins anew.

    Args:
        strength: 0..1; 0 leaves every frame as it is, 1 would keep a still part as it was first.

    Raises:
        InputError: a strength outside 0..1.
    """

    def __init__(self, strength: float) -> None:
        if not 0 <= strength <= 1:
            raise InputError(f"the smoothing must lie between 0 and 1, not {strength}")
        self._strength = strength
        self._before: Float[Tensor, "3 h w"] | None = None

    def __call__(self, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        if self._strength == 0:
            return picture
        now = torch.from_numpy(picture).movedim(-1, 0).float()
        before = self._before
        if before is not None and before.shape == now.shape:
            # The mean over colours and a neighbourhood: single pixels differ by noise and by what is left of the rain.
            difference = (now - before).mean(0, keepdim=True)
            difference = functional.avg_pool2d(
                difference[None], _WINDOW_PX, stride=1, padding=_WINDOW_PX // 2, count_include_pad=False
            )[0]
            weight = self._strength * torch.exp(-((difference / _STILL_LEVELS) ** 2))
            now = torch.lerp(now, before, weight)
        self._before = now
        return now.round().clamp(0, 255).to(torch.uint8).movedim(0, -1).contiguous().numpy()
