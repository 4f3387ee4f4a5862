"""ResNet: residual blocks without normalisation at full resolution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network


@dataclass(frozen=True)
class ResNetHyperparameters(Hyperparameters):
    """
    Attributes:
        features: channels of every inner layer.
        blocks: residual blocks (the paper compares three sizes; 4, 8, 16 and 32 are usual).
        extra_conv: keep the layer that stands for the upsampling of super-resolution also at scale 1.
        input_skip: add the input to the output.
    """

    features: int = 64
    blocks: int = 16
    extra_conv: bool = False
    input_skip: bool = True

    def __post_init__(self) -> None:
        if self.features < 1 or self.blocks < 1:
            raise InputError(f"resnet needs features and blocks of at least 1, not {self.features} and {self.blocks}")


class ResNet(Network):
    """The generator of SRResNet at scale 1, in the form without batch normalisation that is known as MSRResNet.

    Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network", CVPR 2017,
    section 2.1.

    A 3x3 convolution, `blocks` times x + conv(relu(conv(x))), and two closing convolutions, with LeakyReLU(0.1)
    between; the input is added at the end. It differs from the paper in having no batch normalisation, no skip around
    the blocks and no upsampling. `extra_conv` keeps the layer in front of the pixel shuffle, which MSRResNet keeps at
    scale 1, too; the names of the weights are MSRResNet's.

    >>> ResNet(ResNetHyperparameters()).parameter_count()
    1222147
    >>> ResNet(ResNetHyperparameters(extra_conv=True)).parameter_count()
    1259075
    """

    hyperparameters: ResNetHyperparameters

    def __init__(self, hyperparameters: ResNetHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        features = hyperparameters.features
        self.conv_first = _convolution(3, features)
        self.body = nn.Sequential(*(_ResidualBlock(features) for _ in range(hyperparameters.blocks)))
        self.upconv1 = _convolution(features, features) if hyperparameters.extra_conv else None
        self.conv_hr = _convolution(features, features)
        self.conv_last = _convolution(features, 3)
        self.activation = nn.LeakyReLU(0.1)
        convolutions = 3 + 2 * hyperparameters.blocks + hyperparameters.extra_conv
        self.descriptor = Descriptor(
            paper="Ledig et al., CVPR 2017",
            smallest_size_px=1,
            size_multiple_px=1,
            receptive_field_px=1 + 2 * convolutions,
            stages=1,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        features = self.body(self.activation(self.conv_first(rainy)))
        if self.upconv1 is not None:
            features = self.activation(self.upconv1(features))
        output = self.conv_last(self.activation(self.conv_hr(features)))
        return [rainy + output if self.hyperparameters.input_skip else output]


class _ResidualBlock(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = _convolution(features, features)
        self.conv2 = _convolution(features, features)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.conv2(self.conv1(x).relu())
        return x + residual


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that starts at a tenth of He's scale, so that a fresh network returns almost its input."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(convolution.weight)
    convolution.weight.data.mul_(0.1)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return convolution


OFFICIAL_KEYS = (frozenset({"conv_first.weight", "body.0.conv1.weight", "conv_hr.weight", "conv_last.weight"}),)
"""Weights that tell an official file."""


def official(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """MSRResNet at scale 1, with or without its extra layer; the names of the weights are ours."""
    blocks = {name.split(".")[1] for name in state_dict if name.startswith("body.")}
    hyperparameters = {
        "features": state_dict["conv_first.weight"].shape[0],
        "blocks": max(len(blocks), 1),
        "extra_conv": "upconv1.weight" in state_dict,
    }
    return hyperparameters, dict(state_dict)
