"""SPDNet: three passes, each guided by the residue channel of the picture so far."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network

_PASSES = 3
_LEVELS = 3
_GROUPS = 3
_SCALE = 255.0

# 1/2 of the Haar transform as the authors' code has it: the square of sqrt(1/2) in single precision.
_HALF = 0.7071067690849304**2


@dataclass(frozen=True)
class SPDNetHyperparameters(Hyperparameters):
    """
    Attributes:
        features: channels of every inner layer; an even number.
        blocks: residual blocks of a group; there are 30 groups.
    """

    features: int = 32
    blocks: int = 3

    def __post_init__(self) -> None:
        if self.features < 2 or self.features % 2 or self.blocks < 1:
            raise InputError(
                "spdnet needs features that are even and at least 2 and blocks of at least 1, "
                f"not {self.features} and {self.blocks}"
            )


class SPDNet(Network):
    """Yi et al., "Structure-Preserving Deraining with Residue Channel Prior Guidance", ICCV 2021, section 3.

    The residue channel of a picture, its largest minus its smallest colour at every pixel, hardly shows rain but keeps
    edges. Three passes each take it from the picture so far (first the rainy one, then the results of passes 1 and 2;
    gradients flow through it), let its features and those of the rainy picture weigh each other (interactive fusion),
    and restore what comes of it at three scales of a Haar wavelet transform. A pass also sees the features of the
    passes before it.

    Where the paper leaves details open, they are those of the authors' public code
    (https://github.com/Joyies/SPDNet), so that weights trained with it give the same pictures:
    layers see 0..255; no input is added to the output; the Haar transform continues odd sizes with a row or column of
    zeros; what comes up from a coarser scale, of the right size already, is enlarged once more and then shrunk by
    nearest neighbours. It differs from that code in declaring only the layers that are used (2,981,525 parameters of
    3,318,741) and in allowing another number of features than 32. Fresh weights are PyTorch's default, as there: they
    make pictures far outside 0..1 and amplify rounding, and only training heals that.

    The weights of channels depend on means over the whole picture, so there is no receptive field, and tiles differ
    from the picture in one piece. Any size from 5x5 pixels; nothing is padded around the network.

    >>> SPDNet(SPDNetHyperparameters()).parameter_count()
    2981525
    """

    hyperparameters: SPDNetHyperparameters

    def __init__(self, hyperparameters: SPDNetHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        self.encoder = _encoder(hyperparameters.features)
        self.passes = nn.ModuleList(_Pass(number, hyperparameters) for number in range(_PASSES))
        self.descriptor = Descriptor(
            paper="Yi et al., ICCV 2021",
            smallest_size_px=5,
            size_multiple_px=1,
            receptive_field_px=0,
            stages=_PASSES,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        picture = rainy * _SCALE
        features = [self.encoder(picture)]
        pictures = []
        for one_pass in self.passes:
            learned, picture = one_pass(features, picture)
            features.insert(0, learned)
            pictures.append(picture / _SCALE)
        return pictures

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The sum over the three pictures X_i of the mean of (X_i - B)^2, with weight 1 each, as in the authors' code.

        It is taken on 0..1, where it is 255^2 times smaller than on the 0..255 of that code; Adam does not mind.
        """
        return torch.stack([nn.functional.mse_loss(stage, clean) for stage in self.stages(rainy)]).sum()


class _Pass(nn.Module):
    """One restoration, from the picture so far and the features of the passes before, newest first, the encoder's last.

    Gives its own features and the next picture.
    """

    def __init__(self, number: int, hyperparameters: SPDNetHyperparameters) -> None:
        super().__init__()
        features = hyperparameters.features
        self.prior = _encoder(features).append(_Group(hyperparameters))
        self.entrance = _Convolution((number + 1) * features, features) if number else nn.Identity()
        self.backbone = _WaveletNetwork(hyperparameters)
        self.exit = _Convolution((number + 1) * features, features) if number else nn.Identity()
        self.last = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, features: list[Tensor], picture: Tensor) -> tuple[Tensor, Tensor]:
        residue = picture.amax(dim=1, keepdim=True) - picture.amin(dim=1, keepdim=True)
        prior = self.prior(residue.expand_as(picture))
        learned = self.backbone(self.entrance(torch.cat(features, dim=1)), prior)
        return learned, self.last(self.exit(torch.cat([learned, *features[:-1]], dim=1)))


