"""Every cell has the rain that it says, the same one for every network."""

from pathlib import Path

import numpy as np
import torch

from derain.pictures.images import list_images, write_image
from derain.probe.maps import Scene, lay_scene, rain_maps
from derain.probe.space import FIXED, ProbeSpace
from derain.rain import Recovered


def test_a_cell_has_its_own_values_and_else_the_fixed_ones(space: ProbeSpace) -> None:
    for rain_map in rain_maps(space)[:3]:
        assert len(rain_map.rains) == len(rain_map.rows) * len(rain_map.columns)
        for cell, rain in enumerate(rain_map.rains):
            wanted = {**FIXED, **rain_map.place(cell)}
            [family] = rain.describe()["families"]
            assert family["recipe"] == "paper"
            for name, value in wanted.items():
                assert set(family[name]) == {value}
    lengths = rain_maps(space)[0]
    assert lengths.place(1) == {"length_px": 10, "angle_deg": 0.0}
    assert lengths.place(3) == {"length_px": 30, "angle_deg": -60.0}


def test_rain_depends_on_seed_and_cell_alone(scene: Scene, space: ProbeSpace, photos: Path) -> None:
    lengths, _, brightnesses, families = scene.maps
    first = scene.rainy(lengths.rains[4])
    scene.rainy(families.rains[0])
    assert torch.equal(scene.rainy(lengths.rains[4]), first)
    other = lay_scene(space, list_images(photos), seed=1)
    assert not torch.equal(other.rainy(other.maps[0].rains[4]) - other.clean, first - scene.clean)
    # Length 30 at 0 degrees is brightness 1 at 0 degrees.
    assert lengths.place(4) == {"length_px": 30, "angle_deg": 0.0}
    assert brightnesses.place(4) == {"brightness": 1.0, "angle_deg": 0.0}
    assert torch.equal(scene.rainy(brightnesses.rains[4]), first)


def test_the_backgrounds_of_a_cell_differ_in_their_rain(scene: Scene) -> None:
    rain = scene.rainy(scene.maps[0].rains[4]).int() - scene.clean.int()
    assert rain.min() >= 0
    assert all(not torch.equal(rain[0], other) for other in rain[1:])


def test_families_go_from_light_to_heavy(photos: Path) -> None:
    space = ProbeSpace(families=("light", "medium", "heavy"), count=6, size_px=48)
    scene = lay_scene(space, list_images(photos), seed=0)
    added = [float((scene.rainy(rain).float() - scene.clean).mean()) for rain in scene.maps[3].rains]
    assert added[0] < added[1] < added[2]


def test_recovered_streaks_are_one_more_family(space: ProbeSpace, photos: Path, tmp_path: Path) -> None:
    for name, level in (("rainy", 90), ("clean", 50)):
        (tmp_path / name).mkdir()
        picture = np.full((40, 40, 3), 50, np.uint8)
        picture[:, 10:20] = level
        write_image(tmp_path / name / "street.png", picture)
    scene = lay_scene(space, list_images(photos), 0, Recovered(tmp_path / "rainy", tmp_path / "clean"))
    assert scene.maps[3].rows == ("lines", "heavy", "recovered")
    rain = scene.rainy(scene.maps[3].rains[2]).int() - scene.clean.int()
    assert set(rain.unique().tolist()) == {0, 40}


def test_without_families_there_are_three_maps(photos: Path) -> None:
    assert len(rain_maps(ProbeSpace(families=()))) == 3
