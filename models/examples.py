"""Make the two photos to try of `derain serve` and of the page in the browser: free photographs under synthetic rain.

    apt-get download endless-sky-data=0.9.8-1.2
    dpkg -x endless-sky-data_0.9.8-1.2_all.deb found
    python models/examples.py --found found --out src/derain/app/examples

The models in the box were trained on neither these photographs nor these kinds of rain.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
import tyro

from derain.errors import InputError
from derain.networks.running import quantise
from derain.pictures.images import encode_jpeg, read_image
from derain.rain import Rain
from derain.rain.unseen import UNSEEN
from derain.support.files import make_folder, write_bytes
from derain.support.randomness import generator

LAND = Path("usr/share/games/endless-sky/images/land")
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class Example:
    """A photograph of the package and the rain that is laid on it."""

    name: str
    photograph: str
    sha256: str
    rain: str
    seed: int


EXAMPLES = (
    Example("forest", "forest5.jpg", "c39ffbae9e6880e7dbc368535a6ade58c1d434fdc81fce9523a65da4c6e16213", "threads", 1),
    Example("city", "city9.jpg", "bfad2b3e51b6f332f7bf0b8cd27a268f48504d68cac6a25419f9db16d27997e5", "drizzle", 0),
)


def main(found: Path, out: Path) -> None:
    """
    Args:
        found: folder into which the package was unpacked.
        out: folder for the photos.
    """
    make_folder(out)
    for example in EXAMPLES:
        path = found / LAND / example.photograph
        if sha256(path.read_bytes()).hexdigest() != example.sha256:
            raise InputError(f"{path} is not the photograph that is meant: its SHA-256 differs")
        clean = torch.from_numpy(read_image(path)).movedim(-1, 0)[None].float()
        rainy = _rain(example.rain).degrade(clean, generator(example.seed, "example", example.name))[0]
        picture = quantise(rainy / 255).movedim(0, -1).numpy()
        write_bytes(out / f"{example.name}.jpg", encode_jpeg(picture, _JPEG_QUALITY))


def _rain(name: str) -> Rain:
    return next(rain for rain in UNSEEN if rain.name == name)


if __name__ == "__main__":
    tyro.cli(main)
