"""The mean over a picture and its mirror image."""

import pytest
import torch

from derain.networks import build
from derain.networks.base import Network
from derain.networks.mirrored import Mirrored


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return build("unet", {"base": 4, "levels": 2, "norm": "none"}).eval()


def test_a_mirrored_picture_gives_the_mirrored_result(network: Network) -> None:
    rainy = torch.rand(1, 3, 12, 16)
    both = Mirrored(network)
    assert torch.allclose(both(rainy.flip(-1)), both(rainy).flip(-1), atol=1e-6)
    assert not torch.allclose(network(rainy.flip(-1)), network(rainy).flip(-1), atol=1e-3)


def test_it_needs_what_the_network_needs(network: Network) -> None:
    assert Mirrored(network).descriptor == network.descriptor