class _WaveletNetwork(nn.Module):
    """The features, fused with the prior, at full, half and quarter size (wavelet-based multi-level module)."""

    def __init__(self, hyperparameters: SPDNetHyperparameters) -> None:
        super().__init__()
        features = hyperparameters.features
        self.interaction = _Interaction(features)
        self.fuse = _Convolution(2 * features, features)
        self.down = nn.ModuleList(_Convolution(4 * features, features) for _ in range(_LEVELS - 1))
        self.branches = nn.ModuleList(
            nn.Sequential(*(_Group(hyperparameters) for _ in range(_GROUPS))) for _ in range(_LEVELS)
        )
        self.up = nn.ModuleList(_Convolution(features, 4 * features) for _ in range(_LEVELS - 1))
        self.merge = nn.ModuleList(_Merge(features) for _ in range(_LEVELS - 1))

    def forward(self, features: Tensor, prior: Tensor) -> Tensor:
        levels = [self.fuse(self.interaction(features, prior))]
        for down in self.down:
            levels.append(down(haar(levels[-1])))
        restored = [branch(level) for branch, level in zip(self.branches, levels, strict=True)]
        result: Tensor = restored.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            result = merge(inverse_haar(up(result)), restored.pop())
        return result


class _Interaction(nn.Module):
    """Features and prior, each as it is and weighted by how far the two agree, in shares learned for every pixel."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(features, features, 3, padding=1)
        self.key = nn.Conv2d(features, features, 3, padding=1)
        self.shares = nn.ModuleList(nn.Conv2d(2 * features, 2, 3, padding=1) for _ in range(2))

    def forward(self, features: Tensor, prior: Tensor) -> Tensor:
        agreement = (self.query(features) * self.key(prior)).sigmoid()
        parts = []
        for x, shares in zip((features, prior), self.shares, strict=True):
            agreeing = x * agreement
            plain_share, agreeing_share = shares(torch.cat([x, agreeing], dim=1)).split(1, dim=1)
            parts.append(x * plain_share + agreeing * agreeing_share)
        return torch.cat(parts, dim=1)


class _Merge(nn.Module):
    """A finer level with what comes up from the coarser one."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(features, features, 3, stride=2)
        self.block = _ResidualBlock(features)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        # h pixels become 2h + 5, then as many as `fine` has, h or h - 1; ReLU comes last, on a quarter of the pixels.
        enlarged = self.up(nn.functional.pad(coarse, (1, 1, 1, 1), mode="reflect"))
        merged: Tensor = self.block(nn.functional.interpolate(enlarged, fine.shape[-2:]).relu() + fine)
        return merged


class _Group(nn.Module):
    """Residual blocks and a convolution, with a skip around them all."""

    def __init__(self, hyperparameters: SPDNetHyperparameters) -> None:
        super().__init__()
        features = hyperparameters.features
        self.body = nn.Sequential(
            *(_ResidualBlock(features) for _ in range(hyperparameters.blocks)),
            nn.Conv2d(features, features, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.body(x)
        return (x + residual).relu()


class _ResidualBlock(nn.Module):
    """Two convolutions, each with ReLU, their channels weighted by their means (squeeze and excitation)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(features, features, 3, padding=1),
            nn.ReLU(),
        )
        self.gate = nn.Sequential(
            nn.Linear(features, features, bias=False),
            nn.ReLU(),
            nn.Linear(features, features, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.body(x)
        weight = self.gate(residual.mean(dim=(2, 3)))[:, :, None, None]
        return torch.addcmul(x, residual, weight)


class _Convolution(nn.Conv2d):
    """3x3 with the border reflected, then ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, padding_mode="reflect")

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).relu()


