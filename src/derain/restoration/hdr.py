"""Video of high dynamic range: the values that a network sees, and the data that go along with the picture."""

import struct
from collections.abc import Mapping
from functools import cache

import numpy as np
from jaxtyping import UInt8, UInt16

PQ, HLG = 16, 18
"""Transfer functions (ITU-T H.273)."""
_WHITE_NITS = 203.0  # of paper (ITU-R BT.2408)
_PEAK_NITS = 10_000.0
_WHITE = 0.8  # place of paper's white among the values that a network sees
_LEVELS = 65536
_MASTERING, _LIGHT = "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"
_DYNAMIC = ("DYNAMIC_HDR_PLUS", "DYNAMIC_HDR_VIVID", "DOVI_RPU_BUFFER", "DOVI_METADATA")
Picture = UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"]
Curve = UInt16[np.ndarray, "65536"]


@cache
def shown_curves() -> tuple[Curve, Curve]:
    """Tables from PQ to what a network sees, and back, both of 16 bits.

    Networks know pictures in sRGB. Up to the white of paper (203 nits) they see sRGB at 0.8 of its levels; the
    highlights above it, up to 10,000 nits, are logarithmic in the rest. PQ itself (SMPTE ST 2084) spends half of its
    levels on what is darker than 100 nits, where rain is then too faint for them.

    >>> there, back = shown_curves()
    >>> codes = np.arange(2000, 65536, 1000)
    >>> int(np.abs(back[there[codes]].astype(int) - codes).max()) < 64  # a level of ten bits
    True
    """
    nits = _pq_nits(np.linspace(0, 1, _LEVELS))
    light = nits / _WHITE_NITS
    dark = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.minimum(light, 1) ** (1 / 2.4) - 0.055)
    bright = np.log(np.maximum(light, 1)) / np.log(_PEAK_NITS / _WHITE_NITS)
    seen = (_LEVELS - 1) * np.where(light <= 1, _WHITE * dark, _WHITE + (1 - _WHITE) * bright)
    back = np.interp(np.arange(_LEVELS), seen, np.arange(_LEVELS))
    return np.round(seen).astype(np.uint16), np.round(back).astype(np.uint16)


def _pq_nits(code: np.ndarray) -> np.ndarray:
    """Light of PQ values 0..1 in candela per square metre."""
    power = code ** (32 / 2523)
    light: np.ndarray = (np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
    return _PEAK_NITS * light


def x265_parameters(side_data: Mapping[str, bytes]) -> dict[str, str]:
    """The display that a film was mastered on and its brightest light, as the encoder x265 takes them.

    Args:
        side_data: of a frame, by FFmpeg's names of the kinds.
    """
    return _parameters(side_data, ("master-display", "max-cll"), (50_000, 10_000))


def svtav1_parameters(side_data: Mapping[str, bytes]) -> dict[str, str]:
    """The same as the encoder SVT-AV1 takes it."""
    return _parameters(side_data, ("mastering-display", "content-light"), None)


def _parameters(
    side_data: Mapping[str, bytes], names: tuple[str, str], units: tuple[int, int] | None
) -> dict[str, str]:
    """`units` of colours and of light are whole numbers to a one; None: decimals."""
    parameters = {}
    if _MASTERING in side_data:
        # red, green, blue, white, darkest and brightest light, each number a ratio (AVMasteringDisplayMetadata)
        numbers = struct.unpack_from("=20i", side_data[_MASTERING])
        ratios = [top / bottom if bottom else 0.0 for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
        told = [
            f"{each:.6g}" if units is None else str(round(each * units[place >= 8]))
            for place, each in enumerate(ratios)
        ]
        colours = (
            f"{name}({told[2 * place]},{told[2 * place + 1]})" for name, place in zip("GBR", (1, 2, 0), strict=True)
        )
        parameters[names[0]] = f"{''.join(colours)}WP({told[6]},{told[7]})L({told[9]},{told[8]})"
    if _LIGHT in side_data:
        parameters[names[1]] = ",".join(map(str, struct.unpack_from("=2I", side_data[_LIGHT])))
    return parameters


def is_dynamic(side_data: Mapping[str, bytes]) -> bool:
    """True where a frame has HDR data of its own (Dolby Vision, HDR10+, HDR Vivid)."""
    return any(kind in side_data for kind in _DYNAMIC)
