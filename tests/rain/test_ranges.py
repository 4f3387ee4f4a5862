import numpy as np
import pytest

from derain.errors import InputError
from derain.rain import LARGE, MEDIUM, SMALL, RainRange


@pytest.mark.parametrize("streaks", [SMALL, MEDIUM, LARGE])
def test_every_value_of_table_1_is_drawn_and_none_beyond_it(streaks):
    drawn = streaks.sample(20000, np.random.default_rng(0))
    low, high = streaks.length_px
    assert set(drawn.length_px) == set(range(low, high + 1))
    assert set(drawn.width) == set(streaks.width)
    for values, (low, high) in ((drawn.quantity, streaks.quantity), (drawn.angle_deg, streaks.angle_deg)):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high >= values.max() > high - 0.01 * (high - low)
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=0.01 * (high - low))


def test_quantity_is_log_uniform_on_request():
    drawn = RainRange(quantity=(5, 500), log_quantity=True).sample(20000, np.random.default_rng(0))
    assert np.mean(drawn.quantity < 50) == pytest.approx(0.5, abs=0.02)


def test_parameters_depend_on_the_generator_alone():
    first, again = (LARGE.sample(7, np.random.default_rng(3)) for _ in range(2))
    other = LARGE.sample(7, np.random.default_rng(4))
    for name in ("quantity", "width", "length_px", "angle_deg"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("quantity", (300, 200)),
        ("quantity", (0, 200)),
        ("quantity", (200, 25600)),
        ("length_px", (31, 30)),
        ("length_px", (0, 30)),
        ("angle_deg", (5, -5)),
        ("width", (4,)),
        ("width", (5, -1)),
        ("width", (1001,)),
        ("width", ()),
    ],
)
def test_a_range_that_makes_no_sense_is_named(setting, value):
    with pytest.raises(InputError, match=setting):
        RainRange(**{setting: value})
