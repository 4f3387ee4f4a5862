"""The generalisation area on made-up arrays."""

import numpy as np
import pytest

from derain.probe.area import DRAWS, Area, generalisation_area
from derain.support.randomness import generator

NOTHING = np.zeros(4)


def cells(*means: float) -> np.ndarray:
    """Cells of four equal backgrounds."""
    return np.array(means)[:, None].repeat(4, axis=1)


def test_maps_weigh_the_same_whatever_their_cells() -> None:
    area = generalisation_area([cells(0.9, 0.1, 0.1, 0.1), cells(0.5)], NOTHING, 10.0)
    assert area == Area((0.25 + 1.0) / 2, (0.25 + 1.0) / 2, (0.25 + 1.0) / 2)


@pytest.mark.parametrize(("bound", "value"), [(11.9, 0.0), (12.0, 0.5), (None, 0.5)])
def test_it_is_nothing_above_the_bound_of_the_mean_clean_error(bound: float | None, value: float) -> None:
    assert generalisation_area([cells(0.9, 0.1)], np.array([4.0, 20.0, 12.0, 12.0]), bound).value == value


def test_what_has_no_value_is_left_out() -> None:
    controlled = cells(0.9, 0.1, np.nan)
    controlled[0, :3] = np.nan
    assert generalisation_area([controlled, cells(np.nan)], NOTHING, 10.0).value == 0.5
    assert generalisation_area([cells(np.nan)], NOTHING, 10.0) == Area(None, None, None)


def brute_force(maps: list[np.ndarray], error: np.ndarray, bound: float, seed: int) -> list[float]:
    areas = []
    for drawn in generator(seed, "probe", "bootstrap").integers(len(error), size=(DRAWS, len(error))):
        shares = [np.mean([np.mean(cell[drawn]) >= 0.5 for cell in controlled]) for controlled in maps]
        areas.append(float(np.mean(shares) * (np.mean(error[drawn]) <= bound)))
    return areas


def test_the_interval_is_that_of_the_drawn_backgrounds() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.normal(0.5, 0.3, (20, 6)), rng.normal(0.6, 0.3, (10, 6))]
    error = rng.uniform(8, 11, 6)
    area = generalisation_area(maps, error, 10.0, seed=3)
    expected = np.quantile(brute_force(maps, error, 10.0, 3), (0.025, 0.975))
    assert np.allclose([area.low, area.high], expected)
    assert area.low < area.high
    assert area == generalisation_area(maps, error, 10.0, seed=3)


def test_the_difference_is_paired() -> None:
    rng = np.random.default_rng(0)
    first, other = rng.normal(0.5, 0.3, (20, 6)), rng.normal(0.3, 0.3, (20, 6))
    error = np.zeros(6)
    assert generalisation_area([first], error, 10.0, minus=([first], error)) == Area(0.0, 0.0, 0.0)
    difference = generalisation_area([first], error, 10.0, minus=([other], error))
    values = [generalisation_area([each], error, 10.0).value for each in (first, other)]
    assert difference.value == pytest.approx(values[0] - values[1])
