"""Shapes in the types are checked while testing; real data is found through DERAIN_DATA."""

import os
from pathlib import Path

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
    """Weights, inputs and outputs of the networks' official code: DERAIN_GOLDENS, or `goldens` beside DERAIN_DATA."""
    folder = Path(os.environ.get("DERAIN_GOLDENS") or Path(os.environ.get("DERAIN_DATA", ".")).parent / "goldens")
    if not folder.is_dir():
        pytest.skip("DERAIN_GOLDENS is not set")
    return folder
