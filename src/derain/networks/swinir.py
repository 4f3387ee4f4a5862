"""SwinIR: self-attention within windows that shift from block to block, at full resolution."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network

# Mean red, green and blue of the DIV2K photographs: taken off in front of the first layer.
_MEAN = (0.4488, 0.4371, 0.4040)

# Tensors of official checkpoints that follow from the window and the size of the picture.
_RECOMPUTED = re.compile(r"layers\.\d+\.residual_group\.blocks\.\d+\.(attn\.relative_position_index|attn_mask)")


@dataclass(frozen=True)
class SwinIRHyperparameters(Hyperparameters):
    """
    Attributes:
        features: channels of every inner layer, a multiple of `heads`.
        groups: residual groups of attention blocks.
        blocks: attention blocks a group; every second one has its windows shifted by half a window.
        heads: attention heads a block.
        window_px: side of the square windows in which pixels attend to each other.
        mlp_ratio: hidden channels of a block's perceptron, in multiples of `features`.
        reconstruction: from the last features to the picture, one convolution, or two with 64 channels between, which
            is what the head with the pixel shuffle leaves at scale 1.
        feature_skip: add the features of the first convolution to those behind all groups.
        input_skip: add the input to the output.
    """

    features: int = 60
    groups: int = 4
    blocks: int = 6
    heads: int = 6
    window_px: int = 8
    mlp_ratio: int = 2
    reconstruction: Literal["convolution", "pixelshuffle"] = "convolution"
    feature_skip: bool = True
    input_skip: bool = True

    def __post_init__(self) -> None:
        for name in ("features", "groups", "blocks", "heads", "mlp_ratio"):
            if getattr(self, name) < 1:
                raise InputError(f"swinir needs {name} of at least 1, not {getattr(self, name)}")
        if self.window_px < 2:
            raise InputError(f"swinir needs window_px of at least 2, not {self.window_px}")
        if self.features % self.heads:
            raise InputError(f"swinir needs features that its heads divide, not {self.features} for {self.heads} heads")


class SwinIR(Network):
    """Liang et al., "SwinIR: Image Restoration Using Swin Transformer", ICCV Workshops 2021, section 3.

    A 3x3 convolution, `groups` residual groups of Swin Transformer blocks that each end in a convolution (equations 8
    and 9), a convolution around which the first features are added (equations 2 to 4), the reconstruction, and the
    input added at the end (equation 5), as the paper does where it keeps the size. A block is attention within windows,
    with a bias for every relative position, and a perceptron, each behind a layer normalisation and with a skip
    (equations 10 to 12).

    It differs from the official code in having no stochastic depth (there 0.1 in training), so that a training step
    depends on nothing but its batch, and in letting nothing at all pass between parts of the picture that only the
    cyclic shift brings together (there exp(-100)). Input values are scaled by nothing but the mean (img_range 1).
    Sizes that are no multiple of the window are padded by reflection and cropped back. The names of the weights are
    the official ones. Fresh weights are drawn as there: normal of 0.02, cut off at 2, for the linear layers and the
    position biases. `input_skip=False` with the pixel-shuffle head is the official form of that head; there also is a
    form for deraining that leaves both skips out.

    >>> SwinIR(SwinIRHyperparameters()).parameter_count()
    905283
    >>> SwinIR(SwinIRHyperparameters(reconstruction="pixelshuffle", input_skip=False)).parameter_count()
    940015
    """

    hyperparameters: SwinIRHyperparameters
    mean: Tensor

    def __init__(self, hyperparameters: SwinIRHyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        features = hyperparameters.features
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(3, 1, 1), persistent=False)
        self.conv_first = nn.Conv2d(3, features, 3, padding=1)
        self.patch_embed = nn.Sequential(OrderedDict(norm=nn.LayerNorm(features)))
        self.layers = nn.ModuleList(_Group(hyperparameters) for _ in range(hyperparameters.groups))
        self.norm = nn.LayerNorm(features)
        self.conv_after_body = nn.Conv2d(features, features, 3, padding=1)
        self.conv_before_upsample: nn.Sequential | None = None
        if hyperparameters.reconstruction == "pixelshuffle":
            self.conv_before_upsample = nn.Sequential(nn.Conv2d(features, 64, 3, padding=1), nn.LeakyReLU(0.01))
            self.conv_last = nn.Conv2d(64, 3, 3, padding=1)
        else:
            self.conv_last = nn.Conv2d(features, 3, 3, padding=1)
        self.descriptor = Descriptor(
            paper="Liang et al., ICCV Workshops 2021",
            # A border can be reflected only within the picture.
            smallest_size_px=hyperparameters.window_px // 2 + 1,
            size_multiple_px=hyperparameters.window_px,
            receptive_field_px=_receptive_field_px(hyperparameters),
            stages=1,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        height, width = rainy.shape[-2:]
        window = self.hyperparameters.window_px
        padded = nn.functional.pad(rainy - self.mean, (0, -width % window, 0, -height % window), mode="reflect")
        # Pixels are tokens of shape (n, h, w, c) in the groups; in channels_last that is no copy for convolutions.
        first = self.conv_first(padded.contiguous(memory_format=torch.channels_last))
        seam = _seam(padded, window)
        tokens = self.patch_embed(first.permute(0, 2, 3, 1))
        for group in self.layers:
            tokens = group(tokens, seam)
        features = self.conv_after_body(self.norm(tokens).permute(0, 3, 1, 2))
        if self.hyperparameters.feature_skip:
            features = first + features
        if self.conv_before_upsample is not None:
            features = self.conv_before_upsample(features)
        output = self.conv_last(features)[..., :height, :width]
        return [output + (rainy if self.hyperparameters.input_skip else self.mean)]

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The Charbonnier loss of equation 7, the paper's for tasks that keep the size: the mean over all values of
        sqrt(difference^2 + 0.001^2).
        """
        difference: Tensor = self(rainy) - clean
        return (difference.square() + 1e-3**2).sqrt().mean()


