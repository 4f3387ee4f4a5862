"""Backgrounds without a camera: pictures with the statistics of photographs, as a pure function of (seed, index)."""

from derain.painting.picture import generate, paint
from derain.painting.scenes import KINDS

__all__ = ["KINDS", "generate", "paint"]
