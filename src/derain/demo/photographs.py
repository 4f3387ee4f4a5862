"""The photographs that come with scikit-image's wheel: free of copyright or CC0, by its documentation."""

from pathlib import Path

from derain.files import make_folder
from derain.images import read_image, write_image

TRAINING = (
    *("astronaut.png", "brick.png", "camera.png", "coins.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "rocket.jpg"),
)
TEST = ("chelsea.png", "coffee.png")


def write_photographs(names: tuple[str, ...], folder: Path) -> Path:
    """Write the named photographs as PNG files to `folder`, and return it."""
    import skimage

    source = Path(skimage.__file__).parent / "data"
    make_folder(folder)
    for name in names:
        write_image(folder / f"{Path(name).stem}.png", read_image(source / name))
    return folder
