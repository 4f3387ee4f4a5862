"""Running networks on pictures: 8 bits in and out, in evaluation mode, whatever mode the network is in."""

import math

import pytest
import torch
from torch import nn

from derain.errors import InputError
from derain.networks.running import quantise, restore


def test_quantise_rounds_to_the_nearest_level() -> None:
    levels = torch.arange(256, dtype=torch.uint8).expand(2, 3, 1, 256)
    for offset in (-0.49, 0, 0.49):
        assert torch.equal(quantise((levels + offset) / 255), levels)
    outside = quantise(torch.tensor([-7.0, 9.0, math.inf]).view(3, 1, 1))
    assert outside.flatten().tolist() == [0, 255, 255]


@pytest.mark.parametrize("training", [True, False])
def test_a_network_is_run_in_evaluation_mode_and_keeps_its_own(training: bool) -> None:
    pictures = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    dropout = nn.Dropout(0.5).train(training)
    assert torch.equal(restore(dropout, pictures), pictures)
    assert dropout.training is training


def test_a_network_that_fails_keeps_its_mode() -> None:
    network = nn.Conv2d(4, 3, 1).train()
    with pytest.raises(RuntimeError, match="channels"):
        restore(network, torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    assert network.training


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="the device nowhere cannot be used"):
        restore(nn.Identity(), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "nowhere")
