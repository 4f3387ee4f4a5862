"""The log of a run: one JSON line an event, and the same figures for TensorBoard where it is installed."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from derain.errors import InputError
from derain.probe.maps import Scene
from derain.probe.measure import ProbeMap
from derain.probe.response import ResponseMap

# More than the longest event, which is a validation with the figures of every image.
_LAST_BYTES = 2**20
_CELL_PX = 24
Event = Literal["started", "resumed", "progress", "validation", "probe", "slacking", "checkpoint", "finished"]


class RunLog:
    """Appends to FOLDER/log.jsonl; what stands there is never changed, so a resumed run repeats what a kill cut off.

    Numbers of an event also go to TensorBoard (FOLDER/tensorboard) under the event's name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "log.jsonl"
        with _told_of(folder):
            if path.exists():
                _drop_half_line(path)
            self._file = path.open("a", encoding="utf-8")
            self._board = _tensorboard(folder / "tensorboard")

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Every line is flushed when it is written: one that could not be was told of then.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            if self._board is not None:
                self._board.close()

    def write(self, event: Event, iteration: int, values: Mapping[str, Any]) -> None:
        """Append one event; nested mappings of numbers become TensorBoard scalars named event/key/key.

        Raises:
            InputError: the disk is full.
        """
        line = {"event": event, "iteration": iteration, **values}
        with _told_of(self.folder):
            self._file.write(json.dumps(line, allow_nan=False) + "\n")
            self._file.flush()
            if self._board is not None and event in ("progress", "validation", "probe"):
                prefix = f"{event}/{values['set']}" if "set" in values else event
                for name, number in _scalars(prefix, values):
                    self._board.add_scalar(name, number, iteration)

    def draw(self, name: str, iteration: int, shares: Float64[np.ndarray, "rows columns"]) -> None:
        """A map for TensorBoard alone: black is 0 or less, white 1 or more or not defined."""
        if self._board is not None:
            grey = np.nan_to_num(shares, nan=1.0).clip(0, 1)
            with _told_of(self.folder):
                self._board.add_image(name, grey.repeat(_CELL_PX, 0).repeat(_CELL_PX, 1), iteration, dataformats="HW")


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    """A block whose errors of the disk are told of a folder in one sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror or error}") from error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The events of a run in order; of an event that a resumed run repeated, the last one; none without log.jsonl."""
    path = folder / "log.jsonl"
    if not path.exists():
        return []
    events: dict[tuple[Any, ...], dict[str, Any]] = {}
    *lines, _half_line = path.read_text(encoding="utf-8").split("\n")
    for line in lines:
        event = json.loads(line)
        events[event["event"], event["iteration"], event.get("set")] = event
    return list(events.values())


def last_iteration(folder: Path) -> int:
    """The iteration of a run's last event; 0 where nothing has begun."""
    path = folder / "log.jsonl"
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _LAST_BYTES), os.SEEK_END)
        *lines, _half_line = file.read().split(b"\n")
    for line in reversed(lines):
        if line.startswith(b"{"):
            return int(json.loads(line)["iteration"])
    return 0


def _drop_half_line(path: Path) -> None:
    """A kill can cut the last line short."""
    with path.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def _scalars(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in values.items():
        name = f"{prefix}/{key}"
        if isinstance(value, Mapping):
            found += _scalars(name, value)
        elif isinstance(value, int | float):
            found.append((name, float(value)))
    return found


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logging.getLogger("derain").info("TensorBoard is not installed (derain[study]); only log.jsonl is written")
        return None
    return SummaryWriter(str(folder))


def log_probe(log: RunLog, iteration: int, scene: Scene, probed: ProbeMap) -> None:
    """Log the response to rain, and draw its maps for TensorBoard."""
    response = ResponseMap.of(probed)
    log.write("probe", iteration, response.to_json())
    for rain_map in scene.maps:
        cells = response.means[rain_map.name].reshape(len(rain_map.rows), len(rain_map.columns))
        log.draw(f"probe/{rain_map.name}", iteration, cells)
