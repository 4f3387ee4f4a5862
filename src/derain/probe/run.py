"""The whole command: measure one network or two, and write what was found."""

import hashlib
import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.loading import load_model, model_hash, names_for
from derain.networks.running import restore
from derain.networks.weights import read_tensors, write_tensors
from derain.pictures.images import list_images
from derain.probe.area import area_text
from derain.probe.figures import draw, draw_clean_error
from derain.probe.maps import RainMap, Scene, lay_scene
from derain.probe.measure import FIGURES, ProbeMap, Response, clean_errors, measure_map
from derain.probe.page import probe_page
from derain.probe.records import to_csv, to_json
from derain.probe.results import Probed, Results
from derain.probe.space import ProbeSettings
from derain.probe.trained import trained_streaks
from derain.rain import Recovered
from derain.support.files import make_folder, write_bytes, write_json
from derain.support.pages import drawing
from derain.support.records import OwnedFolder

_CLEAN_ERROR = "clean_error"
_KINDS: dict[str, dict[str, None]] = {"png": {}, "svg": {"Date": None}}
"""Formats of the figures, with their metadata."""
_FORMAT = 1  # of the measured maps; raised when figures or rain are defined anew


def probe(
    models: Sequence[Path],
    settings: ProbeSettings,
    out: Path,
    named: Sequence[str] = (),
    device: str = "cpu",
    report: Callable[[int, int], None] = lambda done, cells: None,
) -> Results:
    """Measure one network, or two that are compared, on all cells; the same call again goes on where it stopped.

    `out` gets map.json, map.csv, figures/*.png and *.svg, index.html, and measured/*.safetensors: every map of a
    network as soon as it is measured, under a hash of the model, the rain, the backgrounds and the seed.

    Args:
        models: one or two, as `derain.networks.load_model` takes them.
        settings: rain and backgrounds.
        out: folder of the results.
        named: FILE.py:CLASS, for those models that are of a network of the user's own; or NAME:key=value,..., for what
            official weights do not tell.
        device: torch device of the networks.
        report: called with the number of cells done, of all networks, and their total.

    Raises:
        InputError: an axis holds what cannot be rendered; a model, a photo or a pair is bad; too few patches can be
            cut; a network gives NaN; `out` cannot be written; or matplotlib is not installed.
    """
    if len(models) not in (1, 2):
        raise InputError(f"give one model, or two to compare, not {len(models)}")
    figures = [f"figures/{name}.{kind}" for name in (*FIGURES, _CLEAN_ERROR) for kind in _KINDS]
    OwnedFolder(out, "map.json", "derain probe").claim(
        ("space", "maps", "networks"), ["map.csv", "index.html", *figures]
    )
    with drawing():  # without matplotlib nothing is measured
        recovered = None if settings.pairs is None else Recovered(*settings.pairs, settings.match)
        scene = lay_scene(settings.space, list_images(settings.backgrounds), settings.seed, recovered)
        names = names_for(models, named)
        networks = [load_model(model, name) for model, name in zip(models, names, strict=True)]
        make_folder(out / "measured")
        hashes = [model_hash(model, name) for model, name in zip(models, names, strict=True)]
        modules = [network for network, _ in networks]
        answers = _measure(modules, hashes, scene, out / "measured", device, report)
        probed = tuple(
            Probed(str(model), sha256, trained_streaks(header), answer)
            for model, sha256, (_, header), answer in zip(models, hashes, networks, answers, strict=True)
        )
        results = Results(settings.space, scene, probed, settings.clean_bound)
        _write(results, out)
    return results


def describe(results: Results) -> list[str]:
    """Describe the results in sentences for the console."""
    bound = results.clean_bound
    names = [each.name for each in results.networks]
    labels = names if len(names) == 1 else [f"A, {names[0]}", f"B, {names[1]}", "B - A"]
    lines = []
    for index, label in enumerate(labels):
        within, without = (area_text(results.areas(each)[index]) for each in (bound, None))
        error = f", clean error {results.networks[index].answer.clean_error.mean():.1f}" if index < len(names) else ""
        lines.append(
            f"{label}: generalisation area {within} with a clean error of up to {bound:g}, "
            f"{without} whatever the clean error{error}"
        )
    return [*lines, *results.notes()]


def _measure(
    networks: Sequence[nn.Module],
    hashes: Sequence[str],
    scene: Scene,
    folder: Path,
    device: str,
    report: Callable[[int, int], None],
) -> list[ProbeMap]:
    """Every network on every map; what `folder` holds already is not measured again."""
    clean = scene.clean
    restored_clean = [restore(network, clean, device) for network in networks]
    responses: list[dict[str, Response]] = [{} for _ in networks]
    total = len(networks) * sum(len(rain_map.rains) for rain_map in scene.maps)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        report(done, total)

    for rain_map in scene.maps:
        files = [folder / f"{_identity(sha256, rain_map, scene)}.safetensors" for sha256 in hashes]
        # Rendered once for all networks that still have to be asked.
        rainy: list[Tensor] = []
        if not all(file.exists() for file in files):
            rainy = [scene.rainy(rain) for rain in rain_map.rains]
        for network, file, undisturbed, found in zip(networks, files, restored_clean, responses, strict=True):
            if file.exists():
                found[rain_map.name] = _read(file)
                done += len(rain_map.rains) - 1
                count()
            else:
                response = measure_map(network, rainy, clean, undisturbed, device, count)
                _keep(file, response)
                found[rain_map.name] = response
    return [
        ProbeMap(found, clean_errors(undisturbed, clean), scene.patches.photos, scene.seed)
        for found, undisturbed in zip(responses, restored_clean, strict=True)
    ]


def _identity(sha256: str, rain_map: RainMap, scene: Scene) -> str:
    """Hash of all that a measured map depends on."""
    description = {
        "format": _FORMAT,
        "model": sha256,
        "rain": [rain.describe() for rain in rain_map.rains],
        "backgrounds": scene.patches.content_hash,
        "seed": scene.seed,
    }
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]


def _keep(file: Path, response: Response) -> None:
    arrays = {**response.figures, "rainy": response.rainy, "restored": response.restored}
    write_tensors(file, {name: torch.from_numpy(array) for name, array in arrays.items()}, {})


def _read(file: Path) -> Response:
    arrays = {name: tensor.numpy() for name, tensor in read_tensors(file)[0].items()}
    return Response({name: arrays[name] for name in FIGURES}, arrays["rainy"], arrays["restored"])


def _write(results: Results, out: Path) -> None:
    write_json(out / "map.json", to_json(results))
    write_bytes(out / "map.csv", to_csv(results).encode())
    folder = make_folder(out / "figures")
    figures = {figure: draw(results, figure) for figure in FIGURES}
    figures[_CLEAN_ERROR] = draw_clean_error(results)
    for name, figure in figures.items():
        for kind, metadata in _KINDS.items():
            file = BytesIO()
            figure.savefig(file, format=kind, dpi=150, metadata=metadata)
            write_bytes(folder / f"{name}.{kind}", file.getvalue())
    write_bytes(out / "index.html", probe_page(results).encode())
