"""A list of the registered networks with their costs and their checks."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from derain.networks.base import Network
from derain.networks.loading import load_model
from derain.networks.registry import NETWORKS, build
from derain.networks.weights import describe, write_tensors

_SIDE_PX = 128


@dataclass(frozen=True)
class Summary:
    """A network with its default hyperparameters.

    Attributes:
        name: in the registry.
        network: freshly initialised.
        multiply_adds: of one picture of 128x128 pixels.
        passed: the checks that it passed; `failed` those that it did not.
    """

    name: str
    network: Network
    multiply_adds: int
    passed: list[str]
    failed: list[str]


def summarise(name: str) -> Summary:
    """Build a network and try it.

    >>> round(summarise("resnet").multiply_adds / 1e9)
    20
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(name)
        results = {check: passes(name, network) for check, passes in _CHECKS.items()}
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(torch.rand(1, 3, _SIDE_PX, _SIDE_PX))
    return Summary(
        name,
        network,
        counter.get_total_flops() // 2,
        [check for check, passed in results.items() if passed],
        [check for check, passed in results.items() if not passed],
    )


def summarise_all() -> list[Summary]:
    """All registered networks."""
    return [summarise(name) for name in NETWORKS]


def _keeps_size(name: str, network: Network) -> bool:
    rainy = torch.rand(1, 3, 41, 50)
    with torch.no_grad():
        stages = network.eval().stages(rainy)
    return len(stages) == network.descriptor.stages and all(stage.shape == rainy.shape for stage in stages)


def _has_gradients(name: str, network: Network) -> bool:
    network.train()(torch.rand(2, 3, 32, 32)).abs().mean().backward()
    reached = all(parameter.grad is not None for parameter in network.parameters())
    network.zero_grad()
    return reached


def _survives_saving(name: str, network: Network) -> bool:
    rainy = torch.rand(1, 3, 32, 32)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "model.safetensors"
        write_tensors(path, network.state_dict(), describe(name, network))
        return torch.equal(load_model(path)[0](rainy), network.eval()(rainy))


_CHECKS: dict[str, Callable[[str, Network], bool]] = {
    "keeps any size": _keeps_size,
    "every parameter has a gradient": _has_gradients,
    "same after saving": _survives_saving,
}
