"""Pictures of any size, tile by tile: where the tiles lie, and how their results are put together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8, UInt16
from torch import Tensor

from derain.errors import InputError
from derain.networks.base import Descriptor

_BLEND_PX = 32


@dataclass(frozen=True)
class Span:
    """Rows or columns that one tile covers, and how much the tile counts in each of them: 0..1."""

    start: int
    stop: int
    weight: Float[Tensor, " n"]


@dataclass(frozen=True)
class Overlap:
    """Overlap of tiles.

    Attributes:
        margin_px: what a tile covers beyond its own part, on each side.
        ramp_px: breadth, around the border of two parts, in which the one's result passes into the other's; 0: at once.
    """

    margin_px: int
    ramp_px: int


def overlap(descriptor: Descriptor, tile_px: int) -> Overlap:
    """The overlap of tiles of about `tile_px` squared.

    Half of the receptive field, where the network has one and four times that fit: no pixel of the result then depends
    on what its tile does not see. Otherwise tiles overlap by 64 px and are blended in the middle of that.

    Raises:
        InputError: even blended tiles would be mostly overlap.

    >>> unet = Descriptor("", smallest_size_px=1, size_multiple_px=8, receptive_field_px=103, stages=1)
    >>> overlap(unet, 512), overlap(unet, 200)
    (Overlap(margin_px=56, ramp_px=0), Overlap(margin_px=32, ramp_px=32))
    """
    blended = _up(_BLEND_PX, descriptor.size_multiple_px)
    exact = _up(descriptor.receptive_field_px // 2, descriptor.size_multiple_px)
    if descriptor.receptive_field_px and 4 * exact <= tile_px:
        return Overlap(exact, 0)
    if 4 * blended <= tile_px:
        return Overlap(blended, blended)
    least = 4 * (min(exact, blended) if descriptor.receptive_field_px else blended)
    raise InputError(f"tiles must have a side of at least {least} px for this network, not {tile_px}")


def part_size(height: int, width: int, tile_px: int, margin_px: int, multiple: int) -> tuple[int, int]:
    """(height, width) of the parts by which the fewest pixels are seen twice while no tile exceeds `tile_px` squared.

    A part is what a tile covers without its margins, a multiple of `multiple`, or the whole side.

    >>> part_size(1080, 1920, tile_px=1100, margin_px=56, multiple=8)
    (1080, 960)
    """
    best, least_seen = (0, 0), float("inf")
    for count in range(1, height // multiple + 2):
        rows = _part(height, count, multiple)
        columns = width
        most_columns = tile_px**2 // _tile(height, rows, margin_px)
        if most_columns < width:
            most_columns = (most_columns - 2 * margin_px) // multiple * multiple
            if most_columns < multiple:
                continue
            columns = _part(width, -(-width // most_columns), multiple)
        seen = _seen(height, rows, margin_px) * _seen(width, columns, margin_px)
        if seen < least_seen:
            best, least_seen = (rows, columns), seen
    return best


def spans(size_px: int, part_px: int, overlap: Overlap) -> list[Span]:
    """Tiles along one side; in every row or column their weights add up to 1.

    >>> [(each.start, each.stop) for each in spans(100, 48, Overlap(margin_px=16, ramp_px=0))]
    [(0, 64), (32, 100), (80, 100)]
    """
    result = []
    for begin in range(0, size_px, part_px):
        end = begin + part_px
        start, stop = max(begin - overlap.margin_px, 0), min(end + overlap.margin_px, size_px)
        positions = torch.arange(start, stop) + 0.5
        rise = _step(positions, begin, overlap.ramp_px) if begin else torch.ones(len(positions))
        fall = _step(positions, end, overlap.ramp_px) if end < size_px else torch.zeros(len(positions))
        result.append(Span(start, stop, rise - fall))
    return result


def tiled(
    picture: UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"],
    rows: list[Span],
    columns: list[Span],
    see: Callable[[np.ndarray], Float[Tensor, "_ _ 3"]],
    device: torch.device,
) -> Iterator[tuple[int, Float[Tensor, "_ _ 3"]]]:
    """Run `see` on the picture's tiles and join them on the device; only one row of tiles is in memory.

    Yields:
        after every row of tiles, the rows of the picture that are finished, and where they begin.
    """
    width = picture.shape[1]
    carried = torch.zeros(0, width, 3, device=device)
    for index, row in enumerate(rows):
        band = torch.zeros(row.stop - row.start, width, 3, device=device)
        band[: len(carried)] = carried
        for column in columns:
            seen = see(picture[row.start : row.stop, column.start : column.stop])
            weight = (row.weight[:, None, None] * column.weight[:, None]).to(device)
            band[:, column.start : column.stop] += seen * weight
        # The beginning of the next row of tiles is not finished yet.
        finished = rows[index + 1].start - row.start if index + 1 < len(rows) else len(band)
        yield row.start, band[:finished]
        carried = band[finished:].clone()


def _step(positions: Tensor, place: int, ramp_px: int) -> Tensor:
    if not ramp_px:
        return (positions > place).float()
    return ((positions - place) / ramp_px + 0.5).clamp(0, 1)


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _part(size: int, count: int, multiple: int) -> int:
    return size if count == 1 else min(_up(-(-size // count), multiple), size)


def _tile(size: int, part: int, margin: int) -> int:
    """The largest tile along a side."""
    return min(part + (1 if 2 * part >= size else 2) * margin, size)


def _seen(size: int, part: int, margin: int) -> int:
    """All tiles along a side together, about."""
    return size + 2 * margin * (-(-size // part) - 1)
