"""The training range on a map."""

from typing import Any

import pytest

from derain.probe.maps import rain_maps
from derain.probe.space import FULL
from derain.probe.trained import Box, boxes, trained_streaks
from derain.rain import load_rain

LENGTHS, WIDTHS, BRIGHTNESSES, FAMILIES = rain_maps(FULL)


def header(rain: str, recipe: Any = "paper") -> dict[str, Any]:
    return {"objective": {"rain": load_rain(rain, recipe).describe()}}


@pytest.mark.parametrize(
    ("rain", "lengths", "widths", "brightnesses"),
    [
        # Lengths 20, 30, 40 at -20, 0, 20; widths 5, 7, 9 at 200, 300; brightness 1.
        ("medium", [Box(3, 5, 3, 5, True)], [Box(3, 4, 2, 4, True)], [Box(3, 5, 4, 4, True)]),
        ("large", [Box(1, 7, 0, 7, True)], [Box(3, 4, 0, 4, True)], [Box(1, 7, 4, 4, True)]),
        # Its width of 5 is not the 7 of the maps.
        ("small", [Box(4, 4, 4, 4, False)], [Box(3, 4, 2, 2, True)], [Box(4, 4, 4, 4, False)]),
        # Brightness 0.3 x 0.6 to 1.0 x 1.4, quantity 5 to 300.
        ("wide", [Box(1, 7, 0, 7, True)], [Box(0, 4, 0, 4, True)], [Box(1, 7, 0, 5, True)]),
        ("lines", [], [], []),
    ],
)
def test_the_box_holds_the_cells_within_the_range(
    rain: str, lengths: list[Box], widths: list[Box], brightnesses: list[Box]
) -> None:
    trained = trained_streaks(header(rain))
    assert boxes(trained, LENGTHS, "paper") == lengths
    assert boxes(trained, WIDTHS, "paper") == widths
    assert boxes(trained, BRIGHTNESSES, "paper") == brightnesses
    assert boxes(trained, FAMILIES, "paper") == []


def test_another_recipe_is_not_what_was_trained_on() -> None:
    [box] = boxes(trained_streaks(header("medium", "corrected")), LENGTHS, "paper")
    assert not box.whole


def test_a_header_without_rain() -> None:
    assert trained_streaks({}) is None
    assert boxes(None, LENGTHS, "paper") == []
