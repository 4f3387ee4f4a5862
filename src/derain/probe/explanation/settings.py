"""Settings of an explanation. Free of torch, so that the command line answers at once."""

from dataclasses import dataclass
from pathlib import Path

from derain.errors import InputError


@dataclass(frozen=True)
class ExplainSettings:
    """The pictures on which networks are looked into, and the two instruments (docs/how-to/explain.md).

    Raises:
        InputError: fewer than two backgrounds or no rain, or a rain twice; a number is too small; or the window does
            not fit into a background.
    """

    backgrounds: Path
    """Folder of photos that the networks were not trained on."""
    rains: tuple[str, ...] = ("small", "medium", "large", "lines")
    """Rains, of which one layer each is laid on every background: small, medium, large, lines, wide, or TOML files."""
    count: int = 24
    """Backgrounds."""
    size_px: int = 128
    """Side of the backgrounds; rain is rendered at this size."""
    attributed: int = 8
    """Backgrounds whose results are attributed to pixels: the first of them."""
    window_px: int = 16
    """Side of the place whose structure is attributed; it lies where most rain is."""
    sigma_px: float = 1.2
    """Blur at which the path of the attribution begins."""
    steps: int = 50
    """Steps of the path."""
    seed: int = 0
    """Seed of backgrounds, rain and t-SNE."""

    def __post_init__(self) -> None:
        if self.count < 2 or not self.rains:
            raise InputError("an explanation needs at least 2 backgrounds and 1 rain")
        if len(set(self.rains)) < len(self.rains):
            raise InputError("give every rain once")
        if not 1 <= self.attributed <= self.count:
            raise InputError(f"attributed must lie within 1..{self.count}, the number of backgrounds")
        if not 2 <= self.window_px <= self.size_px:
            raise InputError(f"window_px must lie within 2..{self.size_px}, the side of the backgrounds")
        if not 0 < self.sigma_px <= self.size_px / 8 or self.steps < 1:
            raise InputError(f"sigma_px must be above 0 and at most {self.size_px / 8:g}, and steps at least 1")
