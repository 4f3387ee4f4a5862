"""Shapes in the types are checked while testing; real data is found through DERAIN_DATA."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

# All rooms but the judge: it has hardly any arrays, and it judges shuffled curves thousands of times.
_CHECKED = [
    f"derain.{room}"
    for room in (
        "advice", "app", "cli", "degradations", "evaluation", "models", "networks", "painting", "pictures",
        "probe", "rain", "restoration", "study.demo", "study.plan", "study.report", "study.run", "support", "training",
    )
]  # fmt: skip
# An int is a float, as for every type checker.
install_import_hook(_CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
torch.set_num_threads(1)
# A busy machine is no fault.
settings.register_profile("derain", deadline=None)
settings.load_profile("derain")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real image sets (docs/how-to/data.md); tests that need it are skipped where it is not given."""
    folder = os.environ.get("DERAIN_DATA")
    if not folder:
        pytest.skip("DERAIN_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Weights, inputs and outputs of the networks' official code (docs/reference/goldens.md)."""
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


@pytest.fixture(scope="session")
def write_dng() -> Callable[..., None]:
    """Writes a RAW file of 96 x 64 pixels as it is stored, red on its left and grey on its right: what a sensor behind
    red, green and blue windows would see.
    """
    import tifffile

    def write(path: Path, orientation: int = 1) -> None:
        rows, columns = np.indices((64, 96))
        is_red = (rows % 2 == 0) & (columns % 2 == 0)
        levels = np.where((columns < 48) & ~is_red, 2000, 20000).astype(np.uint16)
        tags = [
            (33421, 3, 2, (2, 2), True),  # windows repeat every two pixels:
            (33422, 1, 4, b"\0\1\1\2", True),  # red, green; green, blue
            (50706, 1, 4, b"\1\4\0\0", True),  # the version of DNG
            (50708, 2, 0, "Acme One", True),
            (271, 2, 0, "Acme", True),
            (272, 2, 0, "One", True),
            (274, 3, 1, orientation, True),
            (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),  # colours as they are
            (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),  # grey is neutral
            (50778, 3, 1, 21, True),
            (315, 2, 0, "Somebody", True),
        ]
        tifffile.imwrite(path, levels, photometric=32803, metadata=None, extratags=tags)

    return write


@pytest.fixture(scope="session")
def write_nef() -> Callable[[Path], None]:
    """Writes a RAW file as a camera does: a preview of 40 x 30 first, the sensor's 200 x 150 pixels behind it."""
    import tifffile

    def write(path: Path) -> None:
        with tifffile.TiffWriter(path) as file:
            file.write(
                np.full((30, 40, 3), 99, np.uint8),
                photometric="rgb",
                subfiletype=1,
                subifds=1,
                software=False,
                metadata=None,
            )
            windows = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)]
            file.write(np.full((150, 200), 9000, np.uint16), photometric=32803, subfiletype=0, extratags=windows)

    return write
