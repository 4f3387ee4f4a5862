"""Features of a network: what one of its layers holds while a picture passes."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError, one_of

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def last_layer(network: nn.Module, picture: Float[Tensor, "1 3 h w"]) -> str | None:
    """The name of the convolution that is called last, which makes the picture; None where none is called.

    >>> from derain.networks import build
    >>> last_layer(build("unet", {"base": 4, "levels": 2}), torch.zeros(1, 3, 16, 16))
    'last'
    """
    called: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, module in network.named_modules()
        if isinstance(module, _CONVOLUTIONS)
    ]
    try:
        with torch.inference_mode():
            network(picture)
    finally:
        for hook in hooks:
            hook.remove()
    return called[-1] if called else None


def features(
    network: nn.Module, pictures: Float[Tensor, "n 3 h w"], layer: str, of_input: bool
) -> Float[Tensor, "n values"]:
    """All values that a layer takes or gives for each picture, in its last call if it is called more than once.

    Args:
        network: in evaluation mode.
        pictures: in 0..1, passed one by one, which keeps the memory small.
        layer: name of a module, as in `network.named_modules()`.
        of_input: what it takes, in place of what it gives.

    Raises:
        InputError: the network has no such layer, it is not called, or it does not hold one tensor for a picture.
    """
    modules = {name: module for name, module in network.named_modules() if name}
    seen: list[Any] = []
    hook = modules[one_of(layer, modules, "layer")].register_forward_hook(
        lambda _, inputs, output: seen.append(inputs[0] if of_input and inputs else output)
    )
    rows: list[Tensor] = []
    try:
        with torch.inference_mode():
            for picture in pictures.split(1):
                seen.clear()
                network(picture)
                if not seen or not isinstance(seen[-1], Tensor) or seen[-1].shape[:1] != (1,):
                    raise InputError(f"the layer {layer} does not hold one tensor for a picture")
                rows.append(seen[-1].flatten().float().cpu())
    finally:
        hook.remove()
    return torch.stack(rows)
