"""Shapes in the types are checked while testing; real data is found through DERAIN_DATA."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook

# An int is a float, as for every type checker.
install_import_hook("derain", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real image sets (docs/data.md); tests that need it are skipped where it is not given."""
    folder = os.environ.get("DERAIN_DATA")
    if not folder:
        pytest.skip("DERAIN_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Weights, inputs and outputs of the networks' official code (docs/goldens.md)."""
    folder = os.environ.get("DERAIN_GOLDENS")
    if not folder:
        pytest.skip("DERAIN_GOLDENS is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures with large and small structure."""
    from derain.pictures.images import write_image  # not before the hook above is installed

    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(10):
        coarse = np.kron(rng.integers(0, 256, (5, 6, 3)), np.ones((16, 16, 1)))
        noisy = coarse + rng.normal(0, 10, coarse.shape)
        write_image(folder / f"photo{index}.png", noisy.clip(0, 255).astype(np.uint8))
    return folder