class _Group(nn.Module):
    """x + conv(blocks(x)), equations 8 and 9."""

    def __init__(self, hyperparameters: SwinIRHyperparameters) -> None:
        super().__init__()
        features = hyperparameters.features
        self.residual_group = _Blocks(hyperparameters)
        self.conv = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Float[Tensor, "n h w c"], seam: Bool[Tensor, "k 1 p p"]) -> Float[Tensor, "n h w c"]:
        residual: Tensor = self.conv(self.residual_group(x, seam).permute(0, 3, 1, 2))
        return x + residual.permute(0, 2, 3, 1)


class _Blocks(nn.Module):
    def __init__(self, hyperparameters: SwinIRHyperparameters) -> None:
        super().__init__()
        shift = hyperparameters.window_px // 2
        self.blocks = nn.ModuleList(_Block(hyperparameters, shift * (i % 2)) for i in range(hyperparameters.blocks))

    def forward(self, x: Float[Tensor, "n h w c"], seam: Bool[Tensor, "k 1 p p"]) -> Float[Tensor, "n h w c"]:
        for block in self.blocks:
            x = block(x, seam)
        return x


class _Block(nn.Module):
    """Attention and a perceptron, each behind a layer normalisation and with a skip (equation 12)."""

    def __init__(self, hyperparameters: SwinIRHyperparameters, shift: int) -> None:
        super().__init__()
        features, hidden = hyperparameters.features, hyperparameters.mlp_ratio * hyperparameters.features
        self.shift = shift
        self.norm1 = nn.LayerNorm(features)
        self.attn = _WindowAttention(hyperparameters)
        self.norm2 = nn.LayerNorm(features)
        self.mlp = nn.Sequential(
            OrderedDict(fc1=_linear(features, hidden), act=nn.GELU(), fc2=_linear(hidden, features))
        )

    def forward(self, x: Float[Tensor, "n h w c"], seam: Bool[Tensor, "k 1 p p"]) -> Float[Tensor, "n h w c"]:
        normalised = self.norm1(x)
        if self.shift:
            shifted = self.attn(normalised.roll((-self.shift, -self.shift), (1, 2)), seam)
            attended = shifted.roll((self.shift, self.shift), (1, 2))
        else:
            attended = self.attn(normalised, None)
        x = x + attended
        refined: Tensor = self.mlp(self.norm2(x))
        return x + refined


