"""Memory that a training needs, estimated before it starts."""

from collections.abc import Mapping
from copy import deepcopy
from math import lcm
from typing import Any

import torch
from torch import Tensor

from derain.errors import InputError
from derain.networks.base import Network
from derain.networks.registry import NETWORKS, build
from derain.support.devices import gib

# Beside what autograd keeps there are gradients on their way and the workspace of convolutions.
_MARGIN = 2.0
_LEAST_PROBE_PX = 32
_COPIES = 5  # weights, their average, gradients and Adam's two moments


def training_bytes(network: Network, batch_size: int, patch_size_px: int) -> tuple[float, float]:
    """Estimated memory of a training step: (fixed, for the batch), in bytes.

    Fixed are the weights and what is kept of each of them. For the batch, what autograd keeps for a small
    picture is added up and scaled to the size and number of the samples.

    Args:
        network: on the CPU; it is run once.
        batch_size: samples.
        patch_size_px: their side.
    """
    network = deepcopy(network).train()  # a run with gradients may leave what cannot be copied, as spectral_norm does
    fixed = _COPIES * sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    own = {parameter.untyped_storage().data_ptr() for parameter in [*network.parameters(), *network.buffers()]}
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    small = max(_LEAST_PROBE_PX, network.descriptor.smallest_size_px)
    side = _padded(small if network.proven else patch_size_px, network)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        # Kept alive, so that no storage is counted under the address of another.
        derained = network(torch.zeros(2, 3, side, side))
    del derained
    return fixed, _MARGIN * sum(kept.values()) / 2 * batch_size * (_padded(patch_size_px, network) / side) ** 2


def refuse_too_large(network: Network, batch_size: int, patch_size_px: int, available_bytes: float) -> None:
    """Raise InputError where the estimate exceeds what is available; the sentence says what would fit.

    >>> from derain.networks import build
    >>> refuse_too_large(build("resnet"), batch_size=16, patch_size_px=128, available_bytes=64e9)
    >>> refuse_too_large(build("resnet"), batch_size=16, patch_size_px=128, available_bytes=1e9)
    Traceback (most recent call last):
    ...
    derain.errors.InputError: the training needs about ... GiB of memory, but 0.9 GiB are free: --batch-size ... fits
    """
    fixed, batch = training_bytes(network, batch_size, patch_size_px)
    if fixed + batch <= available_bytes:
        return
    sentence = f"the training needs about {gib(fixed + batch)} of memory, but {gib(available_bytes)} are free"
    share = (available_bytes - fixed) / batch
    if share * batch_size >= 1:
        raise InputError(f"{sentence}: --batch-size {int(share * batch_size)} fits")
    step = lcm(8, network.descriptor.size_multiple_px)
    side = int(max(share * batch_size, 0) ** 0.5 * _padded(patch_size_px, network)) // step * step
    if side >= 16:
        raise InputError(f"{sentence}: --batch-size 1 --patch-size {side} fits")
    raise InputError(f"{sentence}: this network is too large for this machine")


def refuse_too_many_weights(name: str, hyperparameters: Mapping[str, Any], available_bytes: float) -> None:
    """Raise InputError where the weights of a network of the registry alone do not fit, before it is built.

    >>> refuse_too_many_weights("unet", {"base": 100_000}, available_bytes=64e9)
    Traceback (most recent call last):
    ...
    derain.errors.InputError: the weights of unet need ... GiB of memory while they are trained, but 59.6 GiB are free
    """
    if name not in NETWORKS:
        return
    with torch.device("meta"):  # which gives no memory to tensors
        network = build(name, hyperparameters)
    needed = _COPIES * sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    if needed > available_bytes:
        sentence = f"the weights of {name} need {gib(needed)} of memory while they are trained"
        raise InputError(f"{sentence}, but {gib(available_bytes)} are free")


def _padded(side_px: int, network: Network) -> int:
    """The side that a picture's side has within the network."""
    return side_px + -side_px % network.descriptor.size_multiple_px
