"""Running a network on 8-bit pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.user import UserNetwork
from derain.support.devices import is_out_of_memory, usable_device

Module = TypeVar("Module", bound=nn.Module)


def quantise(output: Float[Tensor, "*n 3 h w"]) -> UInt8[Tensor, "*n 3 h w"]:
    """A network's output in 0..1 as an 8-bit picture: clipped and rounded to the nearest level.

    >>> quantise(torch.tensor([-0.2, 0.5, 1.3]).view(3, 1, 1)).flatten().tolist()
    [0, 128, 255]
    """
    return (output * 255).round().clamp(0, 255).to(torch.uint8)


def channels_last(network: Module) -> Module:
    """The network itself, its weights now laid out with the channels of a pixel side by side: faster convolutions."""
    moved: Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


@contextmanager
def own_code(network: nn.Module) -> Iterator[None]:
    """What the code of a network of one's own raises within becomes InputError, but where memory runs out."""
    try:
        yield
    except Exception as error:
        if not isinstance(network, UserNetwork) or is_out_of_memory(error):
            raise
        raise InputError(
            f"the code of {type(network.module).__name__} fails: {type(error).__name__}: {error}"
        ) from error


def restore(
    network: nn.Module, pictures: UInt8[Tensor, "n 3 h w"], device: torch.device | str = "cpu"
) -> UInt8[Tensor, "n 3 h w"]:
    """What a network makes of a batch of pictures, clipped and rounded.

    Raises:
        InputError: the output holds NaN, the device cannot be used, or the code of a network of one's own fails.
    """
    training = network.training
    network.to(usable_device(device)).eval()
    try:
        with torch.inference_mode(), own_code(network):
            # On CPUs convolutions are faster with the channels of a pixel side by side.
            batch = pictures.to(device).contiguous(memory_format=torch.channels_last).float() / 255
            output = network(batch).cpu().contiguous()
    finally:
        network.train(training)
    if output.isnan().any():
        raise InputError("the network gives NaN: its weights are not those of a finished training")
    return quantise(output)
