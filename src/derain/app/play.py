"""Rain of the visitor's making on a picture, what a network makes of it, and the figures that say how well."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import UInt8
from markupsafe import Markup
from torch import Tensor

from derain.evaluation.evaluate import Evaluation, Result, collect
from derain.evaluation.metrics import METRICS, RAIN_METRICS
from derain.painting import generate
from derain.pictures.images import encode_png
from derain.rain import PRESETS, Rain, RainRange, Streaks, compose, load_rain, rain_mask
from derain.restoration.restorer import TiledRestorer
from derain.support.choices import Recipe
from derain.support.pages import image_html, strip_html, table_html
from derain.support.randomness import generator

SAMPLES = {"meadow": 10_016, "houses": 10_005, "stone": 10_009, "leaves": 10_018}
"""Generated pictures by their index, far beyond those that the models in the box are trained on."""

OWN = "own streaks"
"""In place of a preset: streaks with the parameters of the settings."""
_SAMPLE_PX = 320
_THRESHOLDS = (10.0, 50.0)
_SHOWN = ("e_r", "e_b", "removal", "removal_controlled", "clean_error", "psnr_y")


@dataclass(frozen=True)
class RainSettings:
    """One layer of rain: a preset, or streaks with one value of everything that a `RainRange` has a range for.

    Attributes:
        rain: a key of PRESETS, which draws its own parameters, or OWN.
        recipe: how streaks are rendered.
        quantity, width, length_px, angle_deg: as of `RainRange`.
        brightness: factor on the layer.
        seed: of all that is drawn; equal settings give equal rain.
    """

    rain: str = OWN
    recipe: Recipe = "paper"
    quantity: float = 250.0
    width: int = 5
    length_px: int = 30
    angle_deg: float = 15.0
    brightness: float = 1.0
    seed: int = 0

    def to_rain(self) -> Rain:
        """The rain that is described.

        Raises:
            InputError: a value that makes no sense, named.
        """
        if self.rain in PRESETS:
            return load_rain(self.rain, self.recipe)
        streaks = RainRange(
            quantity=(self.quantity, self.quantity),
            width=(self.width,),
            length_px=(self.length_px, self.length_px),
            angle_deg=(self.angle_deg, self.angle_deg),
        )
        return Rain.of(OWN, Streaks(streaks, self.recipe, (self.brightness, self.brightness)))


@dataclass(frozen=True)
class Played:
    """A picture under one layer of rain, and a network's results on both; RGB and grey, 0..255.

    Attributes:
        layer: of rain, cut at white.
        rainy: the picture with the rain.
        mask: white where it rains by more than 10 levels.
        restored: what the network makes of the rainy picture.
        evaluation: the figures, at 10 and 50 levels and more.
    """

    layer: UInt8[np.ndarray, "h w"]
    rainy: UInt8[np.ndarray, "h w 3"]
    mask: UInt8[np.ndarray, "h w"]
    restored: UInt8[np.ndarray, "h w 3"]
    evaluation: Evaluation

    def strip(self) -> str:
        """The four pictures side by side, as HTML."""
        pictures = (
            ("rain layer", self.layer),
            ("rainy picture", self.rainy),
            ("mask (t = 10)", self.mask),
            ("restored", self.restored),
        )
        return strip_html([(caption, image_html(encode_png(picture), "png", caption)) for caption, picture in pictures])

    def table(self) -> str:
        """The figures of the result beside those of the untouched rainy picture, as HTML."""
        sums = (self.evaluation.restored, self.evaluation.untouched)
        means = [each.mean(threshold) for each in sums for threshold in _THRESHOLDS]
        rows: list[list[str]] = []
        for metric in METRICS:
            if metric.name in _SHOWN:
                cells = [metric.text(mean[metric.name]) for mean in means]
                if metric not in RAIN_METRICS:  # one figure for all thresholds
                    cells[1] = cells[3] = ""
                better = "higher is better" if metric.better == "higher" else "lower is better"
                unit = "" if metric.unit in ("share", "none") else f", {metric.unit}"
                rows.append([Markup("{}<small>{}{}</small>").format(metric.label, better, unit), *cells])
        head = ["", *(Markup("{}<br>t = {:g}").format(name, t) for name in ("restored", "rainy") for t in _THRESHOLDS)]
        return table_html(head, rows)


@cache
def sample(name: str) -> UInt8[np.ndarray, "h w 3"]:
    """One of the pictures of SAMPLES.

    >>> sample("meadow").shape
    (320, 320, 3)
    """
    return generate(SAMPLES[name], _SAMPLE_PX).copy()


def play(picture: UInt8[np.ndarray, "h w 3"], settings: RainSettings, restorer: TiledRestorer) -> Played:
    """Lay rain on a picture, restore it, and measure the result; a pure function.

    Args:
        picture: the clean one.
        settings: of the rain.
        restorer: with the network to look at.

    Raises:
        InputError: settings that make no sense, or a network that fails.
    """
    height, width = picture.shape[:2]
    rain = settings.to_rain()
    layer = rain.layers(1, height, width, generator(settings.seed, "page"))[0]
    clean = _tensor(picture)
    rainy = compose(clean.float(), layer)
    mask = rain_mask(rainy, clean.float(), _THRESHOLDS[0])
    rainy_picture = rainy.byte().permute(1, 2, 0).contiguous().numpy()
    restored, restored_clean = restorer.picture(rainy_picture), restorer.picture(picture)
    result = Result(settings.rain, rainy.byte(), clean, _tensor(restored), _tensor(restored_clean))
    return Played(
        layer=layer[0].clamp(max=255).byte().numpy(),
        rainy=rainy_picture,
        mask=(mask[0] * 255).byte().numpy(),
        restored=restored,
        evaluation=collect([result], _THRESHOLDS[0]),
    )


def _tensor(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[Tensor, "3 h w"]:
    return torch.tensor(picture).permute(2, 0, 1)