def _encoder(features: int) -> nn.Sequential:
    return nn.Sequential(_Convolution(3, features // 2), _Convolution(features // 2, features))


def haar(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 4*c h2 w2"]:
    """The orthonormal Haar transform of 2x2 blocks; odd sizes are continued by a row or column of zeros.

    Of a block a b / c d it gives four blocks of channels: (a+b-c-d)/2, (a-b+c-d)/2, (a-b-c+d)/2 and, last, the low
    band (a+b+c+d)/2.

    >>> haar(torch.tensor([[[[7.5, 6.5], [3.5, 0.5]]]])).flatten().round(decimals=5).tolist()
    [5.0, 2.0, -1.0, 9.0]
    """
    height, width = x.shape[-2:]
    x = nn.functional.pad(x, (0, width % 2, 0, height % 2)) * _HALF
    total = x[..., ::2, :] + x[..., 1::2, :]
    change = x[..., ::2, :] - x[..., 1::2, :]
    left, right = total[..., ::2], total[..., 1::2]
    upper_left, upper_right = change[..., ::2], change[..., 1::2]
    return torch.cat([upper_left + upper_right, left - right, upper_left - upper_right, left + right], dim=1)


def inverse_haar(x: Float[Tensor, "n c4 h w"]) -> Float[Tensor, "n c 2*h 2*w"]:
    """The inverse of `haar`, from another order: every four channels are the low band and the three others of one.

    >>> inverse_haar(torch.tensor([9.0, 5.0, 2.0, -1.0]).reshape(1, 4, 1, 1)).round(decimals=5).tolist()
    [[[[7.5, 6.5], [3.5, 0.5]]]]
    """
    low, vertical, horizontal, diagonal = (x * _HALF).unflatten(1, (-1, 4)).unbind(dim=2)
    upper, lower = low + vertical, low - vertical
    rising, falling = horizontal + diagonal, horizontal - diagonal
    block = torch.stack([upper + rising, upper - rising, lower + falling, lower - falling], dim=2)
    return nn.functional.pixel_shuffle(block.flatten(1, 2), 2)


# Tensors that the official code declares and never uses, and its Haar filters, which are constants here.
_UNUSED = (
    r"\.ins\.",
    r"^sub\d\.fuse(12|23)\.conv\.",
    r"^sub\d\.branch(1_\d_d|2_\d_u|2_\d_d|3_\d_u)\.",
    r"^sub\d\.down\d\.",
    r"^sub\d\.I?DWT\.[gh]\d_(col|row)$",
)

# Beginnings of official names, and their names here; numbers in brackets count from 1 there and from 0 here.
_RENAMED = (
    (r"conv_init(\d)\.conv", "encoder.{}"),
    (r"res_extra(\d)\.conv_init(\d)\.conv", "passes.{}.prior.{}"),
    (r"res_extra(\d)\.extra", "passes.{}.prior.2"),
    (r"sub(\d)\.prior\.query_conv", "passes.{}.backbone.interaction.query"),
    (r"sub(\d)\.prior\.key_conv", "passes.{}.backbone.interaction.key"),
    (r"sub(\d)\.prior\.gamma(\d)", "passes.{}.backbone.interaction.shares.{}"),
    (r"sub(\d)\.fuse_res\.conv", "passes.{}.backbone.fuse"),
    (r"sub(\d)\.DWT_2\.conv", "passes.{}.backbone.down.0"),
    (r"sub(\d)\.DWT_3\.conv", "passes.{}.backbone.down.1"),
    (r"sub(\d)\.branch(\d)_(\d)", "passes.{}.backbone.branches.{}.{}"),
    (r"sub(\d)\.IDWT_3\.conv", "passes.{}.backbone.up.0"),
    (r"sub(\d)\.IDWT_2\.conv", "passes.{}.backbone.up.1"),
    (r"sub(\d)\.fuse23\.up\.conv2d", "passes.{}.backbone.merge.0.up"),
    (r"sub(\d)\.fuse12\.up\.conv2d", "passes.{}.backbone.merge.1.up"),
    (r"sub(\d)\.fuse23\.rb", "passes.{}.backbone.merge.0.block"),
    (r"sub(\d)\.fuse12\.rb", "passes.{}.backbone.merge.1.block"),
    (r"ag1\.conv", "passes.1.entrance"),
    (r"ag2\.conv", "passes.2.entrance"),
    (r"ag2_en\.conv", "passes.1.exit"),
    (r"ag_en\.conv", "passes.2.exit"),
    (r"output(\d)", "passes.{}.last"),
)


OFFICIAL_KEYS = (frozenset({"conv_init2.conv.weight", "sub1.fuse_res.conv.weight", "ag_en.conv.weight"}),)
"""Weights that tell an official file."""


def official(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The authors' code (https://github.com/Joyies/SPDNet); tensors are the same under other names.

    Left out, by name, is what it declares and never uses: every InstanceNorm (`ins`), the second convolution of
    `fuse12` and `fuse23`, the exchange between branches (`branch*_d`, `branch*_u`), `down2` and `down3`; and its Haar
    filters.
    """
    unused = re.compile("|".join(_UNUSED))
    weights = {_our_name(name): tensor for name, tensor in state_dict.items() if not unused.search(name)}
    blocks = sum(name.startswith("passes.0.prior.2.body.") and name.endswith(".gate.0.weight") for name in weights)
    return {"features": state_dict["conv_init2.conv.weight"].shape[0], "blocks": max(blocks, 1)}, weights


def _our_name(name: str) -> str:
    for pattern, ours in _RENAMED:
        if match := re.match(pattern + r"\.", name):
            beginning = ours.format(*(int(number) - 1 for number in match.groups()))
            return f"{beginning}.{name[match.end() :]}".replace("module_body", "body").replace("se.fc", "gate")
    return name
