"""Weights of the networks' official code."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from derain.errors import InputError, one_of
from derain.networks.base import Network
from derain.networks.registry import NETWORKS, build
from derain.networks.weights import load_weights


def load_official(
    name: str, state_dict: Mapping[str, Tensor], hyperparameters: Mapping[str, Any] | None = None
) -> Network:
    """The network `name` with weights in the layout of its official code, in eval mode, RGB in 0..1 like all others.

    Args:
        name: a network of NETWORKS for which an official layout is known; its file describes it.
        state_dict: tensors by their official names; their type (float32 or float64) is kept.
        hyperparameters: what the weights do not tell, such as `input_skip`.

    Raises:
        InputError: no official layout is known for `name`, or the weights do not fit it.
    """
    read = NETWORKS[one_of(name, NETWORKS, "network")].official
    refusal = f"these are no official weights of {name}"
    if read is None:
        raise InputError(f"no official layout of weights is known for {name}")
    try:
        found, weights = read(state_dict)
    except KeyError as error:
        raise InputError(f"{refusal}: {error.args[0]} is missing") from error
    network = build(name, {**found, **(hyperparameters or {})})
    network.to(next(tensor.dtype for tensor in weights.values() if tensor.is_floating_point()))
    load_weights(network, weights, refusal)
    return network.eval()
