"""Attribution of networks whose answer is known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from derain.networks.filters import FILTERS
from derain.probe.explanation.attribution import Attribution, attribute, blurred, diffusion_index, structure

SIDE, WINDOW = 40, 8


class Rule(nn.Module):
    """A network that is a rule."""

    def __init__(self, rule: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.rule = rule

    def forward(self, picture: Tensor) -> Tensor:
        return self.rule(picture)


@pytest.fixture(scope="module")
def pictures() -> tuple[Tensor, Tensor]:
    """Noise, and the same under a bright stroke at (16..24, 18..20)."""
    clean = torch.randint(0, 150, (3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    rainy = clean.clone()
    rainy[:, 16:24, 18:20] += 100
    return rainy, clean


def found(rule: Callable[[Tensor], Tensor], pictures: tuple[Tensor, Tensor]) -> Attribution:
    return attribute(Rule(rule), *pictures, window_px=WINDOW)


def test_the_window_lies_on_the_rain_and_a_network_that_does_nothing_uses_it_alone(
    pictures: tuple[Tensor, Tensor],
) -> None:
    each = found(lambda picture: picture, pictures)
    assert each.top == 16
    assert each.left in range(12, 19)
    window = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    window[each.top : each.top + WINDOW, each.left : each.left + WINDOW] = True
    assert (each.magnitudes[~window] == 0).all()
    assert (each.magnitudes[window] > 0).sum() >= WINDOW**2 - 1


def test_a_network_that_looks_elsewhere_is_seen_to_look_there(pictures: tuple[Tensor, Tensor]) -> None:
    moved = found(lambda picture: picture.roll(-10, dims=3), pictures)
    [rows, columns] = moved.magnitudes.nonzero(as_tuple=True)
    assert (int(rows.min()), int(columns.min())) == (moved.top, moved.left + 10)


def test_a_linear_network_has_the_attribution_of_its_weights(pictures: tuple[Tensor, Tensor]) -> None:
    """One pixel alone makes a step at the window's first corner: D is sqrt(2) w times it, wherever it lies."""

    def rule(picture: Tensor) -> Tensor:
        result = torch.zeros_like(picture)
        result[..., 16 : 16 + WINDOW, :] += 0.5 * picture[..., 5:6, 7:8]
        mask = torch.zeros(SIDE, SIDE)
        mask[20, 17] = 1
        return result * mask

    each = found(rule, pictures)
    rainy = pictures[0].float()[None] / 255
    change = (rainy - blurred(rainy, 1.2))[0, :, 5, 7]
    slopes = 0.5 * (2**0.5 + 1 + 1)  # the pixel itself, and the differences of those left of it and above it
    assert each.magnitudes[5, 7] == pytest.approx(float(change.abs().sum() * slopes), rel=1e-3)
    assert (each.magnitudes > 0).sum() == 1
    assert each.diffusion_index == pytest.approx(100 / SIDE**2)


def test_all_attributions_add_up_to_the_change_of_the_detector(pictures: tuple[Tensor, Tensor]) -> None:
    few, many = (attribute(FILTERS["blur"](), *pictures, window_px=WINDOW, steps=steps).missing for steps in (5, 200))
    assert few is not None
    assert many is not None
    assert abs(many) < 0.02
    assert abs(many) < abs(few)


def test_a_wider_network_has_a_higher_diffusion_index(pictures: tuple[Tensor, Tensor]) -> None:
    narrow, wide = (
        found(lambda x, side=side: nn.functional.avg_pool2d(x, side, 1, side // 2), pictures) for side in (1, 15)
    )
    assert narrow.diffusion_index is not None
    assert wide.diffusion_index is not None
    assert wide.diffusion_index > 3 * narrow.diffusion_index


def test_a_network_that_looks_at_rain_alone_has_no_density_elsewhere(pictures: tuple[Tensor, Tensor]) -> None:
    rain = torch.zeros(SIDE, SIDE)
    rain[16:24, 18:20] = 1
    assert found(lambda picture: picture * rain, pictures).rain_density is None
    dry = found(lambda picture: picture * (1 - rain), pictures).rain_density
    assert dry == 0


def test_a_network_that_ignores_the_picture_has_no_index(pictures: tuple[Tensor, Tensor]) -> None:
    each = found(lambda picture: 0 * picture + 0.5, pictures)
    assert (each.diffusion_index, each.missing, each.rain_density) == (None, None, None)


def test_the_detector_counts_gradients_within_the_window() -> None:
    edge = torch.zeros(1, 3, 20, 20)
    edge[..., 10:] = 0.5
    assert float(structure(edge, 4, 6, WINDOW)) == pytest.approx(3 * (WINDOW - 1) * 0.5, rel=1e-3)
    assert float(structure(edge, 4, 11, WINDOW)) == pytest.approx(0, abs=1e-3)


def test_the_index_grows_with_the_pixels_that_share() -> None:
    indices = [diffusion_index(torch.arange(100).reshape(10, 10).ge(100 - most).float()) for most in (1, 10, 50, 100)]
    assert indices == [1.0, 10.0, 50.0, 100.0]
