"""The whole command: look into networks, and write what was found."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from statistics import fmean

from derain.errors import InputError
from derain.networks.base import Network
from derain.networks.loading import load_models, model_hash, names_for
from derain.networks.onnx import OnnxNetwork
from derain.probe.explanation.attribution import Attribution, attribute
from derain.probe.explanation.figures import draw_attribution, draw_counts, draw_separation
from derain.probe.explanation.layers import features, last_layer
from derain.probe.explanation.results import Explained
from derain.probe.explanation.scene import DRY, Scene, lay_scene
from derain.probe.explanation.separation import Separation, separation
from derain.probe.explanation.settings import ExplainSettings
from derain.support.files import make_folder, write_bytes, write_json
from derain.support.pages import drawing
from derain.support.records import OwnedFolder

_FIGURES = ("separation", "attribution", "counts")
_KINDS: dict[str, dict[str, None]] = {"png": {}, "svg": {"Date": None}}
"""Formats of the figures, with their metadata."""


def explain(
    models: Sequence[str | Path],
    settings: ExplainSettings,
    out: Path,
    named: Sequence[str] = (),
    layer: str | None = None,
    report: Callable[[int, int], None] = lambda done, pictures: None,
) -> list[Explained]:
    """Look into networks, and write explanation.json and figures/*.png and *.svg into `out`.

    Args:
        models: as `derain.networks.load_model` takes them, but no ONNX files.
        settings: the pictures and the instruments.
        out: folder of the results.
        named: FILE.py:CLASS, for models of networks of the user's own; or NAME:key=value for what weights do not tell.
        layer: whose output is parted, in place of the input of the last convolution.
        report: called with the number of attributions done, and their total.

    Raises:
        InputError: a model, a photo or a rain is bad; a network shows no layers, has no such layer or gives NaN; `out`
            cannot be written; or scikit-learn or matplotlib is not installed.
    """
    if not models:
        raise InputError("give one --model or more")
    files = [f"figures/{name}.{kind}" for name in _FIGURES for kind in _KINDS]
    OwnedFolder(out, "explanation.json", "derain explain").claim(("settings", "rains", "networks"), files)
    with drawing():  # without matplotlib nothing is measured
        names = names_for(models, named)
        loaded = load_models(models, named)
        for model, (network, _) in zip(models, loaded, strict=True):
            if isinstance(network, OnnxNetwork):
                raise InputError(f"{model} is an ONNX file, which shows no layers: give what it was written from")
        scene = lay_scene(settings)
        make_folder(out)
        explained = []
        per_network = (len(scene.rains) - 1) * settings.attributed
        for place, (model, name, (network, header)) in enumerate(zip(models, names, loaded, strict=True)):

            def show(done: int, before: int = place * per_network) -> None:
                report(before + done, len(models) * per_network)

            used, parted = _separate(network, scene, settings.seed, layer)
            attributions = _attribute(network, scene, settings, show)
            count = header.get("objective", {}).get("count")
            explained.append(Explained(str(model), model_hash(model, name), count, used, parted, attributions))
        _write(explained, scene, settings, out)
    return explained


def describe(explained: Sequence[Explained]) -> list[str]:
    """Describe the results in sentences for the console."""
    lines = []
    for each in explained:
        parts = [each.name]
        if (parted := each.separation) is not None:
            shares = f"content {parted.of_content:.2f}, rain {parted.of_rain:.2f}, both {parted.of_both:.2f}"
            parts.append(f"features of {each.layer} by {shares}; index of the rains {parted.index_of_rain:.1f}")
        for figure, words in (("diffusion_index", "diffusion index"), ("rain_density", "density on rain")):
            means = [value for value in each.means(figure).values() if value is not None]
            parts.append(f"{words} {fmean(means):.2f}" if means else f"{words} not defined")
        lines.append("; ".join(parts))
    return lines


def _separate(network: Network, scene: Scene, seed: int, layer: str | None) -> tuple[str | None, Separation | None]:
    pictures = scene.pictures.flatten(0, 1).float() / 255
    used = layer or last_layer(network, pictures[:1])
    if used is None:
        return None, None
    found = features(network, pictures, used, of_input=layer is None)
    return used, separation(found.unflatten(0, scene.pictures.shape[:2]), seed)


def _attribute(
    network: Network, scene: Scene, settings: ExplainSettings, report: Callable[[int], None]
) -> dict[str, list[Attribution]]:
    found: dict[str, list[Attribution]] = {rain: [] for rain in scene.rains if rain != DRY}
    for content in scene.pictures[: settings.attributed]:
        for rain, picture in zip(scene.rains[1:], content[1:], strict=True):
            each = attribute(network, picture, content[0], settings.window_px, settings.sigma_px, settings.steps)
            found[rain].append(each)
            report(sum(map(len, found.values())))
    return found


def _write(explained: Sequence[Explained], scene: Scene, settings: ExplainSettings, out: Path) -> None:
    backgrounds = {"photos": scene.photos, "content_hash": scene.content_hash}
    content = {"settings": asdict(settings) | {"backgrounds": str(settings.backgrounds)}, "rains": list(scene.rains)}
    networks = [each.to_json() for each in explained]
    write_json(out / "explanation.json", {**content, "backgrounds": backgrounds, "networks": networks})
    drawn = {"attribution": draw_attribution(explained, scene, settings.window_px)}
    if any(each.separation for each in explained):
        drawn["separation"] = draw_separation(explained, scene.rains)
    if len({each.backgrounds for each in explained} - {None}) > 1:
        drawn["counts"] = draw_counts(explained)
    folder = make_folder(out / "figures")
    for name, figure in drawn.items():
        for kind, metadata in _KINDS.items():
            file = BytesIO()
            figure.savefig(file, format=kind, dpi=150, metadata=metadata)
            write_bytes(folder / f"{name}.{kind}", file.getvalue())
