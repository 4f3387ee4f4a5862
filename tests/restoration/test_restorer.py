"""One picture: any size, any network, any strength."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from derain.errors import InputError
from derain.evaluation.restorers import NetworkRestorer
from derain.networks import NETWORKS, build
from derain.networks.base import Network
from derain.networks.export import export_onnx
from derain.networks.onnx import OnnxNetwork
from derain.networks.tile_memory import bytes_per_pixel
from derain.restoration.restorer import TiledRestorer

Small = Callable[[str], Network]


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def at_once(network: torch.nn.Module, rgb: np.ndarray) -> np.ndarray:
    picture = torch.from_numpy(rgb).movedim(-1, 0)
    return NetworkRestorer(network, "cpu").picture(picture).movedim(0, -1).numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_picture_that_fits_is_restored_as_in_the_evaluation(small: Small, name: str) -> None:
    network = small(name)
    rgb = photo(61, 47)
    restored = TiledRestorer(network).picture(rgb)
    assert restored.dtype == np.uint8
    assert np.abs(restored.astype(int) - at_once(network, rgb)).max() <= 1  # the order of additions differs


@pytest.mark.parametrize("name", ["resnet", "unet"])
def test_in_tiles_it_is_the_same_picture(small: Small, name: str) -> None:
    network = small(name)
    rgb = photo(300, 280)
    tiles = []
    restored = TiledRestorer(network, tile_px=128).picture(rgb, lambda done, total: tiles.append((done, total)))
    assert tiles == [(done, len(tiles)) for done in range(1, len(tiles) + 1)]
    assert len(tiles) > 3
    assert np.abs(restored.astype(int) - at_once(network, rgb)).max() <= 1


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
def test_the_smallest_pictures_are_restored(small: Small, name: str, size: tuple[int, int]) -> None:
    assert TiledRestorer(small(name)).picture(photo(*size)).shape == (*size, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_strength_the_picture_stays_bit_by_bit(small: Small, name: str) -> None:
    rgb = photo(70, 90)
    assert np.array_equal(TiledRestorer(small(name), strength=0.0).picture(rgb), rgb)


def test_strength_scales_what_is_taken_away(small: Small) -> None:
    network = small("unet")
    with torch.no_grad():
        network.last.weight.mul_(20)
    rgb = photo(40, 40)
    half, full = (TiledRestorer(network, strength=each).picture(rgb).astype(int) for each in (0.5, 1.0))
    unclipped = (full > 0) & (full < 255)
    assert np.abs(full - rgb)[unclipped].max() > 20
    assert np.abs(2 * (half - rgb) - (full - rgb))[unclipped].max() <= 2


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan")])
def test_other_strengths_are_refused(small: Small, strength: float) -> None:
    with pytest.raises(InputError, match="strength must lie between 0 and"):
        TiledRestorer(small("resnet"), strength=strength)


def test_a_network_that_gives_nan_is_refused(small: Small) -> None:
    network = small("resnet")
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(InputError, match="NaN"):
        TiledRestorer(network).picture(photo(20, 20))


def test_too_little_memory_is_one_sentence() -> None:
    class Greedy(torch.nn.Module):
        def forward(self, rainy: torch.Tensor) -> torch.Tensor:
            return rainy + torch.empty(2**50)

    with pytest.raises(InputError, match="cpu has too little memory for tiles of 30 x 20 px: give a smaller --tile"):
        TiledRestorer(Greedy(), tile_px=200).picture(photo(20, 30))


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_an_unusable_device_is_named(small: Small, device: str) -> None:
    with pytest.raises(InputError, match=f"device {device} cannot be used"):
        TiledRestorer(small("resnet"), device)


@pytest.mark.slow
def test_an_exported_network_sees_the_same_tiles(small: Small, tmp_path: Path) -> None:
    network = small("unet")
    export_onnx(network, {}, tmp_path / "model.onnx")
    exported = OnnxNetwork(tmp_path / "model.onnx", "model.onnx")
    assert exported.descriptor == network.descriptor
    rgb = photo(150, 201)
    by_torch, by_onnx = (TiledRestorer(each, tile_px=128).picture(rgb) for each in (network, exported))
    assert np.abs(by_torch.astype(int) - by_onnx).max() <= 1


def test_a_foreign_onnx_file_is_tiled_and_blended(tmp_path: Path) -> None:
    picture, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "h", "w"]) for name in ("picture", "result")
    )
    graph = helper.make_graph([helper.make_node("Identity", ["picture"], ["result"])], "graph", [picture], [result])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "foreign.onnx"
    )
    rgb = photo(300, 200)
    restorer = TiledRestorer(OnnxNetwork(tmp_path / "foreign.onnx", "foreign.onnx"), tile_px=130)
    assert np.array_equal(restorer.picture(rgb), rgb)


def test_memory_grows_with_the_width_of_the_network() -> None:
    narrow, wide = (build("unet", {"base": base, "levels": 3, "norm": "none"}).eval() for base in (4, 8))
    assert 1.8 < bytes_per_pixel(wide, "cpu") / bytes_per_pixel(narrow, "cpu") < 2.2


def test_a_picture_of_16_bits_is_restored_at_16(small: Small) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (61, 47, 3), dtype=np.uint16)
    network = small("unet")
    assert np.array_equal(TiledRestorer(network, strength=0).picture(deep), deep)
    restored = TiledRestorer(network).picture(deep)
    assert restored.dtype == np.uint16
    of_8_bits = TiledRestorer(network).picture((deep >> 8).astype(np.uint8))
    assert np.abs(restored / 257 - of_8_bits).mean() < 2
    assert len(np.unique(restored)) > 256
