"""The estimate of a training's memory, and the sentence that refuses one that cannot fit."""

import math
import re
from pathlib import Path

import pytest
import torch

from derain.errors import InputError
from derain.networks import build
from derain.networks.memory import refuse_too_large, training_bytes
from derain.support.devices import available_bytes


def test_it_grows_with_the_batch_and_the_area_and_leaves_the_network_as_it_was() -> None:
    network = build("unet", {"base": 4, "levels": 2}).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fixed, one = training_bytes(network, 1, 64)
    assert training_bytes(network, 3, 128) == (fixed, pytest.approx(12 * one))
    assert fixed == 5 * 4 * network.parameter_count()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not network.training


def test_it_counts_what_autograd_keeps() -> None:
    network = build("resnet", {"features": 8, "blocks": 1})
    _, batch = training_bytes(network, 1, 64)
    plane = 4 * 64 * 64
    # At least the input and six feature maps of 8 channels, at most five times as much.
    assert 51 * plane < batch < 5 * 51 * plane


@pytest.mark.slow
def test_networks_that_pad_to_more_than_a_small_picture_count_what_they_keep() -> None:
    swinir = build("swinir", {"features": 8, "groups": 1, "blocks": 2, "heads": 2, "window_px": 64})
    assert training_bytes(swinir, 1, 64)[1] > 0
    # Levels below the sixth are 4 x 4 pixels and less, so that they keep next to nothing of their own.
    six, eight = (training_bytes(build("unet", {"base": 2, "levels": levels}), 1, 128)[1] for levels in (6, 8))
    assert six < eight < 1.2 * six


def test_the_sentence_says_what_would_fit() -> None:
    network = build("resnet", {"features": 16, "blocks": 4})
    fixed, batch = training_bytes(network, 16, 128)
    refuse_too_large(network, 16, 128, fixed + batch)
    for share in (0.9, 0.2):
        with pytest.raises(InputError, match=r"--batch-size \d+ fits") as error:
            refuse_too_large(network, 16, 128, fixed + share * batch)
        size = int(re.search(r"--batch-size (\d+)", str(error.value))[1])
        refuse_too_large(network, size, 128, fixed + share * batch)
        with pytest.raises(InputError):
            refuse_too_large(network, size + 1, 128, fixed + share * batch)
    with pytest.raises(InputError, match=r"--batch-size 1 --patch-size (\d+) fits") as error:
        refuse_too_large(network, 16, 128, fixed + 0.02 * batch)
    side = int(re.search(r"--patch-size (\d+)", str(error.value))[1])
    refuse_too_large(network, 1, side, fixed + 0.02 * batch)
    with pytest.raises(InputError, match="too large for this machine"):
        refuse_too_large(network, 16, 128, 0.5 * fixed)


def test_free_memory_is_read_in_bytes_and_unlimited_where_the_system_does_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "meminfo"
    monkeypatch.setattr("derain.support.devices._MEMINFO", told)
    assert available_bytes(torch.device("cpu")) == math.inf
    told.write_text("MemTotal:       16000000 kB\nMemAvailable:    2000000 kB\n")
    assert available_bytes(torch.device("cpu")) == 2_000_000 * 1024
