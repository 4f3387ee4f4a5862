"""Rain, or any other degradation, as a step of other people's pipelines."""

from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor, nn

from derain.degradations.registry import load_degradation
from derain.errors import InputError
from derain.pictures.degradation import Degradation
from derain.rain import Rain, compose, rain_mask
from derain.support.randomness import generator

Picture = TypeVar("Picture", np.ndarray, Tensor, Image.Image)


class Parts(NamedTuple):
    """A degraded picture, or several, and what was done to them.

    Attributes:
        picture: in the type of the input.
        layer: of rain, the grey layer R of O = clip(B + R) in levels from 0 up, `(n, 1, h, w)`; None for others.
        mask: pixels that are changed by more than the threshold, `(n, 1, h, w)`.
    """

    picture: np.ndarray | Tensor | Image.Image
    layer: Float[Tensor, "n 1 h w"] | None
    mask: Bool[Tensor, "n 1 h w"]


class RainTransform(nn.Module):
    """Lay rain on pictures within a pipeline of torchvision v2, albumentations or kornia (docs/how-to/augment.md).

    It takes an array `(h, w, 3)` or `(n, h, w, 3)`, a tensor `(3, h, w)` or `(n, 3, h, w)`, either of uint8 or of
    floats in 0..1, or a Pillow picture, and gives the same. Every picture of a batch gets rain of its own. All further
    arguments, such as masks and boxes, are handed on as they are: rain moves nothing.

    The rain follows from `seed`. Without one, a seed is drawn from torch's random state, so it follows from
    `torch.manual_seed`, and workers of a DataLoader differ.

    Args:
        rain: as `derain train --rain` takes it, other degradations too; or one as an object.
        video: the pictures of a batch are frames: one layer falls through them. Under another degradation all frames
            have the same random numbers.
        speed_px: pixels that rain falls from one frame to the next.
        threshold: of the mask, in levels.

    Raises:
        InputError: an unknown rain; or, when it is called, something that is no picture.

    >>> rain = RainTransform("medium")
    >>> picture = np.zeros((40, 60, 3), np.uint8)
    >>> rainy = rain(picture, seed=7)
    >>> rainy.shape, rainy.dtype, bool((rainy == rain(picture, seed=7)).all()), bool(rainy.mean() > 10)
    ((40, 60, 3), dtype('uint8'), True, True)
    >>> rain(torch.zeros(2, 3, 40, 60), "a mask")[1]
    'a mask'
    """

    def __init__(
        self, rain: str | Degradation = "medium", video: bool = False, speed_px: int = 40, threshold: float = 10.0
    ) -> None:
        super().__init__()
        if speed_px < 0:
            raise InputError(f"speed_px must be at least 0, not {speed_px}")
        self.degradation: Degradation = load_degradation(rain) if isinstance(rain, str) else rain
        self.video, self.speed_px, self.threshold = video, speed_px, threshold

    def forward(self, picture: Picture, *others: object, seed: int | None = None) -> object:
        """The picture, or a tuple of the picture and all others where there are some."""
        rainy = self.parts(picture, seed).picture
        return (rainy, *others) if others else rainy

    def parts(self, picture: Picture, seed: int | None = None) -> Parts:
        """The picture with its layer and its mask."""
        clean = _levels(picture)
        layer = None
        if isinstance(self.degradation, Rain):
            layer = self._layers(self.degradation, clean, _seed(seed))
            degraded = compose(clean, layer)
        elif self.video:
            number = _seed(seed)
            frames = [self.degradation.degrade(frame, generator(number, "transform")) for frame in clean.split(1)]
            degraded = torch.cat(frames)
        else:
            degraded = self.degradation.degrade(clean, generator(_seed(seed), "transform"))
        mask = rain_mask(degraded, clean, self.threshold, self.degradation.residual)
        return Parts(_like(picture, degraded), layer, mask)

    def _layers(self, rain: Rain, clean: Float[Tensor, "n 3 h w"], seed: int) -> Float[Tensor, "n 1 h w"]:
        count, _, height, width = clean.shape
        rng = generator(seed, "transform")
        if not self.video:
            return rain.layers(count, height, width, rng, clean.device)
        fallen = self.speed_px * (count - 1)
        [tall] = rain.layers(1, height + fallen, width, rng, clean.device)
        tops = (fallen - self.speed_px * frame for frame in range(count))
        return torch.stack([tall[:, top : top + height] for top in tops])


def _seed(seed: int | None) -> int:
    return int(torch.randint(2**32, ())) if seed is None else seed


def _levels(picture: np.ndarray | Tensor | Image.Image) -> Float[Tensor, "n 3 h w"]:
    """Levels 0..255 of pictures of any form."""
    if isinstance(picture, Image.Image):
        return _levels(np.array(picture.convert("RGB")))
    if not isinstance(picture, np.ndarray | Tensor):
        raise InputError(f"a picture is an array, a tensor or a Pillow picture, not {type(picture).__name__}")
    is_array = isinstance(picture, np.ndarray)
    tensor = torch.from_numpy(np.array(picture)) if isinstance(picture, np.ndarray) else picture
    tensor = tensor.as_subclass(Tensor)
    form = "(h, w, 3) or (n, h, w, 3)" if is_array else "(3, h, w) or (n, 3, h, w)"
    if tensor.ndim not in (3, 4) or tensor.shape[-1 if is_array else -3] != 3:
        raise InputError(f"a picture has the shape {form}, not {tuple(tensor.shape)}")
    if tensor.dtype != torch.uint8 and not tensor.is_floating_point():
        raise InputError(f"a picture holds uint8 or floats in 0..1, not {tensor.dtype}")
    tensor = tensor.movedim(-1, -3) if is_array else tensor
    levels = tensor.float() if tensor.dtype == torch.uint8 else tensor.float() * 255
    return levels if levels.ndim == 4 else levels[None]


def _like(picture: Picture, levels: Float[Tensor, "n 3 h w"]) -> Picture:
    """Levels in the form of a picture."""
    if isinstance(picture, Image.Image):
        return Image.fromarray(levels[0].round().byte().movedim(0, -1).cpu().numpy())
    found = levels if picture.ndim == 4 else levels[0]
    if isinstance(picture, np.ndarray):
        array = found.movedim(-3, -1).cpu().numpy()
        return np.ascontiguousarray(array.round() if picture.dtype == np.uint8 else array / 255).astype(picture.dtype)
    found = found.round() if picture.dtype == torch.uint8 else found / 255
    return found.to(picture.dtype).as_subclass(type(picture))
