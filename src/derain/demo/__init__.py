"""The same small network trained on few and on many backgrounds, and what each does to rain it never saw."""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from derain.demo.photographs import TEST, TRAINING, write_photographs, write_tiles
from derain.demo.report import Strip, report_page
from derain.errors import InputError
from derain.evaluation.evaluate import evaluate
from derain.evaluation.restorers import NetworkRestorer
from derain.evaluation.statistics import standard_error
from derain.networks import load_model
from derain.pictures.images import list_images, read_image, write_image
from derain.pictures.pairs import Pair, match_pairs
from derain.probe.maps import lay_scene
from derain.probe.measure import probe_network
from derain.probe.results import Probed, Results
from derain.probe.space import CLEAN_BOUND, COARSE
from derain.probe.trained import trained_streaks
from derain.rain import load_rain
from derain.rain.synthesis import synthesise
from derain.support.files import make_folder, write_bytes, write_json
from derain.support.processes import dedicate_to_network, end_with_parent, ended_on_error
from derain.training.checkpoint import MODEL
from derain.training.log import last_iteration, read_log
from derain.training.loop import train
from derain.training.settings import TrainingSettings

_CURVES = ("removal", "removal_controlled", "clean_error")
_LEAST_DIFFERENCE = {"removal_controlled": 0.05, "clean_error": 1.0}
_MOST_STRIPS = 3
_TILE_PX = 200


@dataclass(frozen=True)
class Scale:
    """What the two networks share, and the two counts of backgrounds in which they differ.

    Test rain and scale were chosen on photos that are in neither set (docs/measurements.md).
    """

    few: int = 8
    many: int = 800
    training_rain: str = "small"
    test_rain: str = "large"
    network: str = "unet:base=16,levels=4,norm=none,activation=leaky_relu,input_skip=true"
    iterations: int = 3000
    background_size: int = 128
    patch_size: int = 64
    layers: int = 2000
    learning_rate: float = 1e-3
    warmup: int = 200

    @property
    def counts(self) -> dict[str, int]:
        """Backgrounds of either network, by its name."""
        return {"few": self.few, "many": self.many}


@dataclass(frozen=True)
class Scene:
    """Photos to train on, and pairs to test on with what they are in words."""

    backgrounds: Path
    rainy: Path
    clean: Path
    test: str


