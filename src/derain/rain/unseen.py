"""Rains to measure on, not to train on: each lies outside every preset in at least one of its parameters."""

from derain.rain.lines import Lines
from derain.rain.mixture import Rain
from derain.rain.presets import load_rain
from derain.rain.ranges import RainRange
from derain.rain.streaks import Streaks

# Thinner and longer than the lines of any preset.
THREADS = Rain.of("threads", Lines(number=(20.0, 80.0), length_px=(70.0, 110.0), thickness_px=(0.3, 0.5)))

UNSEEN = (
    THREADS,
    # Sparser than Table 1 of the paper; single grains, or wider than there.
    Rain.of("other streaks", Streaks(RainRange((60.0, 150.0), (1, 3, 11), (30, 50), (-40.0, 40.0)), "corrected")),
    # Twice to three times as dense as Table 1.
    Rain.of("heavy", Streaks(RainRange((500.0, 800.0), (3, 5, 7), (20, 50), (-20.0, 20.0)), "corrected")),
    # Short, faint and many.
    Rain.of("drizzle", Lines(number=(600.0, 1500.0), length_px=(3.0, 8.0), level=(0.15, 0.3))),
    # Broad and faint, out of focus.
    Rain.of(
        "veils",
        Lines(
            number=(10.0, 40.0), length_px=(30.0, 90.0), thickness_px=(4.0, 7.0), blur_px=(1.5, 3.0), level=(0.1, 0.3)
        ),
    ),
)


def unseen_beside(rain: Rain) -> Rain:
    """A rain to validate on beside a training: thin lines; where lines are trained on, medium streaks; where both are,
    lines thinner and longer than those of any preset.

    >>> [unseen_beside(load_rain(name)).name for name in ("medium", "lines", "wide")]
    ['lines', 'medium', 'threads']
    """
    kinds = {family.describe()["kind"] for _, family in rain.families}
    if kinds >= {"lines", "streaks"}:
        return THREADS
    return load_rain("medium" if "lines" in kinds else "lines")
