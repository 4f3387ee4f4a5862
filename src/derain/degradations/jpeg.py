"""JPEG: what lossy coding leaves."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from derain.degradations.kind import Kind
from derain.errors import InputError
from derain.rain.ranges import check_interval


@dataclass(frozen=True)
class Jpeg(Kind):
    """Coded as JPEG and decoded again, by libjpeg through Pillow, with halved colours (4:2:0) as most cameras do.

    It runs on the CPU, wherever the pictures are.

    Attributes:
        quality: libjpeg's quality, whole numbers 1..100, both ends included; drawn uniformly for every sample.

    Raises:
        InputError: a range from high to low, or a quality that is no whole number from 1 to 100.
    """

    quality: tuple[int, int] = (15, 50)

    kind = "jpeg"

    def __post_init__(self) -> None:
        check_interval("quality", self.quality, above=0, below=101)
        if any(int(each) != each for each in self.quality):
            raise InputError(f"quality must be whole numbers, not {self.quality}")

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        qualities = rng.integers(*self.quality, len(clean), endpoint=True)
        pictures = clean.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        decoded = np.stack([_decoded(each, int(quality)) for each, quality in zip(pictures, qualities, strict=True)])
        return torch.from_numpy(decoded).to(clean.device).permute(0, 3, 1, 2).float()


def _decoded(picture: np.ndarray, quality: int) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


JPEG = {
    "small": Jpeg("jpeg:small", (25, 35)),
    "medium": Jpeg("jpeg:medium", (15, 50)),
    "large": Jpeg("jpeg:large", (8, 80)),
    "unseen": Jpeg("jpeg:unseen", (2, 6)),
}
