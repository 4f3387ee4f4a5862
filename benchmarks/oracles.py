"""Metrics on restorers whose answer is known: python -m benchmarks.oracles --out docs/images/oracles.jpg

Draws what each makes of a wet and of the dry photograph, and prints their figures as a table.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import skimage.data
import torch
from jaxtyping import UInt8
from torch import Tensor

from derain.evaluation.metrics import measure
from derain.networks import load_model
from derain.networks.running import restore
from derain.rain import compose, load_rain
from derain.support.pages import drawing
from derain.support.randomness import generator

Picture = UInt8[Tensor, "3 h w"]
FIGURES = ("e_r", "e_b", "removal", "damage", "removal_controlled", "clean_error", "psnr_y")
TOP, LEFT, SIDE = 50, 90, 200


def model(name: str) -> Callable[[Picture], Picture]:
    """A model in the box, or a filter that learnt nothing."""
    network = load_model(name)[0]
    return lambda picture: restore(network, picture[None])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    photograph = torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1)
    clean = photograph[:, TOP : TOP + SIDE, LEFT : LEFT + SIDE].contiguous()
    layer = load_rain("lines").layers(1, SIDE, SIDE, generator(1, "oracles"))
    rainy = compose(clean[None].float(), layer)[0].to(torch.uint8)
    restorers: dict[str, Callable[[Picture], Picture]] = {
        "perfect": lambda _: clean,
        "nothing": model("nothing"),
        "darken": lambda picture: (picture * 0.8).round().to(torch.uint8),
        "blur": model("blur"),
        "opening": model("opening"),
        "balanced": model("balanced"),
    }
    results = {name: (restored(rainy), restored(clean)) for name, restored in restorers.items()}
    print("| |", " | ".join(FIGURES), "|")
    for name, (wet, dry) in results.items():
        figures = measure(rainy, clean, wet, dry, threshold=10.0)
        print(f"| {name} |", " | ".join("" if figures[key] is None else f"{figures[key]:.2f}" for key in FIGURES), "|")
    draw(results, out)


def draw(results: dict[str, tuple[Picture, Picture]], out: Path) -> None:
    """Results of the wet photograph above, of the dry one below."""
    with drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12, 4.3), layout="constrained")
        rows = figure.subplots(2, len(results))
        for column, (name, pictures) in enumerate(results.items()):
            for row, picture in enumerate(pictures):
                axes = rows[row, column]
                axes.imshow(picture.permute(1, 2, 0).numpy())
                axes.set(xticks=[], yticks=[])
            rows[0, column].set_title(name)
        for row, label in enumerate(("result, wet photo", "result, dry photo")):
            rows[row, 0].set_ylabel(label)
        figure.savefig(out, dpi=120, pil_kwargs={"quality": 88})


if __name__ == "__main__":
    main()
