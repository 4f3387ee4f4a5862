"""How far may a figure without a reference be trusted? NIQE against the truth, on rain that we lay ourselves.

    pip install scikit-video==1.1.11
    python studies/beyond/no_reference.py --photos "$DERAIN_DATA/natural/test" --out docs/results/no_reference.json

Each photo is shown in three ways: under 0, 25, 50, 75 and 100 % of one layer of rain; restored from all of it by models
and by filters that learnt nothing; and as it is. The truth is PSNR-Y. NIQE (lower is better; Mittal et al., IEEE SPL
2013) is of use if it ranks the pictures of a photo as PSNR-Y does (Spearman's rank correlation, mean and standard
deviation over photos), and puts the untouched photo above the rainy one and above the blurred one.

Rules, fixed before the run: it goes into the tables if its correlation over the systems is at least 0.8 on average, and
the photo is put first against rain and against blur in nine of ten cases.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np
import scipy.misc
import torch
import tyro
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from derain.evaluation.metrics import psnr_y
from derain.evaluation.statistics import spearman
from derain.networks import load_model
from derain.networks.running import quantise, restore
from derain.pictures.images import list_images, read_image
from derain.rain import compose, load_rain
from derain.support.files import write_json
from derain.support.randomness import generator

_SHARES = (0.25, 0.5, 0.75, 1.0)
_SYSTEMS = ("balanced", "strong", "opening", "median", "blur")
_BEST_DB = 100.0  # stands for the PSNR of the photo itself

Picture = UInt8[Tensor, "3 h w"]


def main(photos: Path, out: Path, number: int = 20, rain: str = "wide") -> None:
    """
    Args:
        photos: folder of clean photos.
        out: file for the figures as JSON.
        number: photos used, the first by name.
        rain: to lay on them.
    """
    niqe, networks = _niqe(), {name: load_model(name)[0] for name in _SYSTEMS}
    found: list[dict[str, dict[str, float]]] = []
    for index, path in enumerate(list_images(photos)[:number]):
        clean = torch.from_numpy(read_image(path)).permute(2, 0, 1)
        layer = load_rain(rain).layers(1, *clean.shape[1:], generator(0, "no reference", index))[0]
        shown = {"photo": clean} | {f"{share:.0%}": _rainy(clean, share * layer) for share in _SHARES}
        shown |= {name: restore(network, shown["100%"][None])[0] for name, network in networks.items()}
        truth = {name: _BEST_DB if (value := psnr_y(each, clean)) is None else value for name, each in shown.items()}
        found.append({"psnr_y": truth, "niqe": {name: niqe(each) for name, each in shown.items()}})
        print(f"{index + 1} of {number}", flush=True)
    summary = _summary(found)
    for name, value in summary.items():
        print(f"{name:24}{value:6.2f}")
    write_json(out, {"photos": number, "rain": rain, "summary": summary, "pictures": found})


def _rainy(clean: Picture, layer: Tensor) -> Picture:
    return quantise(compose(clean.float(), layer) / 255)


def _summary(found: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, float]:
    """Rank correlations with the truth, and how often the photo is put first."""

    def correlation(names: Sequence[str]) -> list[float]:
        each = (spearman([p["psnr_y"][n] for n in names], [-p["niqe"][n] for n in names]) for p in found)
        return [value for value in each if value is not None]

    over_rain, over_systems = correlation(("photo", "25%", "50%", "75%", "100%")), correlation(("100%", *_SYSTEMS))
    return {
        "over rain": fmean(over_rain),
        "over rain, deviation": pstdev(over_rain),
        "over systems": fmean(over_systems),
        "over systems, deviation": pstdev(over_systems),
        "photo before rain": fmean(each["niqe"]["photo"] < each["niqe"]["100%"] for each in found),
        "photo before blur": fmean(each["niqe"]["photo"] < each["niqe"]["blur"] for each in found),
        "photo before balanced": fmean(each["niqe"]["photo"] < each["niqe"]["balanced"] for each in found),
    }


def _niqe() -> Callable[[Picture], float]:
    for name, kind in (("int", int), ("float", float), ("bool", bool)):
        vars(np).setdefault(name, kind)  # scikit-video is older than their removal
    scipy.misc.imresize = _halved
    import skvideo.measure

    return lambda picture: float(skvideo.measure.niqe(_grey(picture)[None, :, :, None])[0])


def _grey(picture: Picture) -> UInt8[np.ndarray, "h w"]:
    return np.asarray(Image.fromarray(picture.permute(1, 2, 0).numpy()).convert("L"))


def _halved(picture: np.ndarray, factor: float, interp: str, mode: str) -> np.ndarray:
    """What scipy.misc.imresize did, as scikit-video asks for it."""
    size = tuple(round(side * factor) for side in reversed(picture.shape))
    return np.asarray(Image.fromarray(picture.astype(np.float32), mode="F").resize(size, Image.Resampling.BICUBIC))


if __name__ == "__main__":
    tyro.cli(main)
