"""The photographs that come with scikit-image's wheel: CC0 or in the public domain, by its documentation."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from derain.pictures.images import encode_png, read_image
from derain.support.files import write_bytes
from derain.support.records import claim_file

TRAINING = (
    *("astronaut.png", "brick.png", "camera.png", "clock_motion.png", "coins.png", "grass.png", "gravel.png"),
    *("ihc.png", "moon.png", "retina.jpg"),
)
TEST = ("chelsea.png", "coffee.png", "rocket.jpg")


def write_photographs(names: tuple[str, ...], folder: Path) -> Path:
    """Write the named photographs as PNG files to `folder`, and return it."""
    for name in names:
        _write(folder / f"{Path(name).stem}.png", read_image(_source(name)))
    return folder


def write_tiles(names: tuple[str, ...], side_px: int, folder: Path) -> Path:
    """Write all whole tiles of `side_px` of the named photographs, row by row, to `folder`, and return it."""
    for name in names:
        photograph = read_image(_source(name))
        height, width = photograph.shape[:2]
        corners = [
            (y, x) for y in range(0, height - side_px + 1, side_px) for x in range(0, width - side_px + 1, side_px)
        ]
        for index, (top, left) in enumerate(corners, start=1):
            tile = photograph[top : top + side_px, left : left + side_px]
            _write(folder / f"{Path(name).stem}-{index}.png", tile)
    return folder


def _write(path: Path, picture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a picture that an earlier demo has not written."""
    content = encode_png(picture)
    claim_file(path, "derain demo", lambda there: there.read_bytes() == content)
    write_bytes(path, content)


def _source(name: str) -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data" / name
