"""RCDNet: rain as a sum of few kernels laid on sparse maps, found by an unrolled proximal gradient descent."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, mse_loss
from torch.utils.checkpoint import checkpoint

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network

_KERNEL_PX = 9
_RADIUS_PX = _KERNEL_PX // 2


@dataclass(frozen=True)
class RCDNetHyperparameters(Hyperparameters):
    """
    Attributes:
        stages: unrolled iterations, at least 2.
        rain_maps: rain kernels, each with its map.
        dual_channels: channels that accompany the background through its proximal networks.
        blocks: residual blocks of every proximal network.
        activation_checkpointing: keep only what passes from stage to stage, and compute the rest again on the way
            back: the same result and gradients, less memory, about a third more time.
    """

    stages: int = 17
    rain_maps: int = 32
    dual_channels: int = 32
    blocks: int = 4
    activation_checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.stages < 2 or min(self.rain_maps, self.dual_channels, self.blocks) < 1:
            raise InputError(
                "rcdnet needs stages of at least 2 and rain_maps, dual_channels and blocks of at least 1, not "
                f"{self.stages}, {self.rain_maps}, {self.dual_channels} and {self.blocks}"
            )


class RCDNet(Network):
    """Wang et al., "A Model-driven Deep Neural Network for Single Image Rain Removal", CVPR 2020, sections 3.2 and 4.1.

    The rain is R = sum_n C_n * M_n: kernels C_n of 9x9 pixels, shared by all stages, laid on maps M_n. From
    B(0) = prox(O) on, stage s = 1..S improves the maps and then the background, each by a step down the gradient of
    |O - B - R|^2 and a small residual network in the place of the proximal operator:

        M(s) = prox(M(s-1) + eta_s C^T * (O - B(s-1) - R(s-1))),    R(s) = C * M(s)
        B(s) = prox((1 - zeta_s) B(s-1) + zeta_s (O - R(s)))

    The background's networks carry `dual_channels` further channels along. Details are those of the published code: the
    first stage, where M is 0, lays relu(O - B(0) - threshold) on kernels of its own; kernels and step sizes are used at
    a tenth of their stored values; every map is lowered by a learned threshold; and one more background network makes
    the final picture from B(S) and its channels. Layers see 0..255. Sizes are never padded: every convolution keeps the
    size.

    A fresh network starts as the published one except for its kernels, which that reads from a data file: ours are
    vertical Gaussian streaks of the same kind, from short and thin to long and wide, equal in the three colours. Unlike
    the published one for synthetic rain, it declares no weight that is never used.

    >>> RCDNet(RCDNetHyperparameters()).parameter_count()
    2975186
    """

    hyperparameters: RCDNetHyperparameters

    def __init__(self, hyperparameters: RCDNetHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        stages, maps, blocks = hyperparameters.stages, hyperparameters.rain_maps, hyperparameters.blocks
        channels = 3 + hyperparameters.dual_channels
        self.first_kernels = nn.Parameter(_streaks(maps))
        self.kernels = nn.Parameter(_streaks(maps))
        self.dual_filter = nn.Parameter(torch.full((hyperparameters.dual_channels, 3, 3, 3), 1 / 9))
        self.rain_steps = nn.Parameter(torch.full((stages - 1,), 1.0))
        self.background_steps = nn.Parameter(torch.full((stages,), 5.0))
        self.threshold = nn.Parameter(torch.ones(1))
        self.rain_nets = nn.ModuleList(_RainNet(maps, blocks) for _ in range(stages))
        self.first_background_net = _ProximalNet(channels, blocks)
        self.background_nets = nn.ModuleList(_ProximalNet(channels, blocks) for _ in range(stages))
        self.last_background_net = _ProximalNet(channels, blocks)
        # Radius of a proximal network: two 3x3 convolutions a block. A stage has two, and uses the kernels twice.
        radius = 1 + 2 * blocks + stages * (2 * _RADIUS_PX + 4 * blocks) + 2 * blocks
        self.descriptor = Descriptor(
            paper="Wang et al., CVPR 2020",
            smallest_size_px=1,
            size_multiple_px=1,
            receptive_field_px=1 + 2 * radius,
            stages=stages + 2,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        # B(0), B(1), ..., B(S), and the final picture.
        return self.unroll(rainy)[0]

    def unroll(
        self, rainy: Float[Tensor, "n 3 h w"]
    ) -> tuple[list[Float[Tensor, "n 3 h w"]], list[Float[Tensor, "n 3 h w"]]]:
        """The pictures as `stages` gives them, and the rain layers R(1), ..., R(S), in the pictures' units."""
        observed = 255 * rainy
        dual = self.first_background_net(torch.cat([observed, conv2d(observed, self.dual_filter, padding=1)], dim=1))
        pictures, layers = [dual[:, :3]], []
        maps = rain = None
        for s in range(self.hyperparameters.stages):
            dual, maps, rain = self._run_stage(s, observed, dual, maps, rain)
            pictures.append(dual[:, :3])
            layers.append(rain)
        pictures.append(self.last_background_net(dual)[:, :3])
        return [picture / 255 for picture in pictures], [layer / 255 for layer in layers]

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The paper's loss (section 4.2): sum over s of lambda_s MSE(B(s), B) and gamma_s MSE(R(s), O - B).

        As in the published code the weights are 1 for the final picture and for R(S), and 0.1 for B(0), ..., B(S) and
        the rain layers before; pictures are in 0..1 here and in 0..255 there.
        """
        pictures, layers = self.unroll(rainy)
        of_background = torch.stack([mse_loss(picture, clean) for picture in pictures])
        of_rain = torch.stack([mse_loss(layer, rainy - clean) for layer in layers])
        return of_background[-1] + of_rain[-1] + 0.1 * (of_background[:-1].sum() + of_rain[:-1].sum())

    def _run_stage(
        self, s: int, observed: Tensor, dual: Tensor, maps: Tensor | None, rain: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        if not (self.hyperparameters.activation_checkpointing and torch.is_grad_enabled()):
            return self._stage(s, observed, dual, maps, rain)
        result: tuple[Tensor, Tensor, Tensor] = checkpoint(
            self._stage,
            *(s, observed, dual, maps, rain),
            use_reentrant=False,
            preserve_rng_state=False,
            context_fn=lambda: (nullcontext(), _statistics_kept(self.rain_nets[s], self.background_nets[s])),
        )
        return result

    def _stage(
        self, s: int, observed: Tensor, dual: Tensor, maps: Tensor | None, rain: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Background with its dual channels, maps and rain layer after one more stage; None stands for 0 at first."""
        background, kernels = dual[:, :3], self.kernels / 10
        if maps is None or rain is None:
            excess = (observed - background - self.threshold).relu()
            maps = conv_transpose2d(excess, self.first_kernels / 10, padding=_RADIUS_PX)
        else:
            step = self.rain_steps[s - 1] / 10 * (observed - background - rain)
            maps = maps + conv_transpose2d(step, kernels, padding=_RADIUS_PX)
        maps = self.rain_nets[s](maps)
        rain = conv2d(maps, kernels, padding=_RADIUS_PX)
        background = background + self.background_steps[s] / 10 * (observed - rain - background)
        return self.background_nets[s](torch.cat([background, dual[:, 3:]], dim=1)), maps, rain


