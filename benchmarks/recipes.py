"""Amount of rain that the two recipes give at different sizes: python -m benchmarks.recipes

Prints the mean level of R with its standard error, and the share of R > 10, over layers rendered at 64, 128 and 512 px.
"""

import torch

from derain.rain import load_rain
from derain.support.choices import Recipe
from derain.support.randomness import generator

LAYERS = {64: 1200, 128: 600, 512: 60}
BATCH = 20


def main() -> None:
    recipes: tuple[Recipe, ...] = ("paper", "corrected")
    for recipe in recipes:
        for name in ("small", "medium", "large"):
            rain = load_rain(name, recipe)
            cells = []
            for side, count in LAYERS.items():
                means, shares = [], []
                for index in range(count // BATCH):
                    layers = rain.layers(BATCH, side, side, generator(0, "sizes", side, index))
                    means.append(layers.mean((1, 2, 3)))
                    shares.append((layers > 10).float().mean())
                mean = torch.cat(means)
                error = float(mean.std()) / count**0.5
                cells.append(f"{mean.mean():.1f} ± {error:.1f} / {torch.stack(shares).mean():.2f}")
            print(f"| {recipe} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
