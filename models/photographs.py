"""Collect the freely licensed photographs that the models in the box are trained on.

    apt-get download lomiri-wallpapers-16.04 budgie-backgrounds     # Debian; for their versions see photographs.toml
    pip download --no-deps scikit-image==0.26.0 scikit-learn==1.9.1
    for package in *.deb; do dpkg -x $package found; done
    for package in *.whl; do unzip -q $package -d found; done
    python models/photographs.py --found found --out photographs

Every file is checked by its SHA-256, reduced as photographs.toml says, and written as PNG.
"""

import tomllib
from hashlib import sha256
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from derain.errors import InputError
from derain.files import make_folder
from derain.images import read_image, write_image

LIST = Path(__file__).with_name("photographs.toml")


def main(found: tuple[Path, ...], out: Path) -> None:
    """
    Args:
        found: folders into which the packages were unpacked.
        out: folder for the pictures.
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
        picture = Image.fromarray(read_image(candidates[0])).reduce(photograph["reduce"])
        write_image(out / f"{name.stem}.png", np.asarray(picture))
    print(f"{len(photographs)} photographs in {out}")


if __name__ == "__main__":
    tyro.cli(main)
