"""Pairs that do not fit into the memory are measured tile by tile."""

import logging

import pytest
import torch

from derain.evaluation.restorers import NetworkRestorer
from derain.networks import build
from derain.restoration import pairs, restorer
from derain.restoration.pairs import AnySizeRestorer


@pytest.fixture
def picture() -> torch.Tensor:
    return torch.randint(0, 256, (3, 300, 340), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_a_large_picture_is_restored_in_tiles_and_comes_out_the_same(
    picture: torch.Tensor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    network, seen = build("resnet", {"features": 4, "blocks": 1}).eval(), []
    network.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape[-2] * args[0].shape[-1]))
    whole = NetworkRestorer(network, "cpu").picture(picture)
    for module in (pairs, restorer):
        monkeypatch.setattr(module, "available_bytes", lambda device: 1e6)
    tiling = AnySizeRestorer(network, "cpu")
    seen.clear()
    with caplog.at_level(logging.WARNING, logger="derain"):
        restored = tiling.picture(picture)
    assert max(seen) < 300 * 340
    assert int((restored.int() - whole.int()).abs().max()) <= 1
    assert "a picture of 340 x 300 pixels is restored tile by tile" in caplog.text


def test_a_picture_that_fits_is_restored_as_it_always_was(picture: torch.Tensor) -> None:
    network = build("resnet", {"features": 4, "blocks": 1}).eval()
    assert torch.equal(
        AnySizeRestorer(network, "cpu").picture(picture), NetworkRestorer(network, "cpu").picture(picture)
    )


def test_tiles_are_used_for_large_pictures_where_they_change_nothing(
    picture: torch.Tensor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pairs, "_LARGE_PIXELS", 300 * 340)
    monkeypatch.setattr(restorer, "_TILE_BYTES", 1e6)
    for name, values, is_tiled in (("resnet", {"features": 4, "blocks": 1}, True), ("spdnet", {"features": 2}, False)):
        torch.manual_seed(0)
        network, seen = build(name, values).eval(), []
        tiling = AnySizeRestorer(network, "cpu")
        network.register_forward_pre_hook(lambda module, args, seen=seen: seen.append(args[0].shape[-2:].numel()))
        tiling.picture(picture)
        assert (max(seen) < 300 * 340) == is_tiled, name
    assert not caplog.messages
