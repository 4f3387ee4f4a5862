"""PReNet: one small residual network that is run several times and remembers by an LSTM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network
from derain.networks.similarity import ssim

_BLOCKS = 5
_SSIM_RADIUS_PX = 5


@dataclass(frozen=True)
class PReNetHyperparameters(Hyperparameters):
    """
    Attributes:
        iterations: runs of the network, at least 2.
        features: channels of every inner layer.
        lstm: it stands in front of the residual blocks, as in the paper, or behind them.
        last_exit: the last iteration makes its picture by a convolution of its own.
        input_skip: add the input to every picture.
    """

    iterations: int = 6
    features: int = 32
    lstm: Literal["first", "last"] = "first"
    last_exit: bool = False
    input_skip: bool = True

    def __post_init__(self) -> None:
        if self.iterations < 2 or self.features < 1:
            raise InputError(
                "prenet needs iterations of at least 2 and features of at least 1, "
                f"not {self.iterations} and {self.features}"
            )


class PReNet(Network):
    """Ren et al., "Progressive Image Deraining Networks: A Better and Simpler Baseline", CVPR 2019, section 3.

    Every iteration sees the rainy picture and the picture so far, which at first is the rainy one. It is a convolution,
    a convolutional LSTM that carries its state from one iteration to the next, five residual blocks and a convolution
    that makes the picture. All iterations share their weights; all convolutions are 3x3. A block is
    relu(x + relu(conv(relu(conv(x))))). Layers see 0..1, any size.

    The other options are those of published weights (`derain.networks.official`):

        the paper's network                        the defaults
        the published weights for real rain        iterations=4,lstm=last,input_skip=false
        the ablations with an LSTM                 input_skip=false, with 5, 6 or 7 iterations
        the derainer of VRGNet                     last_exit=true
        (Wang et al., CVPR 2021)

    The four gates of the LSTM are one convolution here. Fresh weights are PyTorch's default, as in the published code.

    >>> PReNet(PReNetHyperparameters()).parameter_count()
    168963
    """

    hyperparameters: PReNetHyperparameters

    def __init__(self, hyperparameters: PReNetHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        features = hyperparameters.features
        self.entrance = nn.Conv2d(3 + 3, features, 3, padding=1)
        self.gates = nn.Conv2d(2 * features, 4 * features, 3, padding=1)
        self.blocks = nn.Sequential(*(_ResidualBlock(features) for _ in range(_BLOCKS)))
        self.exit = nn.Conv2d(features, 3, 3, padding=1)
        self.last_exit = nn.Conv2d(features, 3, 3, padding=1) if hyperparameters.last_exit else None
        # The longest way of an iteration runs through its entrance, the gates, two convolutions a block and the exit.
        radius = hyperparameters.iterations * (1 + 1 + 2 * _BLOCKS + 1)
        self.descriptor = Descriptor(
            paper="Ren et al., CVPR 2019",
            smallest_size_px=1,
            size_multiple_px=1,
            receptive_field_px=1 + 2 * radius,
            stages=hyperparameters.iterations,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        hidden = cell = rainy.new_zeros(len(rainy), self.hyperparameters.features, *rainy.shape[-2:])
        pictures = [rainy]
        exits = [self.exit] * (self.hyperparameters.iterations - 1) + [self.last_exit or self.exit]
        for make_picture in exits:
            features = self.entrance(torch.cat([rainy, pictures[-1]], dim=1)).relu()
            if self.hyperparameters.lstm == "first":
                hidden, cell = self._remember(features, hidden, cell)
                picture = make_picture(self.blocks(hidden))
            else:
                hidden, cell = self._remember(self.blocks(features), hidden, cell)
                picture = make_picture(hidden)
            pictures.append(rainy + picture if self.hyperparameters.input_skip else picture)
        return pictures[1:]

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The paper's loss: minus the SSIM of the last picture alone, -1..1.

        As in the published code windows reach 5 px beyond the border, where both pictures count as black.
        """
        # In full precision, as SSIM subtracts products that are nearly equal.
        restored, border = self(rainy).to(clean.dtype), 4 * [_SSIM_RADIUS_PX]
        with torch.autocast(rainy.device.type, enabled=False):
            return -ssim(nn.functional.pad(restored, border), nn.functional.pad(clean, border))

    def _remember(self, features: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The next hidden state and the next cell state of the LSTM."""
        gates = self.gates(torch.cat([features, hidden], dim=1))
        let_in, keep, let_out, new = gates.chunk(4, dim=1)
        cell = keep.sigmoid() * cell + let_in.sigmoid() * new.tanh()
        return let_out.sigmoid() * cell.tanh(), cell


class _ResidualBlock(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.conv2(self.conv1(x).relu()).relu()
        return (x + residual).relu()


# The names of the published code, and what they are called here; the gates are four convolutions there.
_NAMES = {
    "conv0.0": "entrance",
    "conv.0": "exit",
    **{
        f"res_conv{block + 1}.{2 * conv}": f"blocks.{block}.conv{conv + 1}"
        for block in range(_BLOCKS)
        for conv in (0, 1)
    },
}
_GATES = ("conv_i.0", "conv_f.0", "conv_o.0", "conv_g.0")
_VRGNET = "derainet."

OFFICIAL_KEYS = tuple(
    frozenset(f"{prefix}{layer}.weight" for layer in ("conv_f.0", "res_conv5.2")) for prefix in ("", _VRGNET)
)
"""Weights that tell an official file, for each layout."""


def official(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The published code (https://github.com/csdwren/PReNet), and VRGNet's, whose names begin with `derainet.`.

    The weights tell neither `iterations` nor `lstm` nor `input_skip`, as the published variants share their names. Left
    out is the half of VRGNet's last convolution that makes the logarithm of a variance: no picture depends on it.
    """
    state = {name.removeprefix(_VRGNET): tensor for name, tensor in state_dict.items()}
    weights = {}
    for kind in ("weight", "bias"):
        weights[f"gates.{kind}"] = torch.cat([state.pop(f"{gate}.{kind}") for gate in _GATES])
        if f"convfinal.0.{kind}" in state:
            weights[f"last_exit.{kind}"] = state.pop(f"convfinal.0.{kind}")[:3]
    for name, tensor in state.items():
        layer, dot, kind = name.rpartition(".")
        weights[f"{_NAMES.get(layer, layer)}{dot}{kind}"] = tensor
    hyperparameters = {
        "features": weights["exit.weight"].shape[1],
        "last_exit": "last_exit.weight" in weights,
    }
    return hyperparameters, weights
