"""Tiles together cover the picture once, see enough, and leave no seams."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from derain.errors import InputError
from derain.networks import NETWORKS, build, parse
from derain.networks.base import Descriptor, Network
from derain.restoration.tiles import Overlap, overlap, part_size, spans, tiled

Small = Callable[[str], Network]


def picture(height: int, width: int) -> np.ndarray:
    """Smooth, as photographs are, with some noise."""
    rows, columns = np.mgrid[:height, :width]
    waves = 120 + 60 * np.sin(rows / 17) + 50 * np.cos(columns / 23)
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 3))
    return (waves[..., None] + noise).clip(0, 255).astype(np.uint8)


def whole(network: torch.nn.Module, rgb: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        return network(torch.from_numpy(rgb).movedim(-1, 0)[None].float() / 255)[0].movedim(0, -1)


def in_tiles(network: torch.nn.Module, rgb: np.ndarray, part: tuple[int, int], over: Overlap) -> torch.Tensor:
    rows, columns = (spans(side, length, over) for side, length in zip(rgb.shape[:2], part, strict=True))
    assert len(rows) > 1
    assert len(columns) > 1
    pieces = list(tiled(rgb, rows, columns, lambda tile: whole(network, tile), torch.device("cpu")))
    assert [first for first, _ in pieces] == [row.start for row in rows]
    return torch.cat([finished for _, finished in pieces])


@given(size=st.integers(1, 300), parts=st.integers(1, 9), margin=st.integers(0, 5), ramp=st.booleans())
def test_weights_add_up_to_one_everywhere(size: int, parts: int, margin: int, ramp: bool) -> None:
    over = Overlap(8 * margin, 8 * margin if ramp else 0)
    total = torch.zeros(size)
    for span in spans(size, 8 * parts, over):
        assert 0 <= span.start < span.stop <= size
        assert span.weight.min() >= -1e-6
        total[span.start : span.stop] += span.weight
    assert torch.allclose(total, torch.ones(size), atol=1e-5)


@given(height=st.integers(1, 2000), width=st.integers(1, 2000), tile=st.integers(300, 900))
def test_no_tile_has_more_pixels_than_asked_for(height: int, width: int, tile: int) -> None:
    over = Overlap(56, 0)
    part = part_size(height, width, tile, over.margin_px, 8)
    rows, columns = (spans(side, length, over) for side, length in zip((height, width), part, strict=True))
    largest = max(row.stop - row.start for row in rows) * max(column.stop - column.start for column in columns)
    assert largest <= tile**2
    assert all(span.start % 8 == 0 for span in rows + columns)


def test_a_picture_that_fits_is_one_tile() -> None:
    assert part_size(480, 640, tile_px=600, margin_px=56, multiple=8) == (480, 640)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(137, 150), (128, 160)])
def test_where_the_overlap_covers_the_receptive_field_nothing_changes(
    small: Small, name: str, size: tuple[int, int]
) -> None:
    network = small(name)
    if not network.descriptor.receptive_field_px:
        pytest.skip(f"{name} sees the whole picture")
    over = overlap(network.descriptor, 10_000)
    assert over.ramp_px == 0
    rgb = picture(*size)
    multiple = network.descriptor.size_multiple_px
    part = -(-40 // multiple) * multiple
    assert torch.allclose(in_tiles(network, rgb, (part, part), over), whole(network, rgb), atol=1e-5)


def test_the_unet_of_the_study_too() -> None:
    torch.manual_seed(0)
    network = build(*parse("unet:base=4,levels=4,norm=none,activation=leaky_relu")).eval()
    over = overlap(network.descriptor, 512)
    assert over == Overlap(56, 0)
    rgb = picture(203, 190)
    assert torch.allclose(in_tiles(network, rgb, (64, 72), over), whole(network, rgb), atol=1e-5)


class Darker(torch.nn.Module):
    """As hard as it gets: every pixel depends on all that is seen."""

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        return rainy - rainy.mean(dim=(2, 3), keepdim=True) / 3


def steps(rgb: torch.Tensor) -> torch.Tensor:
    """Between neighbouring rows, in grey levels; changes along the row cancel out."""
    return 255 * rgb.mean(-1).diff(dim=0).mean(1).abs()


@pytest.mark.parametrize("name", [*NETWORKS, "darker"])
def test_blended_tiles_leave_no_seams(small: Small, name: str) -> None:
    network = Darker() if name == "darker" else small(name)
    rgb = picture(200, 216)
    blended, hard = (steps(in_tiles(network, rgb, (64, 64), Overlap(32, ramp))) for ramp in (32, 0))
    borders = torch.tensor([63, 127, 191])
    elsewhere = steps(whole(network, rgb)).max()
    assert blended[borders].max() <= elsewhere
    if name == "darker":
        assert hard[borders].max() > 2 * elsewhere


def test_tiles_that_would_be_mostly_overlap_are_blended_or_refused() -> None:
    far = Descriptor("", smallest_size_px=1, size_multiple_px=1, receptive_field_px=851, stages=1)
    assert overlap(far, 512) == Overlap(32, 32)
    assert overlap(far, 2000) == Overlap(425, 0)
    with pytest.raises(InputError, match="at least 128 px for this network, not 100"):
        overlap(far, 100)
