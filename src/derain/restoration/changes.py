"""Changes of a restored photo without a known truth: how much, where, and how much of it rain can explain."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

THRESHOLD_LEVELS = 10.0
"""A pixel counts as changed beyond this, at full strength, as rain counts in the masks of E_R."""

LITTLE = 0.03
"""With a smaller share of the pixels changed, hardly anything was found."""

UNLIKE = 0.01
"""With a larger share of the change unlike rain, the network may have changed the picture itself."""

NO_PROMISE = "No warning does not mean no damage: grey damage looks like rain, so look at the map."
"""For wherever warnings are shown: most pictures with damage get none."""

_BRIGHTEST_ON_MAP = 48.0
_YELLOW, _MAGENTA = np.array([255, 225, 90], np.float32), np.array([255, 60, 220], np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Changes:
    """Figures of one restored photo.

    Rain adds the same light to all channels, O = B + R with R >= 0. So a part of what was taken away can be told to be
    no rain without knowing B: what is coloured, and what is darker than the result. White pixels are left out, because
    light that is cut off there differs between channels.

    Attributes:
        mean_levels: mean absolute change, 0..255.
        share: of the pixels, those changed by more than 10 levels times the strength in a channel.
        unlike_rain: of the squared change, the share that no rain explains.
        strength: with which it was restored.
    """

    mean_levels: float
    share: float
    unlike_rain: float
    strength: float = 1.0

    def warnings(self) -> list[str]:
        """The cautions for a person, a sentence each; docs/how-to/restore.md has how often they are right.

        >>> Changes(mean_levels=0.4, share=0.01, unlike_rain=0.001).warnings()
        ['hardly anything was taken away: there is no rain, or rain that this model does not know (strong removes more
        than balanced: --model strong)']
        """
        found = []
        if self.strength > 0 and self.share < LITTLE:
            found.append(
                "hardly anything was taken away: there is no rain, or rain that this model does not know "
                "(strong removes more than balanced: --model strong)"
            )
        if self.unlike_rain > UNLIKE:
            found.append("part of what was taken away is coloured or dark, as rain is not: look for damage")
        return found

    def in_words(self) -> str:
        """The figures as a line.

        >>> Changes(mean_levels=2.0, share=0.1, unlike_rain=0.001).in_words()
        '10.0 % of the pixels changed by more than 10 levels, 2.0 levels on average, 0.1 % of the change unlike rain'
        """
        strength = "" if self.strength == 1 else f", strength {self.strength:g}"
        threshold = THRESHOLD_LEVELS * self.strength
        return (
            f"{100 * self.share:.1f} % of the pixels changed by more than {threshold:g} levels, "
            f"{self.mean_levels:.1f} levels on average, "
            f"{100 * self.unlike_rain:.1f} % of the change unlike rain{strength}"
        )

    def to_json(self) -> dict[str, Any]:
        """The attributes, rounded."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


def find_changes(
    photo: UInt8[np.ndarray, "h w 3"], restored: UInt8[np.ndarray, "h w 3"], strength: float = 1.0
) -> Changes:
    """The figures of a photo and what a network made of it with `strength`; RGB, 0..255.

    >>> photo = np.full((4, 4, 3), 100, np.uint8)
    >>> find_changes(photo, photo - np.uint8(20))
    Changes(mean_levels=20.0, share=1.0, unlike_rain=0.0, strength=1.0)
    """
    squares = unlike = absolute = 0.0
    changed = 0
    for rows, result in _strips(photo, restored):
        taken, like = _taken(rows, result)
        absolute += float(np.abs(taken).sum())
        changed += int((np.abs(taken).max(2) > THRESHOLD_LEVELS * strength).sum())
        seen = rows.max(2) < 255
        squares += float(np.square(taken[seen]).sum())
        unlike += float(np.square(taken - like[:, :, None])[seen].sum())
    pixels = photo.shape[0] * photo.shape[1]
    return Changes(absolute / (3 * pixels), changed / pixels, unlike / squares if squares else 0.0, strength)


def draw_changes(photo: UInt8[np.ndarray, "h w 3"], restored: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """A map on the darkened photo: yellow where light was taken away as rain adds it, magenta where it was otherwise.

    The colours are full at a change of 48 levels.
    """
    drawn = np.empty_like(photo)
    done = 0
    for rows, result in _strips(photo, restored):
        taken, like = _taken(rows, result)
        unlike = np.abs(taken - like[:, :, None]).max(2)
        ground = 0.35 * (result.astype(np.float32) @ _LUMA)[:, :, None]
        for amount, colour in ((like, _YELLOW), (unlike, _MAGENTA)):
            cover = (amount / _BRIGHTEST_ON_MAP).clip(0, 1)[:, :, None]
            ground = ground + cover * (colour - ground)
        drawn[done : done + len(rows)] = ground.round().astype(np.uint8)
        done += len(rows)
    return drawn


def _taken(photo: UInt8[np.ndarray, "h w 3"], restored: UInt8[np.ndarray, "h w 3"]) -> tuple[np.ndarray, np.ndarray]:
    """The change, (h, w, 3), and the part of it that rain can explain, the same in all channels, (h, w)."""
    taken = photo.astype(np.float32) - restored
    return taken, taken.mean(2).clip(min=0)


def _strips(
    photo: UInt8[np.ndarray, "h w 3"], restored: UInt8[np.ndarray, "h w 3"], rows: int = 256
) -> Iterable[tuple[UInt8[np.ndarray, "_ w 3"], UInt8[np.ndarray, "_ w 3"]]]:
    """Both in strips, so that a large photo is never there as floats."""
    for start in range(0, len(photo), rows):
        yield photo[start : start + rows], restored[start : start + rows]
