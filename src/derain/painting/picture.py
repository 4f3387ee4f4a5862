"""One generated picture, and folders of them."""

from collections.abc import Callable
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from derain.errors import InputError
from derain.painting.camera import exposed, recorded
from derain.painting.scenes import KINDS, scene
from derain.pictures.images import read_image, write_image
from derain.support.files import make_folder
from derain.support.randomness import generator
from derain.support.records import OwnedFolder
from derain.support.workers import worker_pool

OVERSAMPLING = 2
SMALLEST_PX = 32
_LARGEST_PX = 14_142  # of larger ones `read_image` thinks that they are no photos


def generate(index: int, size_px: int = 256, seed: int = 0) -> UInt8[np.ndarray, "{size_px} {size_px} 3"]:
    """Picture `index` of those that a seed has; the kinds of `KINDS` take turns.

    It is drawn at twice the size and averaged down, so that edges are as soft as a lens makes them.

    Args:
        index: from 0 up.
        size_px: side of the picture, 32 at least. Other sizes show other things, not the same ones larger.
        seed: from 0 up.

    Returns:
        levels 0..255, RGB.

    Raises:
        InputError: one of them is out of its range.

    >>> generate(3, size_px=64).shape
    (64, 64, 3)
    """
    _check_size(size_px)
    if index < 0:
        raise InputError(f"generated pictures are numbered from 0, so there is no {index}")
    rng = generator(seed, "generated", index)
    kind = list(KINDS)[index % len(KINDS)]
    return recorded(exposed(scene(kind, OVERSAMPLING * size_px, rng), rng), OVERSAMPLING, rng)


def paint(
    out: Path,
    number: int,
    size_px: int = 256,
    seed: int = 0,
    workers: int = 1,
    report: Callable[[int, int], None] = lambda done, pictures: None,
) -> list[Path]:
    """Write pictures 0 to `number` - 1 of a seed as OUT/generated-00000.png and on; return all of them.

    Pictures that are there and whole are left alone, so the same call goes on after an interruption. OUT/generated.json
    keeps the seed and the size; without it pictures that are there are not overwritten.

    Args:
        out: folder; it is made.
        number: of pictures, 1 at least.
        size_px, seed: as of `generate`.
        workers: processes.
        report: called with the number of pictures done and their total.

    Raises:
        InputError: bad numbers, a folder that cannot be written, or one that holds pictures of another seed or size, or
            of these names without a record.
    """
    if number < 1 or workers < 1:
        raise InputError(f"the numbers of pictures ({number}) and of workers ({workers}) must be at least 1")
    _check_size(size_px)
    generator(seed)  # names a bad seed before anything is written
    paths = [out / f"generated-{index:05d}.png" for index in range(number)]
    _claim(make_folder(out), {"seed": seed, "size_px": size_px}, paths)
    missing = [index for index, path in enumerate(paths) if not _is_whole(path, size_px)]
    report(number - len(missing), number)
    with worker_pool(workers) as pool:
        tasks = [pool.submit(_paint_one, paths[index], index, size_px, seed) for index in missing]
        for done, task in enumerate(as_completed(tasks), start=number - len(missing) + 1):
            task.result()
            report(done, number)
    return paths


def _check_size(size_px: int) -> None:
    if size_px < SMALLEST_PX:
        raise InputError(f"the size of generated pictures must be at least {SMALLEST_PX} px, not {size_px}")
    if size_px > _LARGEST_PX:
        raise InputError(f"the size of generated pictures must be at most {_LARGEST_PX} px, not {size_px}")


def _paint_one(path: Path, index: int, size_px: int, seed: int) -> None:
    try:
        write_image(path, generate(index, size_px, seed))
    except MemoryError as error:
        raise InputError(f"a picture of {size_px} x {size_px} pixels does not fit into memory") from error


def _claim(out: Path, settings: dict[str, int], paths: list[Path]) -> None:
    """Make sure that all pictures of a folder are of one seed and size, and that none of `paths` is someone else's."""
    folder = OwnedFolder(out, "generated.json", "derain paint")
    found, names = folder.read(dict), [path.name for path in paths]
    if found not in (None, settings):
        raise InputError(f"{out} holds other generated pictures ({found}, not {settings}); choose another folder")
    folder.claim_files(names, names if found else ())
    if found is None:
        folder.write(settings)


def _is_whole(path: Path, size_px: int) -> bool:
    try:
        return path.exists() and read_image(path).shape == (size_px, size_px, 3)
    except InputError:
        return False
