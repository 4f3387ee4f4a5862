"""The response to rain, within and beyond the range that a network was trained on."""

from collections.abc import Mapping

import numpy as np
import pytest

from derain.probe.area import Area
from derain.probe.maps import rain_maps
from derain.probe.response import ResponseMap
from derain.probe.space import FULL
from derain.probe.trained import TrainedStreaks, trained_streaks
from derain.rain import load_rain
from derain.study.judge.response import by_parameter, within_and_beyond


def trained(rain: str) -> list[TrainedStreaks] | None:
    return trained_streaks({"objective": {"rain": load_rain(rain).describe()}})


def response(means: Mapping[str, np.ndarray]) -> ResponseMap:
    return ResponseMap(means, means, 5.0, 20.0, Area(0.5, 0.4, 0.6), Area(0.5, 0.4, 0.6), 16)


def steep_streaks_removed() -> ResponseMap:
    """The map of a network that keeps streaks at more than 30 degrees, and removes all others."""
    means = {}
    for rain_map in rain_maps(FULL):
        removed = np.ones((len(rain_map.rows), len(rain_map.columns)))
        if rain_map.x == "angle_deg":
            removed[:, [abs(float(angle)) > 30 for angle in rain_map.columns]] = 0
        means[rain_map.name] = removed.ravel()
    return response(means)


def test_a_network_that_removes_only_the_angles_it_was_trained_on() -> None:
    found = within_and_beyond(steep_streaks_removed(), trained("medium"))
    assert found is not None
    assert found[0] == 1
    assert 0 < found[1] < 1


def test_maps_at_a_width_that_was_not_trained_on_lie_beyond() -> None:
    """Small rain has width 5, and the maps that do not vary it have 7."""
    means = {}
    for rain_map in rain_maps(FULL):
        removed = np.zeros((len(rain_map.rows), len(rain_map.columns)))
        if "width" in (rain_map.x, rain_map.y):
            removed[:] = 1
        means[rain_map.name] = removed.ravel()
    assert within_and_beyond(response(means), trained("small")) == pytest.approx((1, 1 / 3))


def test_rain_without_streaks_has_no_range() -> None:
    means = {rain_map.name: np.full(len(rain_map.rains), 0.5) for rain_map in rain_maps(FULL)}
    assert within_and_beyond(response(means), trained("lines")) is None
    assert within_and_beyond(response(means), trained("small")) == pytest.approx((0.5, 0.5))


def test_streaks_are_parted_by_the_parameters_beyond_the_range() -> None:
    """Streaks at angles beyond the range are kept, all others removed, whatever else is beyond it."""
    parts = by_parameter(steep_streaks_removed(), trained("medium"))
    assert {name: part.removal for name, part in parts.items()} == {
        "within": 1, "length": 1, "width": 1, "quantity": 1, "brightness": 1, "width and quantity": 1,
        "angle": 0, "length and angle": 0, "brightness and angle": 0,
    }  # fmt: skip
    # 3 lengths and 3 angles, 3 widths and 2 quantities, and the angles at the brightness 1.
    assert parts["within"].cells == 3 * 3 + 3 * 2 + 3
    assert sum(part.cells for part in parts.values()) == 72 + 42 + 54


def test_the_small_range_holds_two_of_the_probes_streaks() -> None:
    parts = by_parameter(response({m.name: np.ones(len(m.rains)) for m in rain_maps(FULL)}), trained("small"))
    assert parts["within"].cells == 2
    assert parts["angle"].cells == 16  # at a width of 7 that was not trained on either


def test_cells_without_a_value_do_not_count() -> None:
    means = {rain_map.name: np.full(len(rain_map.rains), 0.5) for rain_map in rain_maps(FULL)}
    means["width x quantity"][:] = np.nan
    parts = by_parameter(response(means), trained("medium"))
    assert "width" not in parts
    assert parts["within"] == (0.5, 12)
    assert by_parameter(response(means), None) == {}
