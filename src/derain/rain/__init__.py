"""Rain: ranges and their samplers, streaks by either recipe, lines, recovered streaks, mixtures, and composition."""

from derain.rain.bank import RainBank
from derain.rain.composition import compose, rain_mask
from derain.rain.lines import Lines
from derain.rain.mixture import Family, Rain
from derain.rain.presets import PRESETS, load_rain
from derain.rain.ranges import LARGE, MEDIUM, SMALL, RainRange, StreakParameters
from derain.rain.recovered import Recovered
from derain.rain.streaks import Streaks, render_streaks, sample_noise

__all__ = [
    "LARGE",
    "MEDIUM",
    "PRESETS",
    "SMALL",
    "Family",
    "Lines",
    "Rain",
    "RainBank",
    "RainRange",
    "Recovered",
    "StreakParameters",
    "Streaks",
    "compose",
    "load_rain",
    "rain_mask",
    "render_streaks",
    "sample_noise",
]
