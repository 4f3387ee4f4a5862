"""The choices that the library and the command line share. Free of torch, so that the command line answers at once."""

from typing import Literal

Recipe = Literal["paper", "corrected"]
"""How streaks are rendered: as the public code does it, or with the turning about the true centre."""

Convention = Literal["names", "rain100l", "rain200", "rain12", "rain1400", "spa", "rainds", "gtrain"]
"""How the pictures of a set are named (docs/how-to/data.md)."""

Match = Convention | tuple[str, str]
"""How rainy and clean pictures find each other: by a set's convention, or by patterns of rainy and of clean names."""

Precision = Literal["float32", "bfloat16"]
"""Numbers in which a training computes the network's products."""

Engine = Literal["auto", "torch", "onnxruntime"]
"""The program that runs a network."""

ComplexityMethod = Literal["bagrov", "fourier"]
"""How pictures are made coarser: averages over blocks (Bagrov et al. 2020) or filters (Kravchenko et al. 2024)."""

ScaleName = Literal["paper", "gpu", "cpu"]
"""How large the trainings of a study are."""
