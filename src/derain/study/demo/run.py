"""A study of two trainings of one small network, on few and on many backgrounds, and what is seen in its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import fmean

from markupsafe import Markup
from rich.console import Console

from derain.errors import TrainingError, needs_extra
from derain.evaluation.statistics import standard_error
from derain.pictures.backgrounds import Category
from derain.rain import load_rain
from derain.rain.synthesis import synthesise
from derain.study.demo.photographs import TEST, TRAINING, write_photographs, write_tiles
from derain.study.judge.results import Cell, load_results
from derain.study.plan.scales import SCALES, Scale
from derain.study.plan.spec import Grid, Pictures, Plot, Study, TestSet
from derain.study.report.page import write_report
from derain.study.report.terminal import Watcher, results_table
from derain.study.run.local import LocalExecutor
from derain.study.run.prepare import prepare
from derain.study.run.scheduler import run
from derain.study.run.store import Store
from derain.support.files import make_folder
from derain.support.pages import render
from derain.support.records import claim_file

# Scale and test rain were chosen on photos that are in neither set (docs/results/demo.md).
SCALE = replace(
    SCALES["cpu"],
    iterations=3_000,
    layers=2_000,
    reduction="3,000 iterations in place of 250,000, samples of 64x64 cut from the 128x128 backgrounds and rain, "
    "rain from a bank of 2,000 layers, learning rate 1e-3 with a warm-up of 200, one small network, two counts",
)
GRID = Grid(
    network=("unet:base=16,levels=4,norm=none,activation=leaky_relu,input_skip=true",),
    category=("photographs",),
    count=(8, 800),
    rain=("small",),
    tests=("pairs",),
)
_TEST_RAIN = "large"
_TILE_PX = 200
_SHOWN = 3
_LEAST_DIFFERENCE = {"removal_controlled": 0.05, "clean_error": 1.0}

Images = Mapping[str, Sequence[float | None]]
"""Values of all test pictures by figure."""


def run_demo(out: Path, data: Path | None, console: Console, scale: Scale = SCALE, grid: Grid = GRID) -> None:
    """Train both networks, test them and write the report; an interrupted demo goes on where it stopped.

    Args:
        out: gets report.html, and results/ and runs/ID/model.safetensors as a folder of `derain study run` has them.
        data: a folder with natural/train and rain/rain100l/{rainy,clean} to use in place of the photographs that come
            with scikit-image.
        console: for progress, table and findings.
        scale: of the trainings.
        grid: a network, and the two counts of backgrounds.

    Raises:
        InputError: a folder is missing or cannot be written, or the extra derain[demo] is not installed.
        TrainingError: a training failed.
    """
    for module, package in (("matplotlib", "matplotlib"), *([("skimage", "scikit-image")] if data is None else [])):
        with needs_extra("demo", f"the demo needs {package}"):
            import_module(module)
    if not (out / "report" / "report.json").exists():  # no demo has come as far as its report
        claim_file(out / "report.html", "derain demo", lambda there: False)
    make_folder(out)
    study, store = _study(grid, *(_photographs(out) if data is None else _sets(data))), Store(out)
    tasks = prepare([study], scale, (), store)
    few, many = grid.count
    console.print(f"Training the same network on {few} and on {many} backgrounds, a core each.")
    with Watcher(console, len(tasks)) as watcher:
        state = run(tasks, store, LocalExecutor(out, len(tasks), "cpu", threads=1), watcher.show)
    for identity, reason in state.failed.items():
        raise TrainingError(f"the training failed: {state.names[identity]}: {reason}")
    [cells] = [each.cells for each in load_results(store) if each.study.name == study.name]
    findings = describe_findings(grid.count, *map(_images, cells))
    page = write_report(out, opening=Markup(render("study/demo/opening.html", {"findings": findings})))
    page.replace(out / "report.html")
    console.print(results_table(store.records(), 10))
    console.print("", *findings, "", f"report: {out / 'report.html'}", sep="\n", markup=False, soft_wrap=True)


def describe_findings(counts: Sequence[int], few: Images, many: Images) -> list[str]:
    """Two sentences on what is seen, for the rain and for the picture.

    A difference counts as seen when the mean over images of the paired difference exceeds twice its standard error, and
    is large enough to matter: 0.05 of the rain, one grey level.

    Args:
        counts: of backgrounds, few and many.
        few: controlled removal and clean error of the network trained on few backgrounds.
        many: those of the other one, of the same pictures.
    """
    removed, error = ([_mean(images[figure]) for images in (few, many)] for figure in _LEAST_DIFFERENCE)
    rain = {
        1: "with many backgrounds the network slacks off, as the paper says.",
        0: "a difference is not visible at this scale.",
        -1: "at this scale it is the other way round than in the paper.",
    }[_direction(few, many, "removal_controlled")]
    picture = {
        1: "few backgrounds are paid for with the picture.",
        0: "a difference is not visible at this scale.",
        -1: "here few backgrounds keep the picture better.",
    }[_direction(few, many, "clean_error")]
    return [
        f"The network trained on {counts[0]} backgrounds removes {removed[0]:.0%} of rain that neither has seen, and "
        f"the one trained on {counts[1]} removes {removed[1]:.0%} (controlled removal): {rain}",
        f"A picture without rain is changed by {error[0]:.1f} grey levels by the first and by {error[1]:.1f} by the "
        f"second (clean error): {picture}",
    ]


def _study(grid: Grid, title: str, photos: Path, rainy: Path, clean: Path) -> Study:
    [category], [test] = grid.category, grid.tests
    return Study(
        title=title,
        figure="other",
        data={category: Category((photos,), (clean,), name=category)},
        tests={test: TestSet(rainy, clean, name=test)},
        grid=(grid,),
        plot=Plot(tuple(_LEAST_DIFFERENCE), lines="rain"),
        pictures=Pictures("restored", test, number=_SHOWN),
        probe=True,
        name="demo",
    )


def _photographs(out: Path) -> tuple[str, Path, Path, Path]:
    """A title, the photos to train on, and the rainy and clean pictures to test on."""
    tiles = write_tiles(TEST, _TILE_PX, out / "photographs" / "test")
    synthesise([tiles], load_rain(_TEST_RAIN), 0, out / "test")
    training = write_photographs(TRAINING, out / "photographs" / "training")
    title = f"Few or many backgrounds, tested on tiles of {len(TEST)} other photographs under the {_TEST_RAIN} range"
    return title, training, out / "test" / "rainy", out / "test" / "clean"


def _sets(data: Path) -> tuple[str, Path, Path, Path]:
    """The same of a folder of sets."""
    pairs = data / "rain" / "rain100l"
    title = "Few or many backgrounds, tested on the pairs of Rain100L"
    return title, data / "natural" / "train", pairs / "rainy", pairs / "clean"


def _images(cell: Cell) -> Images:
    return {figure: cell.measured.values(figure, 10) for figure in _LEAST_DIFFERENCE}


def _mean(values: Sequence[float | None]) -> float:
    return fmean(value for value in values if value is not None)


def _direction(few: Images, many: Images, figure: str) -> int:
    pairs = zip(few[figure], many[figure], strict=True)
    differences = [a - b for a, b in pairs if a is not None and b is not None]
    difference = fmean(differences)
    if abs(difference) < max(2 * standard_error(differences), _LEAST_DIFFERENCE[figure]):
        return 0
    return 1 if difference > 0 else -1
