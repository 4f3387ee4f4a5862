"""Rainy and clean pictures of two folders, matched by their names."""

import re
from dataclasses import dataclass
from pathlib import Path

from derain.errors import InputError, one_of
from derain.pictures.images import image_size, list_images
from derain.support.choices import Match

# The names, without suffix, of rainy and of clean pictures; a pair has equal first groups. Other files are left out,
# so both may lie in one folder, as they do in some releases of these sets.
_NAMES: dict[Match, tuple[str, str]] = {
    "names": (r"(.+)", r"(.+)"),
    "rain100l": (r"rain-(.+)", r"norain-(.+)"),
    "rain1400": (r"(.+)_\d+", r"(?!.+_\d+$)(.+)"),
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

    Raises:
        InputError: an unknown convention, a folder holds no picture of it, a picture is without its partner, two
            pictures of a folder differ only in suffix, or the sizes in the headers of a pair differ.
    """
    one_of(match, _NAMES, "convention of names")
    rainy_names, clean_names = _NAMES[match]
    rainy_pictures = _keyed(rainy, rainy_names, match)
    clean_of = {key: path for path, key in _keyed(clean, clean_names, match).items()}

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


def _keyed(folder: Path, names: str, match: Match) -> dict[Path, str]:
    """The pictures of `folder` whose names follow the pattern `names`, with what identifies their pair."""
    found: dict[str, Path] = {}
    keys: dict[Path, str] = {}
    images = list_images(folder)
    for path in images:
        if matched := re.fullmatch(names, path.stem):
            if path.stem in found:
                raise InputError(f"{path} and {found[path.stem].name} differ only in suffix")
            found[path.stem] = path
            keys[path] = matched[1]
    if not keys:
        raise InputError(f"no picture in {folder} is named as {match!r} expects; the first is {images[0].name}")
    return keys
