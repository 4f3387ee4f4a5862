"""Collect the freely licensed photographs that the models in the box are trained on.

    # Debian 12 (bookworm)
    apt-get download endless-sky-data=0.9.8-1.2 lomiri-wallpapers-16.04=20.04.0-2
    apt-get download plasma-workspace-data=4:5.27.5-2+deb12u2 supertuxkart-data=1.4+dfsg-2
    # Debian 13 (trixie)
    apt-get download budgie-backgrounds=3.0-1 wordpress-theme-twentytwentyfive=6.8.12+dfsg1-0+deb13u1
    apt-get download wordpress-theme-twentytwentyfour=6.8.12+dfsg1-0+deb13u1
    # PyPI; SciPy 1.9 needs Python 3.11
    pip download --no-deps --only-binary :all: scikit-image==0.26.0 scikit-learn==1.9.1 scipy==1.9.3
    for package in *.deb; do dpkg -x $package found; done
    for package in *.whl; do unzip -q $package -d found; done
    python models/photographs.py --found found --out photographs --tile-px 128

Every file is checked by its SHA-256, reduced as photographs.toml says, and written as PNG; in tiles because patches are
cut from one file after the other, and a large photograph has more to give than a generated picture.
"""

import bz2
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import UInt8
from PIL import Image

from derain.errors import InputError
from derain.pictures.images import read_image, write_image
from derain.support.files import make_folder

LIST = Path(__file__).with_name("photographs.toml")


def main(found: tuple[Path, ...], out: Path, tile_px: int | None = None) -> None:
    """
    Args:
        found: folders into which the packages were unpacked.
        out: folder for the pictures.
        tile_px: side of the tiles; by default a photograph stays whole.
    """
    make_folder(out)
    photographs = tomllib.loads(LIST.read_text(encoding="utf-8"))["photograph"]
    for photograph in photographs:
        name = Path(photograph["path"])
        candidates = [folder / name for folder in found if (folder / name).is_file()]
        if not candidates:
            raise InputError(f"{name} of {photograph['package']} is in none of the folders")
        if sha256(candidates[0].read_bytes()).hexdigest() != photograph["sha256"]:
            raise InputError(f"{candidates[0]} is not the file that photographs.toml means: its SHA-256 differs")
        picture = Image.fromarray(_levels(candidates[0])).reduce(photograph["reduce"])
        for suffix, tile in _tiles(np.asarray(picture), tile_px):
            write_image(out / f"{name.stem}{suffix}.png", tile)
    print(f"{len(photographs)} photographs in {out}, {len(list(out.iterdir()))} files")


def _levels(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    if path.name == "face.dat":  # of SciPy: the plain levels, packed
        return np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8).reshape(768, 1024, 3)
    return read_image(path)


def _tiles(
    picture: UInt8[np.ndarray, "h w 3"], side_px: int | None
) -> Iterator[tuple[str, UInt8[np.ndarray, "_ _ 3"]]]:
    """Squares side by side in the middle, each with its row and column."""
    if side_px is None:
        yield "", picture
        return
    height, width = picture.shape[:2]
    top, left = height % side_px // 2, width % side_px // 2
    for row in range(height // side_px):
        for column in range(width // side_px):
            y, x = top + row * side_px, left + column * side_px
            yield f"-{row:02d}-{column:02d}", picture[y : y + side_px, x : x + side_px]


if __name__ == "__main__":
    tyro.cli(main)
