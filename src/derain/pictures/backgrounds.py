"""Sets of background patches cut from photos, and the split of photos into training and held-out ones."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from derain.errors import InputError
from derain.pictures.images import image_size, read_image
from derain.support.randomness import generator

# A photo counts as used up when this many cuts in a row did not pass the content filter.
_MOST_REFUSED_IN_A_ROW = 1000
Cut = tuple[int, int]  # top, left
_log = logging.getLogger("derain")


@dataclass(frozen=True)
class ContentFilter:
    """Refuses patches on which rain teaches or shows nothing: nearly flat ones and those that are mostly white paper,
    where additive rain is lost to clipping.

    Args:
        min_std: least standard deviation of the luma (ITU-R BT.601), in levels of 0..255.
        max_white: largest share (0..1) of pixels with a luma above 245.

    >>> ContentFilter().accepts(np.full((8, 8, 3), 128, np.uint8))
    False
    """

    min_std: float = 5.0
    max_white: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.min_std <= 127.5:
            raise InputError(f"min_std must lie between 0 and 127.5 levels, not {self.min_std}")
        if not 0 <= self.max_white <= 1:
            raise InputError(f"max_white must be a share between 0 and 1, not {self.max_white}")

    def accepts(self, patch: UInt8[np.ndarray, "h w 3"]) -> bool:
        luma = patch @ np.array([0.299, 0.587, 0.114], np.float32)
        return bool(luma.std() >= self.min_std and (luma > 245).mean() <= self.max_white)


class Source(NamedTuple):
    """The place of a patch: the photo's file name and the patch's upper left corner, in pixels."""

    photo: str
    top: int
    left: int


@dataclass(frozen=True, eq=False)
class PatchSet:
    """Background patches, RGB levels 0..255.

    Args:
        patches: in the order in which they were taken, so that the first n are the set of count n.
        photos: number of distinct photos they come from.
        content_hash: SHA-256 of the shape and the patches, in hexadecimal.
        sources: where each patch was cut.
    """

    patches: UInt8[np.ndarray, "count 3 size size"]
    photos: int
    content_hash: str
    sources: tuple[Source, ...]

    def by_photo(self) -> dict[str, str]:
        """SHA-256 of the patches of every photo, by its file name."""
        hashes: defaultdict[str, Any] = defaultdict(sha256)
        for source, patch in zip(self.sources, self.patches, strict=True):
            hashes[source.photo].update(patch.tobytes())
        return {photo: content.hexdigest() for photo, content in sorted(hashes.items())}


def load_patches(
    photos: list[Path],
    count: int,
    size: int,
    seed: int,
    content_filter: ContentFilter | None = None,
    skip_bad: bool = False,
) -> PatchSet:
    """Cut `count` square patches of `size` pixels: photos shuffled by the seed, then one patch from each in turn.

    First come cuts that do not overlap; when those of all photos are used up, overlapping ones at distinct random
    positions. So 8 patches are 8 photos where there are 8, and a set is a prefix of every larger one of the same seed.
    The order in which `photos` are listed does not matter.

    Memory is the result and one decoded photo; a content filter may decode a photo several times.

    Args:
        photos: files, such as those of `list_images`.
        content_filter: only patches that it accepts are taken.
        skip_bad: leave out, with a logged note, photos that cannot be read or are smaller than a patch.

    Raises:
        InputError: a photo is bad, or `count` is more than what can be cut.
    """
    if count < 1 or size < 1:
        raise InputError(f"the number of patches ({count}) and their size ({size}) must be at least 1")
    sizes = _sizes(photos, size, seed, skip_bad)
    paths = list(sizes)
    # Cuts that every photo has left to give: without overlap, and overlapping at other positions.
    grid = [(height // size) * (width // size) for height, width in sizes.values()]
    positions = [(height - size + 1) * (width - size + 1) for height, width in sizes.values()]
    capacities = [grid, [every - apart for every, apart in zip(positions, grid, strict=True)]]

    complete = False
    while not complete:
        available = sum(map(sum, capacities))
        if available < count:
            only = "at most" if content_filter else "only"
            raise InputError(
                f"{only} {available} patches of {size} x {size} pixels can be cut from {len(paths)} photos, not {count}"
            )
        patches = _empty(count, size)
        sources: dict[int, Source] = {}
        slots: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for slot, (phase, index) in enumerate(islice(_turns(capacities), count)):
            slots[index][phase].append(slot)
        # Only now do we learn that a photo is broken, or has too few cuts that pass the filter. Then correct its
        # capacity and take the turns again. Capacities that are never reached may stay wrong.
        complete = True
        for index, slots_of_photo in slots.items():
            path = paths[index]
            try:
                image = read_image(path)
            except InputError as error:
                _leave_out(error, skip_bad)
                capacities[0][index] = capacities[1][index] = 0
                complete = False
                continue
            for phase, cuts in enumerate(_cuts(path.name, sizes[path], size, seed)):
                wanted = slots_of_photo[phase]
                taken = _take(image, cuts, len(wanted), size, content_filter)
                if len(taken) < len(wanted):
                    capacities[phase][index] = len(taken)
                    complete = False
                for slot, (top, left) in zip(wanted, taken, strict=False):
                    patches[slot] = image[top : top + size, left : left + size].transpose(2, 0, 1)
                    sources[slot] = Source(path.name, top, left)

    content = sha256(str(patches.shape).encode())
    content.update(patches.data)
    return PatchSet(patches, len(slots), content.hexdigest(), tuple(sources[slot] for slot in range(count)))


def whole_photos(photos: Iterable[Path], size: int, most: int) -> int:
    """Number of photos that can be read and are no smaller than a patch; no more are read once there are `most`."""
    found = 0
    for photo in photos:
        if found == most:
            break
        with suppress(InputError):
            found += min(read_image(photo).shape[:2]) >= size
    return found


def split_photos(photos: list[Path], held_out: int, seed: int) -> tuple[list[Path], list[Path]]:
    """Split photos into those to train on and `held_out` others, both sorted by name.

    The order in which `photos` are listed does not matter, and a larger `held_out` holds out the same ones and more.

    Raises:
        InputError: nothing would be left to train on.

    >>> training, held_out = split_photos([Path(f"{number}.jpg") for number in range(5)], held_out=2, seed=0)
    >>> len(training), len(held_out), set(training) & set(held_out)
    (3, 2, set())
    """
    ordered = _by_name(photos)
    if not 0 <= held_out < len(ordered):
        raise InputError(f"cannot hold out {held_out} of {len(ordered)} photos and train on the rest")
    shuffled = generator(seed, "backgrounds", "held out").permutation(len(ordered))
    chosen = {ordered[index] for index in shuffled[:held_out]}
    return [path for path in ordered if path not in chosen], [path for path in ordered if path in chosen]


def _by_name(photos: list[Path]) -> list[Path]:
    """Each once, whatever links lead to it."""
    found: dict[str, Path] = {}
    for path in sorted(photos, key=lambda path: (path.name, str(path))):
        found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _sizes(photos: list[Path], size: int, seed: int, skip_bad: bool) -> dict[Path, tuple[int, int]]:
    """(height, width) of the photos of which patches can be cut, shuffled by the seed."""
    ordered = _by_name(photos)
    sizes = {}
    # All are shuffled, the bad ones too, so that leaving some out does not change the order of the others.
    for index in generator(seed, "backgrounds", "photos").permutation(len(ordered)):
        path = ordered[index]
        try:
            height, width = image_size(path)
            if min(height, width) < size:
                raise InputError(f"{path} has {width} x {height} pixels, less than a patch of {size} x {size}")
            sizes[path] = (height, width)
        except InputError as error:
            _leave_out(error, skip_bad)
    return sizes


def _empty(count: int, size: int) -> UInt8[np.ndarray, "count 3 size size"]:
    try:
        return np.empty((count, 3, size, size), np.uint8)
    except MemoryError as error:
        gib = count * 3 * size**2 / 2**30
        raise InputError(f"{count} patches of {size} x {size} pixels need {gib:.1f} GiB of memory") from error


def _leave_out(error: InputError, skip_bad: bool) -> None:
    if not skip_bad:
        raise error
    _log.warning("left out: %s", error)


def _turns(capacities: list[list[int]]) -> Iterator[tuple[int, int]]:
    """(phase, photo) of one turn after the other: in every phase the photos in order, round after round, as long as
    their capacities last.
    """
    for phase, capacity in enumerate(capacities):
        turn, photos = 0, list(range(len(capacity)))
        while photos := [photo for photo in photos if turn < capacity[photo]]:
            yield from ((phase, photo) for photo in photos)
            turn += 1


def _cuts(name: str, extent: tuple[int, int], size: int, seed: int) -> tuple[Iterator[Cut], Iterator[Cut]]:
    """The cuts of a photo in the order in which they are taken: without overlap, on a grid of random offset; then at
    all other positions.
    """
    height, width = extent
    rng = generator(seed, "backgrounds", "cuts", name)
    rows, columns = height // size, width // size
    top, left = rng.integers(height % size + 1), rng.integers(width % size + 1)
    grid = [
        (int(top) + int(cell) // columns * size, int(left) + int(cell) % columns * size)
        for cell in rng.permutation(rows * columns)
    ]

    def overlapping() -> Iterator[Cut]:
        seen = set(grid)
        while len(seen) < (height - size + 1) * (width - size + 1):
            cut = (int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1)))
            if cut not in seen:
                seen.add(cut)
                yield cut

    return iter(grid), overlapping()


def _take(
    image: UInt8[np.ndarray, "h w 3"], cuts: Iterator[Cut], wanted: int, size: int, content_filter: ContentFilter | None
) -> list[Cut]:
    """The first cuts, at most `wanted`, that pass the filter."""
    if content_filter is None:
        return list(islice(cuts, wanted))
    taken: list[Cut] = []
    refused_in_a_row = 0
    while len(taken) < wanted and refused_in_a_row < _MOST_REFUSED_IN_A_ROW and (cut := next(cuts, None)):
        top, left = cut
        if content_filter.accepts(image[top : top + size, left : left + size]):
            taken.append(cut)
            refused_in_a_row = 0
        else:
            refused_in_a_row += 1
    return taken


@dataclass(frozen=True)
class Category:
    """Photos of one kind; the content filter is that of `derain.pictures.backgrounds.ContentFilter`."""

    train: tuple[Path, ...]
    """Folders of photos to train on."""
    test: tuple[Path, ...] = ()
    """Folders of photos to test on."""
    min_std: float = 0.0
    max_white: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        ContentFilter(self.min_std, self.max_white)  # refuses what makes no sense


def photo_sizes(photos: Sequence[Path], skip_bad: bool) -> list[tuple[int, int]]:
    """(height, width) of the photos; with `skip_bad` without those that are broken."""
    sizes = []
    for photo in photos:
        try:
            # A truncated photo shows only when it is read.
            if skip_bad:
                height, width, _ = read_image(photo).shape
                sizes.append((height, width))
            else:
                sizes.append(image_size(photo))
        except InputError:
            if not skip_bad:
                raise
    return sizes
