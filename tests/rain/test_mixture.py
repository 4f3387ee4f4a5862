import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.pictures.images import write_image
from derain.rain import LARGE, MEDIUM, PRESETS, Lines, Rain, Recovered, Streaks, load_rain
from derain.support.randomness import generator


def toml(folder, text):
    path = folder / "rain.toml"
    path.write_text(text)
    return str(path)


class Flat:
    """A family of even layers, to see which family a sample was drawn from."""

    def __init__(self, level):
        self.level = level

    def layers(self, count, height, width, rng, device="cpu"):
        return torch.full((count, 1, height, width), self.level, device=device)

    def describe(self):
        return {"kind": "flat", "level": self.level}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_render_whole_levels_as_a_pure_function_of_the_generator(name):
    rain = load_rain(name)
    assert rain.name == name
    first, again = (rain.layers(6, 48, 80, generator(0, "rain"), "cpu") for _ in range(2))
    assert first.shape == (6, 1, 48, 80)
    assert first.dtype == torch.float32
    assert torch.equal(first, first.round())
    assert first.min() >= 0
    assert torch.equal(first, again)
    assert not torch.equal(first, rain.layers(6, 48, 80, generator(1, "rain"), "cpu"))


@pytest.mark.parametrize("name", PRESETS)
def test_descriptions_survive_json_and_tell_rains_apart(name):
    described = load_rain(name).describe()
    assert json.loads(json.dumps(described)) == json.loads(json.dumps(load_rain(name).describe()))
    others = [load_rain(other).describe() for other in PRESETS if other != name]
    assert described not in others


def test_the_recipe_reaches_the_streaks():
    paper, corrected = load_rain("large"), load_rain("large", "corrected")
    assert paper.describe() != corrected.describe()
    assert not torch.equal(paper.layers(2, 64, 64, generator(0)), corrected.layers(2, 64, 64, generator(0)))


def test_samples_are_drawn_by_weight_and_some_are_free_of_rain():
    rain = Rain("test", ((1.0, Flat(10.0)), (3.0, Flat(20.0))), rain_free=0.2)
    levels = rain.layers(8000, 1, 1, generator(0)).flatten()
    for level, share in ((0.0, 0.2), (10.0, 0.2), (20.0, 0.6)):
        assert float((levels == level).float().mean()) == pytest.approx(share, abs=0.02)


def test_brightness_may_lift_layers_above_white():
    levels = Rain("test", ((1.0, Flat(250.0)),), brightness=(0.6, 1.4)).layers(2000, 1, 1, generator(0)).flatten()
    assert levels.min() == pytest.approx(150, abs=2)
    assert levels.max() == pytest.approx(350, abs=2)
    assert torch.equal(levels, levels.round())


def test_layers_overlaid_add_up_each_of_a_family_of_its_own():
    rain = Rain("test", ((1.0, Flat(1.0)), (1.0, Flat(10.0))), rain_free=0.1, overlaid=(1, 2))
    levels = rain.layers(8000, 1, 1, generator(0)).flatten()
    for level, share in ((0, 0.1), (1, 0.225), (10, 0.225), (2, 0.1125), (11, 0.225), (20, 0.1125)):
        assert float((levels == level).float().mean()) == pytest.approx(share, abs=0.015)
    assert rain.describe() != replace(rain, overlaid=(1, 1)).describe()


@pytest.mark.slow
def test_wide_rain_is_as_wet_as_documented():
    layers = torch.cat([load_rain("wide").layers(32, 128, 128, generator(0, k)) for k in range(10)])
    means = layers.mean((1, 2, 3))
    assert float(means.mean()) == pytest.approx(17, abs=4)
    assert float((layers > 10).float().mean()) == pytest.approx(0.3, abs=0.06)
    assert float((means == 0).float().mean()) == pytest.approx(0.08, abs=0.06)


def test_thin_lines_are_not_streaks():
    described = load_rain("lines").describe()
    assert [family["kind"] for family in described["families"]] == ["lines"]


def test_a_file_describes_a_mixture(tmp_path):
    rain = load_rain(
        toml(
            tmp_path,
            """
            name = "storm"
            brightness = [0.5, 1.5]
            rain_free = 0.1

            [[family]]
            kind = "streaks"
            weight = 2
            range = "large"
            angle_deg = [10, 20]
            recipe = "corrected"
            brightness = [0.3, 1]

            [[family]]
            kind = "lines"
            length_px = [4, 60]
            """,
        )
    )
    (two, streaks), (one, lines) = rain.families
    assert (rain.name, rain.brightness, rain.rain_free, two, one) == ("storm", (0.5, 1.5), 0.1, 2.0, 1.0)
    assert isinstance(streaks, Streaks)
    assert (streaks.recipe, streaks.brightness) == ("corrected", (0.3, 1))
    assert (streaks.range.angle_deg, streaks.range.length_px) == ((10, 20), LARGE.length_px)
    assert isinstance(lines, Lines)
    assert lines.length_px == (4, 60)
    assert rain.layers(4, 32, 32, generator(0)).shape == (4, 1, 32, 32)
    # Identities of trainings hash this text: a whole number stays one in a list.
    assert '"angle_deg": [10, 20]' in json.dumps(rain.describe())


