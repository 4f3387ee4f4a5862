"""The report of made-up results of 500 trainings: seconds of planning and of the whole report, without pictures.

    python -m benchmarks.report [--number TRAININGS] [--studies FOLDER] [--page FILE.html]

All studies of the repository at the paper's scale with four seeds; the first 500 trainings are done, each with the
figures of 40 test pictures. The page is kept where a file is named.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import tyro

from benchmarks.history import Figure, show
from derain.evaluation.metrics import METRICS
from derain.study.plan.scales import scale_of
from derain.study.plan.spec import load_studies
from derain.study.plan.trainings import plan, trainings
from derain.study.report.page import write_report
from derain.study.run.recorded import RecordedRun, RecordedStudy
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.store import Store

SEEDS, PICTURES = (0, 1, 2, 3), 40
COMPLEXITY = {"natural": 0.02, "faces": 0.01, "buildings": 0.03, "comics": 0.05}
CONTENT = "made up"  # in place of the hash of the pictures
STUDIES = Path(__file__).parents[1] / "studies"


def measured(count: int, rng: np.random.Generator) -> Measured:
    """Figures that fall with the count, and noise."""
    names = [metric.name for metric in METRICS]
    values = rng.normal(50 - 3 * np.log2(count), 5, (PICTURES, len(names)))
    mean = dict(zip(names, values.mean(0).tolist(), strict=True))
    images = [dict(zip(names, image, strict=True)) for image in values.tolist()]
    return Measured(
        content=CONTENT,
        names=[str(index) for index in range(PICTURES)],
        mean={10: mean, 50: mean},
        images={10: images, 50: images},
        input={10: mean, 50: mean},
        sensitivity=dict.fromkeys((5, 10, 25, 50), mean),
        perfect_e_r={10: 37.3, 50: 71.8},
    )


def make_results(store: Store, trained: int, studies: Path) -> float:
    """Write the results of the first trainings and what belongs to each study; seconds of planning."""
    scale, read, rng = scale_of("paper"), load_studies((studies,)), np.random.default_rng(0)
    start = perf_counter()
    planned = plan(read, scale, SEEDS)
    seconds = perf_counter() - start
    identities = {each.subject: f"{number:016x}" for number, each in enumerate(planned)}
    for each in planned[:trained]:
        result = Result(
            axes=each.subject.axes(),
            run={},
            photos=each.subject.count,
            parameters=1_222_147,
            environment=Environment("cpu", 1, "2.13.0"),
            seconds=None,
            tests={test.name: measured(each.subject.count, rng) for test in each.tests},
        )
        store.write_result(identities[each.subject], result)
    for study in read:
        runs = tuple(
            RecordedRun(identities[training], training.axes(), dict.fromkeys(grid.tests, CONTENT))
            for training, grid in trainings(study, scale, SEEDS)
        )
        store.write_study(RecordedStudy(replace(study, pictures=None), scale, runs))
    return seconds


def figures(number: int = 500, studies: Path = STUDIES, page: Path | None = None) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        yield Figure("planning of all studies, paper scale", make_results(Store(Path(folder)), number, studies), "s")
        start = perf_counter()
        written = write_report(Path(folder), complexity=COMPLEXITY)
        yield Figure(f"report of {number} trainings", perf_counter() - start, "s")
        if page is not None:
            page.write_bytes(written.read_bytes())


if __name__ == "__main__":
    show(tyro.cli(figures))
