from pathlib import Path

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.pictures.images import read_image, write_image
from derain.rain import Recovered, compose
from derain.support.randomness import generator


@pytest.fixture
def folders(tmp_path):
    """Two pairs of 20 x 30 pixels; the clean pictures are colourful, the rain of the second is all 40."""
    rng = np.random.default_rng(0)
    (tmp_path / "rainy").mkdir()
    (tmp_path / "clean").mkdir()
    rain = [rng.integers(0, 90, (20, 30)), np.full((20, 30), 40)]
    for name, layer in zip(("a.png", "b.png"), rain, strict=True):
        clean = rng.integers(0, 160, (20, 30, 3))
        clean[..., 2] += 95  # blue saturates
        write_image(tmp_path / "clean" / name, clean.astype(np.uint8))
        write_image(tmp_path / "rainy" / name, np.minimum(255, clean + layer[..., None]).astype(np.uint8))
    return tmp_path, rain


def test_rain_is_recovered_where_a_channel_is_not_saturated(folders):
    tmp_path, rain = folders
    family = Recovered(tmp_path / "rainy", tmp_path / "clean")
    layers = family.layers(20, 20, 30, generator(0))[:, 0]
    seen = {tuple(layer.flatten().tolist()) for layer in layers}
    assert seen == {tuple(layer.flatten().tolist()) for layer in rain}


def test_smaller_layers_are_cuts_and_larger_ones_reflections(folders):
    tmp_path, rain = folders
    family = Recovered(tmp_path / "rainy", tmp_path / "clean")
    windows = {rain[0][y : y + 8, x : x + 9].astype(np.float32).tobytes() for y in range(20 - 7) for x in range(30 - 8)}
    cuts = [layer.numpy() for layer in family.layers(60, 8, 9, generator(0))[:, 0]]
    varied = [cut for cut in cuts if not (cut == 40).all()]
    assert len({cut.tobytes() for cut in varied}) > 15
    assert all(cut.tobytes() in windows for cut in varied)
    expected = np.pad(rain[0], ((0, 35), (0, 5)), mode="reflect")
    large = [layer.numpy() for layer in family.layers(20, 55, 35, generator(0))[:, 0]]
    assert any(np.array_equal(layer, expected) for layer in large)


def test_layers_depend_on_the_generator_alone(folders):
    tmp_path, _ = folders
    family = Recovered(tmp_path / "rainy", tmp_path / "clean")
    first, again = (family.layers(6, 10, 10, generator(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, family.layers(6, 10, 10, generator(2)))


def test_the_description_follows_the_content_not_the_place(folders, tmp_path_factory):
    tmp_path, _ = folders
    family = Recovered(tmp_path / "rainy", tmp_path / "clean")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "set"
    tmp_path.rename(elsewhere)
    moved = Recovered(elsewhere / "rainy", elsewhere / "clean")
    assert moved.describe() == family.describe()
    picture = read_image(elsewhere / "rainy" / "b.png")
    picture[0, 0] = 255
    write_image(elsewhere / "rainy" / "b.png", picture)
    assert Recovered(elsewhere / "rainy", elsewhere / "clean").describe() != family.describe()


def test_pairs_of_different_sizes_are_named(folders):
    tmp_path, _ = folders
    write_image(tmp_path / "clean" / "b.png", np.zeros((20, 31, 3), np.uint8))
    with pytest.raises(InputError, match=r"b\.png"):
        Recovered(tmp_path / "rainy", tmp_path / "clean")


def test_rain100l_is_recovered_and_laid_on_its_own_backgrounds(data):
    rainy, clean = (data / "rain" / "rain100l" / kind for kind in ("rainy", "clean"))
    family = Recovered(rainy, clean)
    # At its own size a layer of a single pair turns the clean picture into the rainy one.
    [name, *_] = sorted(path.name for path in rainy.iterdir())
    pair = [torch.from_numpy(read_image(folder / name)).permute(2, 0, 1).float() for folder in (rainy, clean)]
    height, width = pair[0].shape[1:]
    layers = family.layers(200, height, width, generator(0))
    errors = [float((compose(pair[1], layer) - pair[0]).abs().max()) for layer in layers]
    assert min(errors) == 0


@pytest.mark.parametrize(("levels", "warned"), [((40, 40, 40), False), ((40, 0, 0), True), ((40, -40, -40), True)])
def test_differences_that_are_no_grey_light_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, levels: tuple[int, ...], warned: bool
) -> None:
    clean = np.full((20, 20, 3), 100, np.uint8)
    for name, picture in (("rainy", (clean + np.array(levels)).astype(np.uint8)), ("clean", clean)):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "a.png", picture)
    Recovered(tmp_path / "rainy", tmp_path / "clean")
    assert ("differ by other things than grey light" in caplog.text) == warned