def test_streaks_of_a_file_take_the_recipe_that_is_asked_for(tmp_path):
    path = toml(tmp_path, '[[family]]\nkind = "streaks"\n')
    [(_, streaks)] = load_rain(path, "corrected").families
    assert streaks == Streaks(MEDIUM, "corrected")
    assert load_rain(path).name == "rain"


@pytest.mark.parametrize("place", ["pairs/", "$TEST_RAIN/"])
def test_recovered_folders_are_relative_to_the_file_or_named_by_the_environment(tmp_path, monkeypatch, place):
    monkeypatch.setenv("TEST_RAIN", str(tmp_path / "pairs"))
    for kind, level in (("rainy", 90), ("clean", 50)):
        (tmp_path / "pairs" / kind).mkdir(parents=True)
        write_image(tmp_path / "pairs" / kind / "a.png", np.full((9, 9, 3), level, np.uint8))
    text = f'[[family]]\nkind = "recovered"\nrainy = "{place}rainy"\nclean = "{place}clean"\nmatch = "names"\n'
    rain = load_rain(toml(tmp_path, text))
    assert isinstance(rain.families[0][1], Recovered)
    assert (rain.layers(2, 5, 5, generator(0)) == 40).all()


STREAKS = '[[family]]\nkind = "streaks"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STREAKS + "lenght_px = [20, 40]", ["lenght_px", "length_px"]),
        ("rainfree = 0.5\n" + STREAKS, ["rainfree", "rain_free"]),
        ('[[family]]\nkind = "streak"', ["streak", "streaks"]),
        ('[[family]]\nkind = "lines"\nthicknes_px = [1, 2]', ["thicknes_px", "thickness_px"]),
        ("[[family]]\nweight = 1", ["kind"]),
        ('[[family]]\nkind = ["lines"]', ["kind", "['lines']"]),
        (STREAKS + 'range = ["small"]', ["range", "['small']"]),
        (2 * (STREAKS + "weight = 1e308\n"), ["weight"]),
        ('[[family]]\nkind = "lines"\nlength_px = [10, 1e9]', ["length_px", "1000"]),
        (STREAKS + 'recipe = "corrected"\nlength_px = [10, 1000000000]', ["length_px", "1000"]),
        ("overlaid = [1, 1000000000]\n" + STREAKS, ["overlaid", "100"]),
        ("rain_free = 0.5", ["family"]),
        (STREAKS + "width = [4]", ["width"]),
        (STREAKS + "width = [5.0]", ["width"]),
        (STREAKS + "length_px = [40, 20]", ["length_px"]),
        (STREAKS + "length_px = [20.5, 40]", ["length_px"]),
        (STREAKS + "length_px = 20", ["length_px"]),
        (STREAKS + "length_px = [20, 30, 40]", ["length_px"]),
        (STREAKS + 'quantity = ["a", "b"]', ["quantity"]),
        (STREAKS + "quantity = [nan, 300]", ["quantity"]),
        (STREAKS + "log_quantity = 1", ["log_quantity"]),
        (STREAKS + "weight = 0", ["weight"]),
        (STREAKS + "weight = inf", ["weight"]),
        (STREAKS + "weight = true", ["weight"]),
        (STREAKS + 'recipe = "papper"', ["papper", "paper"]),
        (STREAKS + 'range = "huge"', ["huge", "large"]),
        ("rain_free = 1.5\n" + STREAKS, ["rain_free"]),
        ("overlaid = [0, 2]\n" + STREAKS, ["overlaid"]),
        ("overlaid = [1, 2.5]\n" + STREAKS, ["overlaid", "whole"]),
        ("brightness = [1.4, 0.6]\n" + STREAKS, ["brightness"]),
        ('[[family]]\nkind = "recovered"\nrainy = "rainy"', ["clean"]),
        ('[[family]]\nkind = "recovered"\nrainy = "none"\nclean = "none"', ["none"]),
        ('[[family]]\nkind = "recovered"\nrainy = "a"\nclean = "b"\nmatch = "name"', ["name", "names"]),
        ("[[family]\n", ["rain.toml"]),
    ],
)
def test_bad_files_are_refused_with_one_sentence_that_names_what_is_wrong(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        load_rain(toml(tmp_path, text))
    assert all(word in str(error.value) for word in [*words, "rain.toml"])
    assert "\n" not in str(error.value)


def test_an_unknown_preset_is_named_with_the_closest_one():
    with pytest.raises(InputError, match=r"'meduim'.*medium"):
        load_rain("meduim")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml"):
        load_rain(str(tmp_path / "none.toml"))


def test_rain_without_a_family_is_refused():
    with pytest.raises(InputError, match="family"):
        Rain("nothing", ())
