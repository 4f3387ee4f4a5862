"""Running a network on pictures."""

from typing import TypeVar

import torch
from jaxtyping import Float, UInt8, UInt16
from torch import Tensor, nn

from derain.errors import InputError
from derain.support.devices import usable_device

Module = TypeVar("Module", bound=nn.Module)


def quantise(
    output: Float[Tensor, "*n 3 h w"], dtype: torch.dtype = torch.uint8
) -> UInt8[Tensor, "*n 3 h w"] | UInt16[Tensor, "*n 3 h w"]:
    """A network's output in 0..1 as a picture of 8 or 16 bits: clipped and rounded to the nearest level.

    >>> quantise(torch.tensor([-0.2, 0.5, 1.3]).view(3, 1, 1)).flatten().tolist()
    [0, 128, 255]
    """
    largest = torch.iinfo(dtype).max
    return (output * largest).round().clamp(0, largest).to(dtype)


def channels_last(network: Module) -> Module:
    """The network itself, with its weights laid out for pictures that keep the channels of a pixel side by side."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def run(network: nn.Module, rainy: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """The output of a network in evaluation mode for pictures in 0..1 on its device; it is not clipped.

    Raises:
        InputError: the output holds NaN, or the code of a network of your own fails.
    """
    with torch.inference_mode():
        output: Tensor = network(rainy)
    if output.isnan().any():
        raise InputError("the network gives NaN: its weights are not those of a finished training")
    return output


def restore(
    network: nn.Module,
    pictures: UInt8[Tensor, "n 3 h w"],
    device: torch.device | str = "cpu",
    layout: torch.memory_format = torch.channels_last,
) -> UInt8[Tensor, "n 3 h w"]:
    """The pictures that a network makes of a batch of pictures, clipped and rounded.

    Args:
        network: moved to `device`; used in evaluation mode and put back into its own afterwards.
        pictures: levels 0..255 on any device.
        device: of the computation; the result is on the CPU.
        layout: of the batch in memory. Convolutions on CPUs are faster in channels_last; its last bits are others.

    Raises:
        InputError: as `run`, or the device cannot be used.
    """
    training = network.training
    network.to(usable_device(device)).eval()
    try:
        output = run(network, pictures.to(device).contiguous(memory_format=layout).float() / 255)
    finally:
        network.train(training)
    return quantise(output.cpu().contiguous())
