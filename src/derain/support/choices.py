"""The choices that the library and the command line share. Free of torch, so that the command line answers at once."""

from typing import Literal

Recipe = Literal["paper", "corrected"]
"""Rendering of streaks: as the public code does it, or with the turning about the true centre."""

Convention = Literal["names", "rain100l", "rain200", "rain12", "rain1400", "spa", "rainds", "gtrain"]
"""Names of the pictures of a set (docs/how-to/data.md)."""

Match = Convention | tuple[str, str]
"""Rule by which rainy and clean pictures find each other: a set's convention, or patterns of rainy and clean names."""

Precision = Literal["float32", "bfloat16"]
"""Numbers in which a training computes the network's products."""

Engine = Literal["auto", "torch", "onnxruntime"]
"""The program that runs a network."""

ComplexityMethod = Literal["bagrov", "fourier"]
"""Way to make pictures coarser: averages over blocks (Bagrov et al. 2020) or filters (Kravchenko et al. 2024)."""

ScaleName = Literal["paper", "gpu", "cpu"]
"""Size of the trainings of a study."""

Residual = Literal["rain", "local", "everywhere"]
"""Kinds of the difference between a degraded and a clean picture, for the figures that measure it.

"rain": it adds light, in some pixels; where a pixel is darker, that counts as picture. "local": it changes some pixels,
brighter or darker. "everywhere": it changes all, so there is no background to keep.
"""
