"""The base of every network: a module that says what it needs."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError


@dataclass(frozen=True)
class Hyperparameters:
    """Settings of a network's size and form: int, float, bool and Literal fields, checked when it is made."""


@dataclass(frozen=True)
class Descriptor:
    """Facts about a network, so that nobody has to read its code to use it.

    Attributes:
        paper: where it comes from.
        smallest_size_px: smallest height and width.
        size_multiple_px: sizes are padded to a multiple of it inside, and cropped back.
        receptive_field_px: side of the square of input pixels that can change one output pixel; the overlap that tiles
            need is half of it. 0: there is none, as every input pixel counts, or it is not known.
        stages: how many pictures `stages` gives, first to last.
    """

    paper: str
    smallest_size_px: int
    size_multiple_px: int
    receptive_field_px: int
    stages: int


UNKNOWN = Descriptor("unknown", smallest_size_px=1, size_multiple_px=1, receptive_field_px=0, stages=1)
"""The needs assumed of a network that does not state its own."""


class Network(nn.Module):
    """RGB in 0..1 in, RGB out, of the same size; nothing is clamped.

    A subclass sets `hyperparameters` and `descriptor` and writes `_stages`.

    Attributes:
        proven: it is known to train, and to need memory in proportion to the pixels; where this is False, the size that
            it is trained on is tried first.
    """

    proven = True

    hyperparameters: Hyperparameters
    descriptor: Descriptor

    def stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        """All pictures that the network makes, first to last; the last one is the result.

        Raises:
            InputError: a side is under `descriptor.smallest_size_px`.
        """
        smallest, (height, width) = self.descriptor.smallest_size_px, rainy.shape[-2:]
        if min(height, width) < smallest:
            least = f"{type(self).__name__} needs pictures of at least {smallest} x {smallest} pixels"
            raise InputError(f"{least}, not {width} x {height}")
        return self._stages(rainy)

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        raise NotImplementedError

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The loss of the network's own paper; L1 on the last picture unless a subclass says otherwise."""
        return nn.functional.l1_loss(self(rainy), clean)

    def forward(self, rainy: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """The derained picture."""
        return self.stages(rainy)[-1]

    def parameter_count(self) -> int:
        """Number of trainable values."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)


def pad_to_multiple(picture: Float[Tensor, "n c h w"], multiple: int) -> Float[Tensor, "n c hp wp"]:
    """Pad right and bottom by repeating the border up to the next multiple of `multiple` pixels.

    >>> import torch
    >>> tuple(pad_to_multiple(torch.zeros(1, 3, 5, 8), 4).shape)
    (1, 3, 8, 8)
    """
    height, width = picture.shape[-2:]
    return nn.functional.pad(picture, (0, -width % multiple, 0, -height % multiple), mode="replicate")
