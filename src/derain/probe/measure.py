"""Measurement of a network on the rain of every cell."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor, nn

from derain.evaluation.metrics import clean_error, rain_sums
from derain.networks.running import restore
from derain.probe.area import Area, generalisation_area
from derain.probe.maps import FAMILIES, Scene, one_thread

FIGURES = ("removal_controlled", "removal", "damage")
"""The figures of every cell, by the names of `derain.evaluation.metrics.METRICS`."""

THRESHOLD = 10.0
"""Threshold of the rain mask, in grey levels."""

LEAST_PHOTOS = 4
"""Backgrounds of fewer photos say nothing about the spread over backgrounds."""


@dataclass(frozen=True, eq=False)
class Response:
    """A network's answer to the cells of one map.

    Attributes:
        figures: cells by backgrounds, by the names of FIGURES; NaN where the rain of a cell changes no pixel of a
            background by more than THRESHOLD.
        rainy: the first background of every cell under its rain.
        restored: what the network makes of it.
    """

    figures: Mapping[str, Float64[np.ndarray, "cells backgrounds"]]
    rainy: UInt8[np.ndarray, "cells 3 h w"]
    restored: UInt8[np.ndarray, "cells 3 h w"]


@dataclass(frozen=True, eq=False)
class ProbeMap:
    """A network's answer to all maps of a scene.

    Attributes:
        responses: by the names of the maps.
        clean_error: on every background as it is, in grey levels; it does not depend on the cell.
        photos: number of photos that the backgrounds come from.
        seed: of the bootstrap.
    """

    responses: Mapping[str, Response]
    clean_error: Float64[np.ndarray, "backgrounds"]
    photos: int
    seed: int

    @property
    def spread(self) -> bool:
        """True for backgrounds of enough photos to tell a spread."""
        return self.photos >= LEAST_PHOTOS

    def area(self, clean_bound: float | None, minus: "ProbeMap | None" = None) -> Area:
        """The generalisation area, or by how much it exceeds that of another network; see `generalisation_area`."""
        area = generalisation_area(
            self._controlled(), self.clean_error, clean_bound, self.seed,
            None if minus is None else (minus._controlled(), minus.clean_error),
        )  # fmt: skip
        return area if self.spread else Area(area.value, None, None)

    def _controlled(self) -> list[Float64[np.ndarray, "_ backgrounds"]]:
        return [r.figures["removal_controlled"] for name, r in self.responses.items() if name != FAMILIES]


def probe_network(
    network: nn.Module, scene: Scene, device: torch.device | str = "cpu", report: Callable[[], None] = lambda: None
) -> ProbeMap:
    """Measure a network on all cells of a scene.

    Args:
        network: maps RGB 0..1, (n, 3, h, w), to the same; put back into its own mode afterwards.
        scene: from `lay_scene`.
        device: of the computation.
        report: called after every cell.

    Raises:
        InputError: the network gives NaN.
    """
    restored_clean = restore(network, scene.clean, device)
    responses = {
        rain_map.name: measure_map(
            network, map(scene.rainy, rain_map.rains), scene.clean, restored_clean, device, report
        )
        for rain_map in scene.maps
    }
    return ProbeMap(responses, clean_errors(restored_clean, scene.clean), scene.patches.photos, scene.seed)


def measure_map(
    network: nn.Module,
    rainy: Iterable[UInt8[Tensor, "n 3 h w"]],
    clean: UInt8[Tensor, "n 3 h w"],
    restored_clean: UInt8[Tensor, "n 3 h w"],
    device: torch.device | str = "cpu",
    report: Callable[[], None] = lambda: None,
) -> Response:
    """Measure a network on cells, each of which is all backgrounds under one rain.

    Args:
        network: as of `probe_network`.
        rainy: of every cell.
        clean: the backgrounds.
        restored_clean: what the network makes of them.
        device: of the computation.
        report: called after every cell.

    Raises:
        InputError: the network gives NaN.
    """
    rows: list[list[list[float]]] = []
    first_rainy, first_restored = [], []
    for pictures in rainy:
        restored = restore(network, pictures, device)
        with one_thread():
            rows.append([_figures(*each) for each in zip(pictures, clean, restored, restored_clean, strict=True)])
        first_rainy.append(pictures[0].numpy())
        first_restored.append(restored[0].numpy())
        report()
    values = np.array(rows, np.float64)
    figures = {name: values[:, :, index] for index, name in enumerate(FIGURES)}
    return Response(figures, np.stack(first_rainy), np.stack(first_restored))


def clean_errors(restored_clean: UInt8[Tensor, "n 3 h w"], clean: UInt8[Tensor, "n 3 h w"]) -> Float64[np.ndarray, "n"]:
    """The clean error on every background, in grey levels."""
    return np.array([clean_error(*pair) for pair in zip(restored_clean, clean, strict=True)])


def _figures(
    rainy: UInt8[Tensor, "3 h w"],
    clean: UInt8[Tensor, "3 h w"],
    restored: UInt8[Tensor, "3 h w"],
    restored_clean: UInt8[Tensor, "3 h w"],
) -> list[float]:
    [sums] = rain_sums(rainy, clean, restored, restored_clean, [THRESHOLD])
    found = sums.figures()
    return [np.nan if (value := found[name]) is None else value for name in FIGURES]
