"""The network of Syn2Real: an encoder and a decoder of dense Res2Net blocks around a latent of few channels."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network, pad_to_multiple

_MULTIPLE_PX = 8
_SLOPE = 0.2
_GROUPS, _CONVOLUTION_GROUPS = 6, 8


@dataclass(frozen=True)
class Syn2RealHyperparameters(Hyperparameters):
    """
    Attributes:
        features: channels at full resolution.
        decoder: it begins with the latent, as in the published code since September 2020, or with the features from
            which the latent is made, as in its first version.
    """

    features: int = 16
    decoder: Literal["latent", "features"] = "latent"

    def __post_init__(self) -> None:
        if self.features < 1:
            raise InputError(f"syn2real needs features of at least 1, not {self.features}")


class Syn2Real(Network):
    """Yasarla et al., "Syn2Real Transfer Learning for Image Deraining Using Gaussian Processes", CVPR 2020.

    Four scales down and up, with skips between equal scales. Every block doubles its channels: it adds a Res2Net
    bottleneck of six groups to its input and puts that behind the input. The latent has 2 `features` channels at an
    eighth of the size. Nothing of the input is added to the picture, which is made by a sigmoid. Layers see -1..1;
    sizes that are no multiple of 8 are padded by repeating the border and cropped back. Left out of the published code
    is a branch in every block that no picture depends on. Fresh weights are PyTorch's default, as there.

    This is the network alone: the paper's training on unlabelled pictures is not here.

    >>> Syn2Real(Syn2RealHyperparameters()).parameter_count()
    2605710
    """

    hyperparameters: Syn2RealHyperparameters

    def __init__(self, hyperparameters: Syn2RealHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        f = hyperparameters.features
        coarse = 2 * f if hyperparameters.decoder == "latent" else 8 * f
        self.entrance = nn.Conv2d(3, f, 3, padding=1)
        self.steps = nn.ModuleList(
            [
                _Step(None, f, None),
                _Step(_Transition(2 * f, 2 * f, "down"), 2 * f, _Transition(4 * f, 2 * f)),
                _Step(_Transition(2 * f, 2 * f, "down"), 2 * f, _Transition(4 * f, 4 * f)),
                _Step(_Transition(4 * f, 8 * f, "down"), 8 * f, _Transition(16 * f, 8 * f)),
                _Step(None, 8 * f, _Transition(16 * f, 8 * f)),
                _Step(None, 8 * f, _Transition(16 * f, 8 * f)),
                _Step(_Transition(coarse, 4 * f, "up"), 8 * f, _Transition(16 * f, 2 * f)),
                _Step(_Transition(2 * f, 2 * f, "up"), 4 * f, _Transition(8 * f, 2 * f)),
                _Step(_Transition(2 * f, 2 * f, "up"), 5 * f, _Transition(10 * f, f)),
            ]
        )
        self.latent = nn.Conv2d(8 * f, 2 * f, 3, padding=1)
        self.refine = nn.Conv2d(f, f, 3, padding=1)
        self.picture = nn.Conv2d(f, 3, 3, padding=1)
        self.polish = nn.Conv2d(3, 8, 7, padding=3)
        self.exit = nn.Conv2d(8, 3, 3, padding=1)
        # Both ways: 11 px at the end, 5 a block at each of three scales, 16 at the coarsest, 6 at the beginning; the
        # coarser grids add up to 7 px, once each way.
        self.descriptor = Descriptor(
            paper="Yasarla et al., CVPR 2020",
            smallest_size_px=1,
            size_multiple_px=_MULTIPLE_PX,
            receptive_field_px=425,
            stages=1,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        height, width = rainy.shape[-2:]
        return [self.with_latent(pad_to_multiple(rainy, _MULTIPLE_PX))[0][..., :height, :width]]

    def with_latent(
        self, rainy: Float[Tensor, "n 3 h w"]
    ) -> tuple[Float[Tensor, "n 3 h w"], Float[Tensor, "n c h/8 w/8"]]:
        """The picture, and the latent from which it is made; sides are multiples of 8."""
        first = self.entrance(2 * rainy - 1)
        skips = [self.steps[0](first)]
        for step in self.steps[1:3]:
            skips.append(step(skips[-1]))
        deep = skips[-1]
        for step in self.steps[3:6]:
            deep = step(deep)
        if self.hyperparameters.decoder == "latent":
            deep = latent = self.latent(_leaky(deep))
        else:
            latent = self.latent(deep)
        deep = self.steps[6](deep, skips[2])
        deep = self.steps[7](deep, skips[1])
        deep = self.steps[8](deep, skips[0], first)
        drawn = self.picture(first - _leaky(self.refine(deep))).tanh()
        return self.exit(_leaky(self.polish(drawn))).sigmoid(), latent

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """Half of the mean squared error, which the published code's smooth L1 is within 0..1.

        The published code adds 0.04 times a distance of VGG16's features, which is left out.
        """
        return nn.functional.smooth_l1_loss(self(rainy), clean)


class _Step(nn.Module):
    """A transition to another scale, a block on it and what is skipped to it, and a transition to fewer channels."""

    def __init__(self, entry: "_Transition | None", channels: int, leave: "_Transition | None") -> None:
        super().__init__()
        self.entry, self.block, self.leave = entry, _Block(channels), leave

    def forward(self, x: Tensor, *skipped: Tensor) -> Tensor:
        entered = x if self.entry is None else self.entry(x)
        result: Tensor = self.block(torch.cat([entered, *skipped], dim=1))
        return result if self.leave is None else self.leave(result)


class _Transition(nn.Module):
    def __init__(self, inputs: int, outputs: int, scale: Literal["down", "up", "same"] = "same") -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.ConvTranspose2d(inputs, outputs, 1, bias=False)
        self._scale = scale

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv1(self.bn1(x).relu())
        match self._scale:
            case "down":
                return nn.functional.avg_pool2d(result, 2)
            case "up":
                return nn.functional.interpolate(result, scale_factor=2.0, mode="nearest")
        return result


class _Block(nn.Module):
    """From c to 2c channels; names as in the published code."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = _CONVOLUTION_GROUPS * max(12 * channels // 64, 1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, _GROUPS * width, 1, bias=False)
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(_GROUPS - 1))
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, groups=_CONVOLUTION_GROUPS, bias=False) for _ in range(_GROUPS - 1)
        )
        self.bn3 = nn.BatchNorm2d(_GROUPS * width)
        self.conv3 = nn.Conv2d(_GROUPS * width, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        *groups, untouched = self.conv1(self.bn1(x).relu()).chunk(_GROUPS, dim=1)
        made: list[Tensor] = []
        for group, norm, convolution in zip(groups, self.bns, self.convs, strict=True):
            made.append(convolution(norm(made[-1] + group if made else group).relu()))
        residual = self.conv3(self.bn3(torch.cat([*made, untouched], dim=1)).relu())
        return torch.cat([x, x + residual], dim=1)


def _leaky(x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(x, _SLOPE)


# The names of the published code outside its blocks, and what they are called here.
_NAMES = {
    "conv_input": "entrance",
    "zout": "latent",
    "conv_refin": "refine",
    "refine3": "picture",
    "refineclean1": "polish",
    "refineclean2": "exit",
}
_NUMBERED = re.compile(r"(dense_block|trans_block)(\d)(_o)?\.(.*)")

OFFICIAL_KEYS = (frozenset({"conv_input.weight", "zout.weight", "refineclean2.weight"}),)
"""Weights that tell an official file."""


def official(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The published code (https://github.com/rajeevyasarla/Syn2Real), of 2020 and since; idle weights are left out."""
    weights = {}
    for name, tensor in state_dict.items():
        if ".SE." in name:
            continue
        if found := _NUMBERED.fullmatch(name):
            kind, number, behind, rest = found.groups()
            part = "block" if kind == "dense_block" else "leave" if behind else "entry"
            weights[f"steps.{int(number) - 1}.{part}.{rest}"] = tensor
        else:
            layer, _, rest = name.partition(".")
            weights[f"{_NAMES.get(layer, layer)}.{rest}"] = tensor
    features = weights["entrance.weight"].shape[0]
    coarse = weights["steps.6.entry.bn1.weight"].shape[0]
    return {"features": features, "decoder": "latent" if coarse == 2 * features else "features"}, weights