class _ResidualBlock(nn.Sequential):
    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = super().forward(x)
        # In place, because batch normalisation needs only its input on the way back.
        return residual.add_(x).relu_()


class _ProximalNet(nn.Module):
    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(_ResidualBlock(channels) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.blocks(x)
        return result


class _RainNet(_ProximalNet):
    """Keeps the maps sparse by a threshold of their own."""

    def __init__(self, maps: int, blocks: int) -> None:
        super().__init__(maps, blocks)
        self.threshold = nn.Parameter(torch.full((1, maps, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return (super().forward(x) - self.threshold).relu_()


@contextmanager
def _statistics_kept(*networks: nn.Module) -> Iterator[None]:
    """Running statistics stay as they are: a stage that is computed again must not count twice."""
    modules = [m for network in networks for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [(module.momentum, module.num_batches_tracked) for module in modules]
    for module in modules:
        module.momentum, module.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for module, (momentum, batches) in zip(modules, before, strict=True):
            module.momentum, module.num_batches_tracked = momentum, batches


def _streaks(count: int) -> Float[Tensor, "3 count 9 9"]:
    """Vertical Gaussian streaks, each of the sum 0.45, which is the mean of the published kernels."""
    offset = torch.arange(_KERNEL_PX) - _RADIUS_PX
    across = _gaussians(torch.linspace(0.3, 0.7, count), offset)
    along = _gaussians(torch.linspace(0.5, 4.0, count), offset)
    return (0.45 * along[:, :, None] * across[:, None, :]).expand(3, -1, -1, -1).clone()


def _gaussians(sigma_px: Tensor, offset: Tensor) -> Tensor:
    """One row a sigma, each of the sum 1."""
    return torch.softmax(-0.5 * (offset / sigma_px[:, None]) ** 2, dim=1)


# Names of our weights in the published codes, by the first part of the name: RCDNet_simple, and RCDNet for_syn.
_SIMPLE = {
    "C0": "first_kernels",
    "C": "kernels",
    "C_z": "dual_filter",
    "etaM_S": "rain_steps",
    "etaB_S": "background_steps",
    "tau": "threshold",
    "proxNet_M_S": "rain_nets",
    "proxNet_B_0": "first_background_net",
    "proxNet_B_S": "background_nets",
    "proxNet_B_last_layer": "last_background_net",
}

_SYNTHETIC = {
    "weight0": "first_kernels",
    "conv": "kernels",
    "w_z_f": "dual_filter",
    "eta11": "rain_steps",
    "eta12": "background_steps",
    "tau": "threshold",
    "m_stage": "rain_nets",
    "xnet": "first_background_net",
    "x_stage": "background_nets",
    "fxnet": "last_background_net",
}
_IDLE = re.compile(r"eta1|mnet\..+")


OFFICIAL_KEYS = (frozenset({"C0", "C", "C_z", "etaB_S"}), frozenset({"weight0", "conv", "w_z_f", "eta12"}))
"""Weights that tell an official file, for each layout."""


def official(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Both published codes: RCDNet_simple, and RCDNet for synthetic rain (for_syn).

    for_syn declares what it never uses, which is left out here: `eta1`, all of `mnet`, and of the copies of the kernels
    in `conv` all but the second. Its `eta2` is the step of the first stage, in front of those in `eta12`.
    """
    synthetic = "weight0" in state_dict
    names = _SYNTHETIC if synthetic else _SIMPLE
    weights = {_rename(name, names): t for name, t in state_dict.items() if not (synthetic and _IDLE.fullmatch(name))}
    if synthetic:
        weights["kernels"] = weights["kernels"][1]
        weights["background_steps"] = torch.cat([weights.pop("eta2"), weights["background_steps"].flatten()])
    weights |= {name: weights[name].flatten() for name in ("rain_steps", "background_steps")}
    blocks = {name.split(".")[2] for name in weights if name.startswith("first_background_net.blocks.")}
    hyperparameters = {
        "stages": len(weights["background_steps"]),
        "rain_maps": weights["kernels"].shape[1],
        "dual_channels": weights["dual_filter"].shape[0],
        "blocks": max(len(blocks), 1),
    }
    return hyperparameters, weights


def _rename(name: str, names: Mapping[str, str]) -> str:
    """Our name of a weight; one that is not known stays as it is, and is refused later."""
    head, dot, tail = name.partition(".")
    if head not in names:
        return name
    tail = re.sub(r"\bres[mx](\d+)\.", lambda match: f"blocks.{int(match[1]) - 1}.", tail)
    tail = re.sub(r"\blayer\.", "blocks.", tail)
    return names[head] + dot + re.sub(r"\btau$", "threshold", tail)
