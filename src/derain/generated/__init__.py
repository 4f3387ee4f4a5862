"""Backgrounds without a camera: pictures with the statistics of photographs, as a pure function of (seed, index)."""

from derain.generated.picture import generate, paint
from derain.generated.scenes import KINDS

__all__ = ["KINDS", "generate", "paint"]
