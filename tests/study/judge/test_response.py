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
from derain.study.judge.response import within_and_beyond


def trained(rain: str) -> list[TrainedStreaks] | None:
    return trained_streaks({"objective": {"rain": load_rain(rain).describe()}})


def response(means: Mapping[str, np.ndarray]) -> ResponseMap:
    return ResponseMap(means, means, 5.0, 20.0, Area(0.5, 0.4, 0.6), Area(0.5, 0.4, 0.6), 16)


def test_a_network_that_removes_only_the_angles_it_was_trained_on() -> None:
    means = {}
    for rain_map in rain_maps(FULL):
        removed = np.ones((len(rain_map.rows), len(rain_map.columns)))
        if rain_map.x == "angle_deg":
            removed[:, [abs(float(angle)) > 30 for angle in rain_map.columns]] = 0
        means[rain_map.name] = removed.ravel()
    found = within_and_beyond(response(means), trained("medium"))
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
