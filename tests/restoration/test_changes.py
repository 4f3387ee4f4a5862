"""Statements about a restored photo without knowing the truth."""

import numpy as np
import pytest

from derain.restoration.changes import Changes, draw_changes, find_changes


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (300, 40, 3)).astype(np.uint8)


def test_light_that_is_taken_from_all_colours_alike_is_like_rain(photo: np.ndarray) -> None:
    restored = photo.copy()
    restored[100:200, :10] -= 30
    changes = find_changes(photo, restored)
    assert changes.share == pytest.approx(100 * 10 / (300 * 40))
    assert changes.mean_levels == pytest.approx(30 * changes.share)
    assert changes.unlike_rain == 0
    assert changes.warnings() == []


@pytest.mark.parametrize("change", [(30, 0, 0), (-30, -30, -30)], ids=["coloured", "dark"])
def test_coloured_and_dark_changes_are_unlike_rain_and_warned_about(photo: np.ndarray, change: tuple[int, ...]) -> None:
    restored = (photo - np.array(change)).astype(np.uint8)
    changes = find_changes(photo, restored)
    assert changes.unlike_rain > 0.5
    [warning] = changes.warnings()
    assert "coloured or dark" in warning


def test_damage_is_warned_about_beyond_one_percent_of_the_change(photo: np.ndarray) -> None:
    def warnings(reddened: int) -> list[str]:
        """The warnings where 1000 pixels lose light as rain adds it, and `reddened` others in red alone."""
        restored = photo.copy().reshape(-1, 3)
        restored[:1000] -= 30
        restored[1000 : 1000 + reddened, 0] -= 30
        return find_changes(photo, restored.reshape(photo.shape)).warnings()

    # One pixel that loses red alone holds a third of the squared change of a grey one; two thirds of it are no rain.
    assert warnings(reddened=42) == []  # 0.92 %
    [warning] = warnings(reddened=51)  # 1.11 %
    assert "coloured or dark" in warning


def test_colours_at_white_say_nothing(photo: np.ndarray) -> None:
    rainy = photo.copy()
    rainy[:, :20] = (255, 255, 230)
    restored = rainy.copy()
    restored[:, :20] = (200, 190, 180)  # cut off at white, the change differs between channels
    assert find_changes(rainy, restored).unlike_rain == 0


def test_a_photo_that_is_left_alone_is_pointed_out_whatever_the_strength(photo: np.ndarray) -> None:
    for strength in (0.5, 1.0):
        [warning] = find_changes(photo, photo, strength).warnings()
        assert "hardly anything" in warning
    assert find_changes(photo, photo, 0.0).warnings() == []
    half, whole = (find_changes(photo, photo - np.uint8(taken), strength) for taken, strength in ((8, 0.5), (16, 1.0)))
    assert half.share == whole.share == 1


def test_the_map_shows_where_and_of_what_kind(photo: np.ndarray) -> None:
    restored = photo.copy()
    restored[:150, :20] -= 60
    restored[150:, 20:, 2] -= 60
    red, green, blue = np.moveaxis(draw_changes(photo, restored).astype(int), -1, 0)
    rain, kept, coloured = (
        (slice(0, 150), slice(0, 20)),
        (slice(150, 300), slice(0, 20)),
        (slice(150, 300), slice(20, 40)),
    )
    assert [int(each[rain].min()) for each in (red, green, blue)] == [255, 225, 90]
    assert red[kept].max() < 80
    assert (blue[coloured] > green[coloured] + 50).all()


def test_figures_survive_their_record() -> None:
    changes = Changes(1.25, 0.5, 0.125, 0.5)
    assert Changes(**changes.to_json()) == changes