class _WindowAttention(nn.Module):
    """softmax(Q K^T / sqrt(d) + B) V of every head within every window (equations 10 and 11).

    `seam` (windows, 1, pixels, pixels) says which pixels of a window must not attend to each other; None: all may.
    """

    relative_position_index: Tensor

    def __init__(self, hyperparameters: SwinIRHyperparameters) -> None:
        super().__init__()
        self.heads, self.window_px = hyperparameters.heads, hyperparameters.window_px
        features, offsets = hyperparameters.features, 2 * self.window_px - 1
        self.qkv = _linear(features, 3 * features)
        self.proj = _linear(features, features)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets**2, self.heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        at = torch.arange(self.window_px)
        offset = at[:, None] - at + self.window_px - 1
        index = offsets * offset[:, None, :, None] + offset[None, :, None, :]
        self.register_buffer("relative_position_index", index.reshape(2 * [self.window_px**2]), persistent=False)

    def forward(self, x: Float[Tensor, "n h w c"], seam: Bool[Tensor, "k 1 p p"] | None) -> Float[Tensor, "n h w c"]:
        n, height, width, features = x.shape
        window, heads = self.window_px, self.heads
        rows, columns, depth = height // window, width // window, features // heads
        qkv = self.qkv(x).reshape(n, rows, window, columns, window, 3, heads, depth).permute(5, 0, 1, 3, 6, 2, 4, 7)
        query, key, value = qkv.reshape(3, n, rows * columns, heads, window**2, depth)
        # As an embedding, the gradient of the table is summed in the same order on any number of threads.
        bias = nn.functional.embedding(self.relative_position_index, self.relative_position_bias_table).permute(2, 0, 1)
        scores = (query * depth**-0.5) @ key.transpose(-1, -2)
        # In place, since for large pictures the scores are most of the memory.
        scores.add_(bias if seam is None else bias.masked_fill(seam, -torch.inf))
        attended = (scores.softmax(-1) @ value).reshape(n, rows, columns, heads, window, window, depth)
        projected: Tensor = self.proj(attended.permute(0, 1, 4, 2, 5, 3, 6).reshape(x.shape))
        return projected


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that starts with small weights and no bias."""
    linear = nn.Linear(inputs, outputs)
    nn.init.trunc_normal_(linear.weight, std=0.02)
    nn.init.zeros_(linear.bias)
    return linear


def _seam(padded: Float[Tensor, "n 3 h w"], window_px: int) -> Bool[Tensor, "k 1 p p"]:
    """Pairs of pixels in each window that must not attend to each other after the cyclic shift.

    The last row of windows holds the picture's bottom and, wrapped around, its top; the last column its right and left.
    """
    device, rows, columns = padded.device, padded.shape[-2] // window_px, padded.shape[-1] // window_px
    wrapped = torch.arange(window_px, device=device) >= window_px - window_px // 2
    apart = wrapped[:, None] ^ wrapped
    pixels = window_px**2
    above = apart[:, None, :, None].expand(4 * [window_px]).reshape(pixels, pixels)
    beside = apart[None, :, None, :].expand(4 * [window_px]).reshape(pixels, pixels)
    last_row = (torch.arange(rows, device=device) == rows - 1)[:, None, None, None]
    last_column = (torch.arange(columns, device=device) == columns - 1)[:, None, None]
    return ((last_row & above) | (last_column & beside)).reshape(rows * columns, 1, pixels, pixels)


def _receptive_field_px(hyperparameters: SwinIRHyperparameters) -> int:
    """Follow the input pixels start..end-1 of one output pixel back through all layers, for its worst place in a
    window; a convolution (None) adds a pixel on both sides, attention widens to whole windows of its shifted grid.
    """
    window = hyperparameters.window_px
    group: list[int | None] = [None, *(window // 2 * (i % 2) for i in reversed(range(hyperparameters.blocks)))]
    after = [None] * (3 if hyperparameters.reconstruction == "pixelshuffle" else 2)
    reach = 0
    for place in range(window):
        start, end = place, place + 1
        for shift in [*after, *(group * hyperparameters.groups), None]:
            if shift is None:
                start, end = start - 1, end + 1
            else:
                start -= (start - shift) % window
                end += (shift - end) % window
        reach = max(reach, place - start, end - 1 - place)
    return 1 + 2 * reach


OFFICIAL_KEYS = (
    frozenset({"layers.0.residual_group.blocks.0.attn.relative_position_bias_table", "conv_after_body.weight"}),
)
"""Weights that tell an official file."""


def official(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The official SwinIR for one scale, with one convolution or (at upscale 1) with the pixel-shuffle head.

    Left out by name: `attn.relative_position_index` and `attn_mask` of the blocks, which are no weights. The input skip
    is taken from the official code too: there with the one convolution, not there with the pixel-shuffle head.
    """
    weights = {name: tensor for name, tensor in state_dict.items() if not _RECOMPUTED.fullmatch(name)}
    block = "layers.0.residual_group.blocks.0."
    features = weights["conv_first.weight"].shape[0]
    places, heads = weights[f"{block}attn.relative_position_bias_table"].shape
    pixelshuffle = "conv_before_upsample.0.weight" in weights
    hyperparameters = {
        "features": features,
        "groups": len({name.split(".")[1] for name in weights if name.startswith("layers.")}),
        "blocks": len({name.split(".")[4] for name in weights if name.startswith("layers.0.residual_group.blocks.")}),
        "heads": heads,
        "window_px": (round(places**0.5) + 1) // 2,
        "mlp_ratio": weights[f"{block}mlp.fc1.weight"].shape[0] // features,
        "reconstruction": "pixelshuffle" if pixelshuffle else "convolution",
        "input_skip": not pixelshuffle,
    }
    return hyperparameters, weights