def run_demo(out: Path, data: Path | None, console: Console, scale: Scale | None = None) -> None:
    """Train both networks, test them and write the report; an interrupted demo goes on where it stopped.

    Args:
        out: gets few/model.safetensors, many/model.safetensors, results.json and report.html.
        data: a folder with natural/train and rain/rain100l/{rainy,clean} to use in place of the photographs that come
            with scikit-image.
        console: for progress, table and findings.
        scale: of the trainings; the demo's own by default.

    Raises:
        InputError: a folder is missing or cannot be written, or the extra derain[demo] is not installed.
    """
    packages = {"matplotlib": "matplotlib"} | ({"skimage": "scikit-image"} if data is None else {})
    for module, package in packages.items():
        if find_spec(module) is None:
            raise InputError(f"the demo needs {package}, which is not installed: pip install 'derain[demo]'")
    scale = scale or Scale()
    make_folder(out)
    scene = _own_scene(out, scale) if data is None else _scene_of(data)
    console.print(f"Training the same network on {scale.few} and on {scale.many} backgrounds, a core each.")
    _train_both(scene, scale, out, console)

    pairs = match_pairs(scene.rainy, scene.clean)
    networks = {name: NetworkRestorer(load_model(out / name / MODEL)[0], "cpu") for name in scale.counts}
    evaluations = {name: evaluate(pairs, network) for name, network in networks.items()}
    results: dict[str, Any] = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
    findings = describe_findings(scale, results["few"]["images"], results["many"]["images"])
    results["curves"] = {name: _curve(out / name) for name in scale.counts}
    results["findings"] = findings
    results["scale"] = asdict(scale)
    probed = _probe(scene, networks, out)
    results["areas"] = {each.name: each.answer.area(None)._asdict() for each in probed.networks}
    write_json(out / "results.json", results)

    strips = [_strip(pair, networks, scale, out) for pair in pairs[:: -(-len(pairs) // _MOST_STRIPS)]]
    measured = {"rainy input": evaluations["few"].untouched}
    measured |= {name: evaluation.restored for name, evaluation in evaluations.items()}
    rows = {name: (sums.mean(), sums.mean(50)) for name, sums in measured.items()}
    titles = [f"{name}: {count} backgrounds" for name, count in scale.counts.items()]
    panels = probed.panels("removal_controlled")
    maps = [replace(panel, title=title) for panel, title in zip(panels, [*titles, "many - few"], strict=True)]
    page = report_page(_setup(scene, scale, out), findings, _NOTES, results["curves"], rows, strips, maps)
    write_bytes(out / "report.html", page.encode())

    for name, evaluation in evaluations.items():
        console.print(f"\n[bold]{name}[/bold]: trained on {scale.counts[name]} backgrounds")
        console.print(evaluation.table())
    console.print("", *findings, "", f"report: {out / 'report.html'}", sep="\n", markup=False)


def describe_findings(scale: Scale, few: Sequence[Mapping[str, Any]], many: Sequence[Mapping[str, Any]]) -> list[str]:
    """Two sentences on what is seen, for the rain and for the picture.

    A difference counts as seen when the mean over images of the paired difference exceeds twice its standard error, and
    is large enough to matter: 0.05 of the rain, one grey level.

    Args:
        scale: of the trainings.
        few: "images" of the evaluation of the network trained on few backgrounds.
        many: those of the other one, in the same order.
    """
    removed = {name: _mean(images, "removal_controlled") for name, images in (("few", few), ("many", many))}
    error = {name: _mean(images, "clean_error") for name, images in (("few", few), ("many", many))}
    rain = (
        f"Of rain that neither has seen, the network trained on {scale.few} backgrounds removes "
        f"{removed['few']:.0%} and the one trained on {scale.many} removes {removed['many']:.0%} "
        f"(controlled removal): "
    )
    rain += {
        1: "with many backgrounds the network slacks off, as the paper says.",
        0: "a difference is not visible at this scale.",
        -1: "at this scale it is the other way round than in the paper.",
    }[_direction(few, many, "removal_controlled")]
    picture = (
        f"A picture without rain is changed by {error['few']:.1f} grey levels by the first and by "
        f"{error['many']:.1f} by the second (clean error): "
    )
    picture += {
        1: "few backgrounds are paid for with the picture.",
        0: "a difference is not visible at this scale.",
        -1: "here few backgrounds keep the picture better.",
    }[_direction(few, many, "clean_error")]
    return [rain, picture]


_NOTES = (
    "A small-scale illustration with one seed, made in minutes on two cores; scale and test rain were chosen on "
    "other photographs. The paper trains networks of a million parameters and more for 250,000 iterations on "
    "128x128 samples of up to 30,000 backgrounds. E_R, E_B, removal, damage and controlled removal are taken where "
    "it rains by more than 10 of 255 grey levels (E_R and E_B again at 50); figures are means over the test "
    "pictures. Higher is better for E_R, removal, controlled removal, PSNR and SSIM, lower for E_B, damage and "
    "clean error."
)


def _own_scene(out: Path, scale: Scale) -> Scene:
    tiles = write_tiles(TEST, _TILE_PX, out / "photographs" / "test")
    synthesise([tiles], load_rain(scale.test_rain), 0, out / "test")
    training = write_photographs(TRAINING, out / "photographs" / "training")
    return Scene(
        training,
        out / "test" / "rainy",
        out / "test" / "clean",
        f"tiles of {len(TEST)} other photographs under the {scale.test_rain} range",
    )


def _scene_of(data: Path) -> Scene:
    pairs = data / "rain" / "rain100l"
    return Scene(data / "natural" / "train", pairs / "rainy", pairs / "clean", "the pairs of Rain100L")


def _settings(scene: Scene, scale: Scale, count: int) -> TrainingSettings:
    return TrainingSettings(
        backgrounds=(scene.backgrounds,),
        count=count,
        rain=scale.training_rain,
        network=scale.network,
        iterations=scale.iterations,
        background_size=scale.background_size,
        patch_size=scale.patch_size,
        layers=scale.layers,
        learning_rate=scale.learning_rate,
        warmup=scale.warmup,
        validate_every=max(1, scale.iterations // 8),
        validation_pairs=(scene.rainy, scene.clean),
    )


def _train_both(scene: Scene, scale: Scale, out: Path, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Fresh processes: a forked one would inherit torch's threads.
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(len(scale.counts), context, end_with_parent) as pool,
        ended_on_error(),
        Progress(*columns, console=console) as bar,
    ):
        runs: dict[str, Future[None]] = {}
        for name, count in scale.counts.items():
            runs[name] = pool.submit(_train_one, _settings(scene, scale, count), out / name)
        tasks = {
            name: bar.add_task(f"{count} backgrounds", total=scale.iterations) for name, count in scale.counts.items()
        }
        while wait(runs.values(), timeout=1.0).not_done:
            for name, task in tasks.items():
                bar.update(task, completed=last_iteration(out / name))
        for name, run in runs.items():
            run.result()
            bar.update(tasks[name], completed=scale.iterations)


def _train_one(settings: TrainingSettings, out: Path) -> None:
    dedicate_to_network(threads=1)
    train(settings, out)


def _curve(run: Path) -> list[dict[str, Any]]:
    events = [e for e in read_log(run) if e["event"] == "validation" and e["set"] == "pairs"]
    return [{"iteration": e["iteration"], **{key: e["mean"][key] for key in _CURVES}} for e in events]


def _strip(pair: Pair, networks: Mapping[str, NetworkRestorer], scale: Scale, out: Path) -> Strip:
    rainy = torch.from_numpy(read_image(pair.rainy)).permute(2, 0, 1)
    pictures = {"rainy": pair.rainy}
    for name, network in networks.items():
        path = make_folder(out / name / "restored") / f"{pair.name}.png"
        write_image(path, network.restore(pair, rainy).permute(1, 2, 0).numpy())
        pictures[f"{name}: {scale.counts[name]} backgrounds"] = path
    return Strip({**pictures, "clean": pair.clean})


def _probe(scene: Scene, networks: Mapping[str, NetworkRestorer], out: Path) -> Results:
    """The response of both networks to the coarse maps of rain, on the clean test pictures."""
    pictures = list_images(scene.clean)
    space = replace(COARSE, count=min(COARSE.count, len(pictures)))
    shown = lay_scene(space, pictures, 0)
    probed = []
    for name, restorer in networks.items():
        model = out / name / MODEL
        trained = trained_streaks(load_model(model)[1])
        answer = probe_network(restorer.network, shown)
        probed.append(Probed(name, sha256(model.read_bytes()).hexdigest(), trained, answer))
    return Results(space, shown, tuple(probed), CLEAN_BOUND)


def _setup(scene: Scene, scale: Scale, out: Path) -> str:
    network, _ = load_model(out / "few" / MODEL)
    photos = {name: load_model(out / name / MODEL)[1]["objective"]["photos"] for name in scale.counts}
    return (
        f"Both are {type(network).__name__}s of {network.parameter_count():,} parameters, trained with the same code "
        f"for {scale.iterations:,} iterations under the {scale.training_rain} range of rain: the first on {scale.few} "
        f"patches of {photos['few']} photographs, the second on {scale.many} patches of {photos['many']} photographs. "
        f"Both are tested on {scene.test}."
    )


def _mean(images: Sequence[Mapping[str, Any]], figure: str) -> float:
    return fmean(image[figure] for image in images if image[figure] is not None)


def _direction(few: Sequence[Mapping[str, Any]], many: Sequence[Mapping[str, Any]], figure: str) -> int:
    pairs = [(a[figure], b[figure]) for a, b in zip(few, many, strict=True)]
    differences = [a - b for a, b in pairs if a is not None and b is not None]
    difference = fmean(differences)
    if abs(difference) < max(2 * standard_error(differences), _LEAST_DIFFERENCE[figure]):
        return 0
    return 1 if difference > 0 else -1
