"""What a network makes of the rain of every cell."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor, nn

from derain.errors import InputError
from derain.metrics import clean_error, quantise, rain_sums
from derain.networks.user import own_code
from derain.probe.area import Area, generalisation_area
from derain.probe.maps import FAMILIES, Scene, one_thread
from derain.processes import usable_device

FIGURES = ("removal_controlled", "removal", "damage")
"""What is measured in every cell, by the names of `derain.metrics.METRICS`."""

THRESHOLD = 10.0
"""Of the rain mask, in grey levels."""

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
        """Whether the backgrounds are of enough photos to tell a spread."""
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


def restore(
    network: nn.Module, pictures: UInt8[Tensor, "n 3 h w"], device: torch.device | str = "cpu"
) -> UInt8[Tensor, "n 3 h w"]:
    """What a network makes of a batch of pictures, clipped and rounded.

    Raises:
        InputError: the output holds NaN, the device cannot be used, or the code of a network of one's own fails.
    """
    training = network.training
    network.to(usable_device(device)).eval()
    try:
        with torch.inference_mode(), own_code(network):
            # On CPUs convolutions are faster with the channels of a pixel side by side.
            batch = pictures.to(device).contiguous(memory_format=torch.channels_last).float() / 255
            output = network(batch).cpu().contiguous()
    finally:
        network.train(training)
    if output.isnan().any():
        raise InputError("the network gives NaN: its weights are not those of a finished training")
    return quantise(output)


def clean_errors(restored_clean: UInt8[Tensor, "n 3 h w"], clean: UInt8[Tensor, "n 3 h w"]) -> Float64[np.ndarray, "n"]:
    """The clean error on every background, in grey levels."""
    return np.array([clean_error(*pair) for pair in zip(restored_clean, clean, strict=True)])


def mean_and_error(
    values: Float64[np.ndarray, "*cells backgrounds"], spread: bool = True
) -> tuple[Float64[np.ndarray, "*cells"], Float64[np.ndarray, "*cells"]]:
    """Mean over backgrounds and its standard error (n - 1), both NaN where they are not defined.

    Args:
        values: NaN is left out.
        spread: False: no standard error is to be told.

    >>> mean_and_error(np.array([[0.0, 1.0, np.nan], [np.nan, np.nan, np.nan]]))
    (array([0.5, nan]), array([0.5, nan]))
    """
    known = ~np.isnan(values)
    number = known.sum(-1).astype(np.float64)
    mean = _divide(np.where(known, values, 0.0).sum(-1), number)
    squares = np.where(known, (values - mean[..., None]) ** 2, 0.0).sum(-1)
    error = np.sqrt(_divide(squares, number * (number - 1)))
    return np.asarray(mean), np.asarray(error if spread else np.full_like(error, np.nan))


def _divide(total: Any, number: Any) -> Any:
    """NaN where `number` is 0."""
    return total / np.where(number > 0, number, np.nan)


def _figures(
    rainy: UInt8[Tensor, "3 h w"],
    clean: UInt8[Tensor, "3 h w"],
    restored: UInt8[Tensor, "3 h w"],
    restored_clean: UInt8[Tensor, "3 h w"],
) -> list[float]:
    [sums] = rain_sums(rainy, clean, restored, restored_clean, [THRESHOLD])
    found = sums.figures()
    return [np.nan if (value := found[name]) is None else value for name in FIGURES]
