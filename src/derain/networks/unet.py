"""UNet: an encoder and a decoder with skips between equal scales."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network, pad_to_multiple


@dataclass(frozen=True)
class UNetHyperparameters(Hyperparameters):
    """
    Attributes:
        base: channels at full resolution; they double at every level.
        levels: scales, the full one included.
        norm: batch normalisation behind every 3x3 convolution, or none.
        activation: ReLU, or LeakyReLU of slope 0.1.
        input_skip: add the input to the output.
        passes: runs of the network with the same weights. With more than 1, it sees the rainy picture and the picture
            so far, which at first is the rainy one.
    """

    base: int = 64
    levels: int = 5
    norm: Literal["none", "batch"] = "batch"
    activation: Literal["relu", "leaky_relu"] = "relu"
    input_skip: bool = True
    passes: int = 1

    def __post_init__(self) -> None:
        if self.base < 1 or not 1 <= self.levels <= 8 or self.passes < 1:
            raise InputError(
                "unet needs base of at least 1, levels from 1 to 8 and passes of at least 1, "
                f"not base={self.base}, levels={self.levels}, passes={self.passes}"
            )


class UNet(Network):
    """Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, figure 1.

    Two 3x3 convolutions a level, 2x2 max-pooling down, 2x2 transposed convolutions up, concatenated skips, a 1x1
    convolution at the end. It differs from the paper in padding its convolutions, so that the size is kept, in 3
    channels out, in the optional batch normalisation, in adding the input to the output and in the optional further
    passes over its own picture (as in Ren et al., "Progressive Image Deraining Networks", CVPR 2019, without a memory).
    Sizes that are no multiple of 2^(levels-1) are padded by repeating the border and cropped back.

    >>> UNet(UNetHyperparameters()).parameter_count()
    31037763
    """

    hyperparameters: UNetHyperparameters
    _FOLD_PX: ClassVar = 1

    def __init__(self, hyperparameters: UNetHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        planes = 3 * self._FOLD_PX**2
        pictures = 1 if hyperparameters.passes == 1 else 2
        channels = [hyperparameters.base * 2**level for level in range(hyperparameters.levels)]
        self.encoders = nn.ModuleList(
            _double_convolution(inputs, outputs, hyperparameters)
            for inputs, outputs in zip([pictures * planes, *channels], channels, strict=False)
        )
        fine_to_coarse = list(pairwise(channels))
        self.upsamplers = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in reversed(fine_to_coarse)
        )
        self.decoders = nn.ModuleList(
            _double_convolution(2 * fine, fine, hyperparameters) for fine, _ in reversed(fine_to_coarse)
        )
        self.last = nn.Conv2d(channels[0], planes, 1)
        multiple = 2 ** (hyperparameters.levels - 1)
        # Convolutions: 4 px at each scale down and, except at the coarsest, up again; poolings align to `multiple`.
        field_px = 4 * multiple + 8 * (multiple - 1) + 2 * multiple - 1
        self.descriptor = Descriptor(
            paper="Ronneberger et al., MICCAI 2015",
            smallest_size_px=1,
            size_multiple_px=self._FOLD_PX * multiple,
            receptive_field_px=1 + hyperparameters.passes * (self._FOLD_PX * (field_px + 1) - 2),
            stages=hyperparameters.passes,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        height, width = rainy.shape[-2:]
        padded = pad_to_multiple(rainy, self.descriptor.size_multiple_px)
        pictures = [padded]
        for _ in range(self.hyperparameters.passes):
            seen = padded if self.hyperparameters.passes == 1 else torch.cat([padded, pictures[-1]], dim=1)
            output = self._unfolded(self._through_levels(self._folded(seen)))
            pictures.append(padded + output if self.hyperparameters.input_skip else output)
        return [picture[..., :height, :width] for picture in pictures[1:]]

    def _through_levels(self, features: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for encoder in self.encoders:
            features = encoder(nn.functional.max_pool2d(features, 2) if skips else features)
            skips.append(features)
        skips.pop()
        for upsampler, decoder in zip(self.upsamplers, self.decoders, strict=True):
            features = decoder(torch.cat([skips.pop(), upsampler(features)], dim=1))
        planes: Tensor = self.last(features)
        return planes

    def _folded(self, picture: Tensor) -> Tensor:
        return picture

    def _unfolded(self, planes: Tensor) -> Tensor:
        return planes


class HalfUNet(UNet):
    """The UNet at half the resolution: every 2x2 pixels become one pixel of 12 channels, and back at the end.

    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
    Network", CVPR 2016, section 3.2, has the way back. It computes a quarter of what the UNet does. Sizes that are no
    multiple of 2^levels are padded by repeating the border and cropped back.

    >>> HalfUNet(UNetHyperparameters(base=16, levels=4, norm="none")).parameter_count()
    483516
    """

    _FOLD_PX: ClassVar = 2

    def _folded(self, picture: Tensor) -> Tensor:
        return nn.functional.pixel_unshuffle(picture, self._FOLD_PX)

    def _unfolded(self, planes: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(planes, self._FOLD_PX)


def _double_convolution(inputs: int, outputs: int, hyperparameters: UNetHyperparameters) -> nn.Sequential:
    normalised = hyperparameters.norm == "batch"
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        # A bias in front of batch normalisation would be taken away again by its mean.
        layers.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=not normalised))
        if normalised:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.ReLU() if hyperparameters.activation == "relu" else nn.LeakyReLU(0.1))
    return nn.Sequential(*layers)
