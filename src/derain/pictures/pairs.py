"""Rainy and clean pictures of two folders, matched by their names."""

import re
from dataclasses import dataclass
from pathlib import Path

from derain.errors import InputError, one_of
from derain.pictures.formats import SUFFIXES
from derain.pictures.images import image_size, list_images
from derain.support.choices import Convention, Match

# The names, without suffix, of rainy and of clean pictures; a pair has equal groups. Other files are left out, so both
# may lie in one folder, as they do in some releases of these sets.
_NAMES: dict[Convention, tuple[str, str]] = {
    "names": (r"(.+)", r"(.+)"),
    "rain100l": (r"rain-(.+)", r"norain-(.+)"),
    "rain200": (r"norain-(.+)x2", r"norain-(\d+)"),
    "rain12": (r"(.+)_in", r"(.+)_GT"),
    "rain1400": (r"(.+)_\d+", r"(?!.+_\d+[.][^.]+$)(.+)"),
    "spa": (r"(\d+)", r"(\d+)gt"),
    "rainds": (r"((?:pie-)?)(?:rain|rd|rd-rain)-(\d+)", r"((?:pie-)?)norain-(\d+)"),
    "gtrain": (r"(.+)-R-\d+", r"(.+)-C-000"),
}


@dataclass(frozen=True)
class Pair:
    """A rainy picture and the clean one behind it; `name` is the rainy file's name without suffix."""

    name: str
    rainy: Path
    clean: Path


def match_pairs(rainy: Path, clean: Path, match: Match = "names") -> list[Pair]:
    """The pairs of two folders, sorted by name as text, each of one size.

    Args:
        rainy: folder of rainy pictures.
        clean: folder of clean pictures.
        match: "names": equal names, suffixes may differ. "rain100l": rain-001.png with norain-001.png.
            "rain1400": several rainy pictures to a clean one, 901_1.jpg .. 901_14.jpg with 901.jpg.
            docs/how-to/data.md has the others. Or two patterns of the names of rainy and of clean pictures: "{name}"
            stands for what a pair has in common, "*" for anything; without a picture's suffix any suffix will do.

    Raises:
        InputError: an unknown convention, a pattern without {name}, a folder holds no picture of it, a picture is
            without its partner or has two, two pictures of a folder differ only in suffix, or the sizes in the headers
            of a pair differ.
    """
    rainy_pictures, clean_pictures = (
        _keyed(folder, names, match) for folder, names in zip((rainy, clean), _expressions(match), strict=True)
    )
    clean_of: dict[tuple[str, ...], Path] = {}
    for path, key in clean_pictures.items():
        if key in clean_of:
            raise InputError(f"{path} and {clean_of[key].name} are both the clean picture of one pair by {match!r}")
        clean_of[key] = path

    for path, key in rainy_pictures.items():
        if key not in clean_of:
            raise InputError(f"{path} has no clean picture in {clean} (matched by {match!r})")
    for key in sorted(clean_of.keys() - set(rainy_pictures.values())):
        raise InputError(f"{clean_of[key]} has no rainy picture in {rainy} (matched by {match!r})")

    pairs = [Pair(path.stem, path, clean_of[key]) for path, key in rainy_pictures.items()]
    for pair in pairs:
        (height, width), (clean_height, clean_width) = image_size(pair.rainy), image_size(pair.clean)
        if (height, width) != (clean_height, clean_width):
            raise InputError(
                f"{pair.rainy} has {width} x {height} pixels, but {pair.clean} has {clean_width} x {clean_height}"
            )
    return sorted(pairs, key=lambda pair: pair.name)


def _expressions(match: Match) -> tuple[str, str]:
    """Regular expressions of the rainy and of the clean names, with what identifies a pair in groups."""
    if isinstance(match, str):
        one_of(match, _NAMES, "convention of names")
        rainy, clean = (f"{names}(?:[.][^.]+)" for names in _NAMES[match])
        return rainy, clean
    rainy, clean = map(_expression, match)
    return rainy, clean


def _expression(pattern: str) -> str:
    if pattern.count("{name}") != 1:
        raise InputError(f"the pattern {pattern!r} must have {{name}} once, for what a pair's names have in common")
    suffix = "" if Path(pattern).suffix.lower() in SUFFIXES else "(?:[.][^.]+)"
    return re.escape(pattern).replace(re.escape("{name}"), "(.+)").replace(re.escape("*"), ".*") + suffix


def _keyed(folder: Path, names: str, match: Match) -> dict[Path, tuple[str, ...]]:
    """The pictures of `folder` whose names follow the pattern `names`, with what identifies their pair."""
    found: dict[str, Path] = {}
    keys: dict[Path, tuple[str, ...]] = {}
    images = list_images(folder)
    for path in images:
        if matched := re.fullmatch(names, path.name):
            if path.stem in found:
                raise InputError(f"{path} and {found[path.stem].name} differ only in suffix")
            found[path.stem] = path
            keys[path] = matched.groups()
    if not keys:
        raise InputError(f"no picture in {folder} is named as {match!r} expects; the first is {images[0].name}")
    return keys
