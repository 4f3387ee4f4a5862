"""A small probe: photos that are made here, a few cells, and model files of a tiny network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from derain.networks import build, parse
from derain.networks.weights import describe, write_tensors
from derain.pictures.images import list_images, write_image
from derain.probe.maps import Scene, lay_scene
from derain.probe.space import ProbeSpace
from derain.rain import load_rain

TINY = "unet:base=4,levels=2,norm=none"


@pytest.fixture(scope="session")
def space() -> ProbeSpace:
    return ProbeSpace(
        lengths_px=(10, 30),
        angles_deg=(-60.0, 0.0, 60.0),
        widths=(3, 7),
        quantities=(50.0, 250.0),
        brightnesses=(0.5, 1.0),
        families=("lines", "heavy"),
        count=5,
        size_px=32,
    )


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos with large and small structure."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(6):
        coarse = rng.integers(30, 160, (6, 6, 3)).repeat(8, 0).repeat(8, 1)
        write_image(folder / f"{index}.png", (coarse + rng.integers(0, 20, (48, 48, 1))).astype(np.uint8))
    return folder


@pytest.fixture(scope="session")
def scene(space: ProbeSpace, photos: Path) -> Scene:
    return lay_scene(space, list_images(photos), seed=0)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a model file: its name, the seed of its weights, and what its header says of the training."""

    def make(name: str, seed: int = 0, rain: str | None = "medium") -> Path:
        torch.manual_seed(seed)
        network = build(*parse(TINY))
        header: dict[str, Any] = {} if rain is None else {"objective": {"rain": load_rain(rain).describe()}}
        path = tmp_path_factory.mktemp("model") / name
        write_tensors(path, network.state_dict(), {**describe("unet", network), **header})
        return path

    return make
