"""The report of a study: what is drawn, what is said, and what is said where something is missing."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.evaluation.metrics import METRICS
from derain.networks import load_model
from derain.networks.running import quantise
from derain.pictures.images import read_image, write_image
from derain.probe.area import Area
from derain.probe.maps import rain_maps
from derain.probe.response import ResponseMap
from derain.probe.space import FULL
from derain.rain import load_rain
from derain.study.judge.results import Cell, load_results, of_first_seeds
from derain.study.plan.scales import Scale
from derain.study.plan.spec import AXES, Study
from derain.study.plan.trainings import trainings
from derain.study.report.figures import Quantity, curves, quantities, scaled, turning_points
from derain.study.report.page import write_report
from derain.study.report.pictures import Photo, strips
from derain.study.run.prepare import prepare
from derain.study.run.recorded import RecordedRun, RecordedStudy
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.store import Store
from derain.study.run.task import execute

COUNTS = 'count = [4, 8]\nrain = ["small", "medium"]'
FOUR_COUNTS = 'count = [8, 64, 256, 1024]\nrain = ["small", "medium"]'


def measured(value: float, pictures: int = 3) -> Measured:
    """All figures are `value` on average over pictures, which differ by one from each to the next."""
    figures = [metric.name for metric in METRICS]
    images = [dict.fromkeys(figures, value + index - (pictures - 1) / 2) for index in range(pictures)]
    both = (10, 50)
    return Measured(
        content="as shown",
        names=[f"picture{index}" for index in range(pictures)],
        mean={threshold: dict.fromkeys(figures, value) for threshold in both},
        images=dict.fromkeys(both, images),
        input={threshold: dict.fromkeys(figures, 2.0) for threshold in both},
        sensitivity={threshold: dict.fromkeys(figures, value) for threshold in (5, 10, 25, 50)},
        perfect_e_r={10: 37.5, 50: 71.5},
    )


def make_results(
    study: Study,
    scale: Scale,
    results: Path,
    seeds: Sequence[int],
    value: Callable[[Mapping[str, Any]], float | None],
) -> Store:
    """Results of a study whose figures are a function of the axes; None: that training is missing."""
    store, runs = Store(results), []
    for training, grid in trainings(study, scale, seeds):
        axes = training.axes()
        identity = f"{len(runs):016x}"
        runs.append(RecordedRun(identity, axes, dict.fromkeys(grid.tests, "as shown")))
        if (figure := value(axes)) is not None:
            result = Result(
                axes=axes,
                run={},
                photos=min(training.count, 7),
                parameters=100,
                environment=Environment("cpu", 1, "2.13.0"),
                seconds=2.5,
                tests={test: measured(figure) for test in grid.tests},
            )
            store.write_result(identity, result)
    store.write_study(RecordedStudy(study, scale, tuple(runs)))
    return store


def falling(axes: Mapping[str, Any]) -> float:
    return {4: 50.0, 8: 50.0, 64: 40.0, 256: 20.0, 1024: 20.0}[axes["count"]] + 3 * axes["seed"]


def cells(store: Store) -> list[Cell]:
    [results] = load_results(store)
    return results.cells


def page(report: Path) -> str:
    return report.read_text()


@pytest.fixture
def report(study: Study, tiny: Scale, tmp_path: Path) -> Path:
    make_results(study, tiny, tmp_path / "results", (0, 1), falling)
    return write_report(tmp_path / "results")


def test_the_page_stands_alone_and_its_figures_lie_beside_it(report: Path) -> None:
    text = page(report)
    assert report.name == "index.html"
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)
    assert "$" not in text
    for figure in ("study.cpu", "study.cpu.sensitivity-e_r"):
        for suffix in ("png", "svg"):
            assert (report.parent / "figures" / f"{figure}.{suffix}").stat().st_size > 1000
    assert text.count("data:image/svg+xml") == 2


def test_of_trainings_with_different_seeds_none_is_left_out_of_the_pictures(
    study: Study, tiny: Scale, tmp_path: Path
) -> None:
    """Two commands, each with a count and a seed of its own."""
    done = {(4, 1), (8, 0), (8, 1)}
    store = make_results(
        study, tiny, tmp_path, (0, 1), lambda axes: falling(axes) if (axes["count"], axes["seed"]) in done else None
    )
    shown = {(cell.axes["count"], cell.axes["seed"]) for cell in of_first_seeds(cells(store))}
    assert shown == {(4, 1), (8, 0)}


def test_every_entry_of_the_contents_leads_somewhere(report: Path) -> None:
    text = page(report)
    entries = re.findall(r'<li><a href="#([^"]+)">', text)
    assert entries == ["verdicts", "study.cpu", "figures"]
    assert all(f'id="{entry}"' in text for entry in entries)


def test_the_page_says_how_the_study_was_run(report: Path) -> None:
    text = page(report)
    assert "Figure 4: Removal against count (cpu scale)" in text
    for fact in ("tiny", "a small network", "8 done, 0 missing (0 failed)", "barns: 4 (4), 8 (7)", "CPU threads: 1"):
        assert f"<dd>{fact}" in text or fact in text
    assert "Error bars: standard deviation over 2 seeds. Dashed: E_R of perfect removal." in text


def test_all_figures_stand_in_the_table_with_the_photos_beside_the_count(report: Path) -> None:
    table = page(report).split('<h2 id="figures">')[1]
    assert table.count("<tr>") == 1 + 2 * (1 + 8)  # names; of both test sets the untouched pictures and 8 trainings
    for test in ("pairs", "sheds"):
        assert f"<tr><td>{test}, untouched</td><td>2.0</td>" in table
        assert f"<tr><td>{test}, count 8, medium, seed 1, 7 photos</td><td>53.0</td>" in table
    assert "Nothing is left out of the means." in table


def test_verdicts_stand_with_their_numbers(
    study: Study, changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    study = changed(COUNTS, FOUR_COUNTS)
    make_results(study, tiny, tmp_path / "results", (0, 1), falling)
    report = write_report(tmp_path / "results")
    assert '<span class="verdict reproduced">reproduced</span>' in page(report)
    [found] = json.loads((report.parent / "report.json").read_text())["studies"]
    judged = {(each["figure"], each["threshold"]) for each in found["verdicts"]}
    assert {("e_r", 50), ("e_r", 10), ("removal", 10), ("removal_controlled", 10)} <= judged
    for verdict in found["verdicts"]:
        assert verdict["numbers"] in page(report)


@pytest.mark.slow
def test_results_that_hold_means_alone_are_judged_by_their_seeds(
    study: Study, changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    store = make_results(changed(COUNTS, FOUR_COUNTS), tiny, tmp_path, (0, 1), falling)
    whole = _without_intervals(write_report(tmp_path))
    for path in (tmp_path / "results").iterdir():
        result = store.result(path.stem)
        assert result is not None
        means_alone = replace(result.tests["pairs"], images={10: [], 50: []})
        store.write_result(path.stem, replace(result, tests={**result.tests, "pairs": means_alone}))
    assert _without_intervals(write_report(tmp_path)) == whole


def _without_intervals(page: Path) -> str:
    """The report for programs, without the intervals of turning points, which rest on pictures as well."""
    return re.sub(r"in 95 % of draws [^;]*; ", "", (page.parent / "report.json").read_text())


def test_curves_are_means_over_seeds_with_their_spread(report: Path) -> None:
    [found] = json.loads((report.parent / "report.json").read_text())["studies"]
    [small, _] = [c for c in found["curves"] if c["figure"] == "e_r" and c["threshold"] == 50]
    assert (small["label"], small["reference"]) == ("small", 71.5)
    assert small["points"][0] == {"count": 4, "value": 51.5, "error": pytest.approx(stdev([50, 53])), "seeds": 2}


def test_with_one_seed_the_error_is_that_of_the_mean_over_pictures(study: Study, tiny: Scale, tmp_path: Path) -> None:
    found = cells(make_results(study, tiny, tmp_path, (0,), falling))
    [small, _] = curves(found, "rain", Quantity("e_r", 10))
    assert small.curve[4].error == pytest.approx(1 / 3**0.5)  # of -1, 0 and 1 around the mean
    [small, _] = curves(found, "rain", Quantity("e_r", 25))
    assert small.curve[4].error is None


def test_e_b_is_compared_with_the_untouched_pictures(study: Study, tiny: Scale, tmp_path: Path) -> None:
    found = cells(make_results(study, tiny, tmp_path, (0,), falling))
    references = [curves(found, "rain", quantity)[0].reference for quantity in quantities(["e_r", "e_b", "damage"])]
    assert references == [71.5, 37.5, 2.0, 2.0, None]


def test_trainings_that_differ_in_more_than_count_and_seed_are_not_averaged(
    study: Study, tiny: Scale, tmp_path: Path
) -> None:
    found = cells(make_results(study, tiny, tmp_path, (0, 1), falling))
    labels = [curve.label for curve in curves(found, "category", Quantity("e_r", 10))]
    assert labels == ["barns, rain small", "barns, rain medium"]


def test_a_flat_curve_is_not_scaled(changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    store = make_results(changed('figure = "F4"', 'figure = "F6a"'), tiny, tmp_path / "results", (0,), lambda axes: 5.0)
    [small, _] = curves(cells(store), "rain", Quantity("e_r", 10))
    assert scaled(small).curve == {}
    assert write_report(tmp_path / "results").exists()


def test_a_training_that_two_grids_ask_for_counts_once(study: Study, tiny: Scale, tmp_path: Path) -> None:
    found = cells(make_results(study, tiny, tmp_path, (0,), falling))
    [once, _] = curves(found, "rain", Quantity("e_r", 10))
    assert curves([*found, *found], "rain", Quantity("e_r", 10))[0] == once
    elsewhere = [replace(cell, test="sheds") for cell in found]
    labels = [curve.label for curve in curves([*found, *elsewhere], "rain", Quantity("e_r", 10))]
    assert labels == ["small, on pairs", "small, on sheds", "medium, on pairs", "medium, on sheds"]


def test_missing_and_failed_trainings_are_named(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = make_results(study, tiny, tmp_path, (0,), lambda axes: None if axes["count"] == 8 else 50.0)
    store.write_failure(f"{2:016x}", "the loss is <no number>")
    text = page(write_report(tmp_path))
    assert "2 done, 2 missing (1 failed)" in text
    assert "the loss is &lt;no number&gt;" in text


def test_a_study_of_which_nothing_is_done_has_its_place(study: Study, tiny: Scale, tmp_path: Path) -> None:
    make_results(study, tiny, tmp_path, (0,), lambda axes: None)
    assert "0 done, 4 missing (0 failed)" in page(write_report(tmp_path))


@pytest.mark.slow
def test_studies_stand_in_the_order_of_the_paper(changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    for figure, name in (("F11", "a"), ("F4", "b"), ("other", "c"), ("F5", "d")):
        study = changed('figure = "F4"', f'figure = "{figure}"', "Removal against count", name, 'findings = "F4"', "")
        make_results(study, tiny, tmp_path / "results", (0,), falling)
        written = tmp_path / "results" / "studies" / "study.cpu.json"
        content = json.loads(written.read_text())
        content["study"]["name"] = name
        written.rename(written.with_name(f"{name}.cpu.json")).write_text(json.dumps(content))
    text = page(write_report(tmp_path / "results"))
    assert re.findall(r"<h2 id=\"(\w)\.cpu", text) == ["b", "d", "a", "c"]
    assert 'id="verdicts"' not in text


@pytest.mark.slow
def test_figure_6a_is_scaled(changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    study = changed('figure = "F4"', 'figure = "F6a"', COUNTS, FOUR_COUNTS)
    make_results(study, tiny, tmp_path / "results", (0, 1), falling)
    assert "from its lowest value, 0, to its highest, 1" in page(write_report(tmp_path / "results"))


def test_figure_6b_sets_complexity_against_turning_points(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    study = changed('figure = "F4"', 'figure = "F6b"', COUNTS, 'count = [8, 64, 256, 1024]\nrain = "small"')
    store = make_results(study, tiny, tmp_path / "results", (0, 1), falling)
    [(category, count)] = turning_points(cells(store), Quantity("e_r", 50)).items()
    assert category == "barns"
    assert count == pytest.approx(64 * 2**0.5)  # where it passes 35, on its way from 40 at 64 to 20 at 256
    text = page(write_report(tmp_path / "results", complexity={"barns": 0.0123}))
    assert "<td>barns</td><td>0.0123</td><td>91</td>" in text
    both = changed('figure = "F4"', 'figure = "F6b"', COUNTS, 'count = [8, 64, 256, 1024]\nrain = ["small", "medium"]')
    make_results(both, tiny, tmp_path / "both", (0, 1), falling)
    two = page(write_report(tmp_path / "both", complexity={"barns": 0.0123}))
    assert re.search(r"turning point, [^<]*, small</th>", two)
    assert re.search(r"turning point, [^<]*, medium</th>", two)
    assert "<td>barns</td><td>0.0123</td><td>91</td><td>91</td>" in two
    # The photos here are smaller than the patches whose complexity is measured.
    assert "complexity is not known" in page(write_report(tmp_path / "results"))


def test_table_2_has_the_papers_figures_beside_ours(changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    study = changed('figure = "F4"', 'figure = "T2"', COUNTS, 'count = [64, 65]\nrain = "medium"')
    make_results(study, tiny, tmp_path / "results", (0,), lambda axes: 48.0)
    text = page(write_report(tmp_path / "results"))
    assert "<td>64</td><td>1</td><td>48.0</td><td>53.33</td><td>48.0</td><td>25.02</td>" in text
    assert "<td>65</td><td>1</td><td>48.0</td><td>-</td>" in text


def add_opening(store: Store, value: float, response: ResponseMap | None = None) -> None:
    """A given system, measured on the pairs."""
    result = Result({}, {}, None, None, Environment("cpu", 1, "2.13.0"), None, {"pairs": measured(value)}, response)
    store.write_result("opening", result)
    [recorded] = store.studies()
    run = RecordedRun("opening", {**dict.fromkeys(AXES), "network": "opening"}, {"pairs": "as shown"})
    store.write_study(replace(recorded, given=(run,)))


def test_a_filter_that_learnt_nothing_stands_in_curves_and_tables(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    study = changed('figure = "F4"', 'figure = "T2"', COUNTS, 'count = [64, 65]\nrain = "medium"')
    add_opening(make_results(study, tiny, tmp_path / "results", (0,), lambda axes: 48.0), 33.0)
    text = page(write_report(tmp_path / "results"))
    assert "opening: filters that learnt nothing." in text
    assert "<td>opening</td><td>-</td><td>-</td><td>-</td><td>33.0</td><td>-</td>" in text  # of Table 2
    assert "rain seen" not in text  # it is no matrix of systems


def test_table_2_averages_nothing_but_seeds(changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    once = 'count = 64\nrain = "medium"\nlength = [1, 3]\ntests = "pairs"'
    study = changed('figure = "F4"', 'figure = "T2"', f'{COUNTS}\ntests = ["pairs", "sheds"]', once)
    make_results(study, tiny, tmp_path / "results", (0,), lambda axes: 20.0 + axes["length"])
    text = page(write_report(tmp_path / "results"))
    for length in (1, 3):
        row = f"blocks=1, length {length}.0</td><td>medium</td><td>64</td><td>1</td><td>{20 + length}.0</td>"
        assert row in text


def test_figure_6b_leaves_out_what_no_count_or_no_single_curve_decides(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    for number, axes in enumerate(
        ('count = [8, 1024]\nrain = "small"', 'count = [8, 64, 1024]\nrain = ["small", "medium"]')
    ):
        store = make_results(changed(COUNTS, axes), tiny, tmp_path / f"results{number}", (0, 1), falling)
        assert turning_points(cells(store), Quantity("e_r", 50)) == {}


def test_text_of_a_study_is_no_html(changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    make_results(changed("Removal against count", "<b>$1"), tiny, tmp_path / "results", (0,), falling)
    text = page(write_report(tmp_path / "results"))
    assert "&lt;b&gt;$1" in text
    assert "<b>" not in text


def test_the_report_can_go_elsewhere(study: Study, tiny: Scale, tmp_path: Path) -> None:
    make_results(study, tiny, tmp_path / "results", (0,), falling)
    seen: list[tuple[int, int]] = []
    found = write_report(
        tmp_path / "results", tmp_path / "docs", progress=lambda done, total: seen.append((done, total))
    )
    assert found == tmp_path / "docs" / "report" / "index.html"
    assert not (tmp_path / "results" / "report").exists()
    assert seen == [(0, 1), (1, 1)]


@pytest.mark.slow
def test_figures_of_an_earlier_report_go_and_other_files_stay(study: Study, tiny: Scale, tmp_path: Path) -> None:
    for name in ("old", "new"):
        make_results(replace(study, name=name), tiny, tmp_path / "results", (0,), falling)
    figures = write_report(tmp_path / "results").parent / "figures"
    (figures / "mine.png").touch()
    before = {path.name for path in figures.iterdir()}
    (tmp_path / "results" / "studies" / "old.cpu.json").unlink()
    write_report(tmp_path / "results")
    left = {path.name for path in figures.iterdir()}
    assert left == {name for name in before if not name.startswith("old.")} > {"mine.png", "new.cpu.png"}


def test_failures_are_counted_where_trainings_are_called_the_same(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = make_results(study, tiny, tmp_path / "results", (0,), lambda axes: None)
    [recorded] = store.studies()
    first, second, *_ = recorded.runs
    store.write_study(replace(recorded, runs=(first, replace(second, axes=first.axes))))
    for run in (first, second):
        store.write_failure(run.id, "out of memory")
    assert "0 done, 2 missing (2 failed)" in page(write_report(store.folder))


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(str(tmp_path))):
        write_report(tmp_path)


def test_without_matplotlib_the_extra_is_named(
    study: Study, tiny: Scale, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_results(study, tiny, tmp_path / "results", (0,), falling)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"derain\[plots\]"):
        write_report(tmp_path / "results")
    assert not (tmp_path / "results" / "report").exists()


# --- pictures ---------------------------------------------------------------------------------------------------------


def pictures_of(study: Study, scale: Scale, results: Path) -> dict[str, list[tuple[str, Photo | str]]]:
    if not results.exists():  # the study is known, nothing is trained
        make_results(study, scale, results, (0,), lambda axes: None)
    [found] = load_results(Store(results))
    asked_for = found.study.pictures
    assert asked_for is not None
    return {
        strip.title: [(each.caption, each.content) for each in strip.pictures]
        for strip in strips(found, asked_for, Store(results), "cpu")
    }


def with_pictures(changed: Callable[..., Study], pictures: str) -> Study:
    return changed('[plot]\nfigures = "e_r"\nlines = "rain"', f"[pictures]\n{pictures}", 'findings = "F4"', "")


@pytest.fixture
def restored(changed: Callable[..., Study], tiny: Scale, folder: Path) -> tuple[Study, Path]:
    """A study of two networks, trained, and one picture by another system."""
    (folder / "others").mkdir()
    write_image(folder / "others" / "wall0.png", read_image(folder / "pairs" / "clean" / "wall0.png"))
    study = changed(
        '[plot]\nfigures = "e_r"\nlines = "rain"',
        '[pictures]\nkind = "restored"\ntest = "pairs"\nnumber = 2\n'
        '[[pictures.others]]\ntitle = "Rival"\nfolder = "others"',
        'findings = "F4"', "", 'rain = ["small", "medium"]', 'rain = "small"', '["pairs", "sheds"]', '"pairs"',
    )  # fmt: skip
    results = folder / "results"
    for task in prepare([study], tiny, (), Store(results)):
        execute(task, results, "cpu", 1)
    return study, results


@pytest.mark.slow
def test_every_network_restores_the_first_pictures(restored: tuple[Study, Path], tiny: Scale, folder: Path) -> None:
    found = pictures_of(restored[0], tiny, restored[1])
    assert list(found) == ["wall0", "wall1"]
    captions = [caption for caption, _ in found["wall0"]]
    assert captions == ["rainy", "count 4", "count 8", "Rival", "clean"]
    rainy, few, _, rival, clean = [content for _, content in found["wall0"]]
    np.testing.assert_array_equal(rainy, read_image(folder / "pairs" / "rainy" / "wall0.png"))
    np.testing.assert_array_equal(clean, rival)
    assert isinstance(few, np.ndarray)
    [first, _] = cells(Store(restored[1]))
    network, _ = load_model(Store(restored[1]).run(first.identity) / "model.safetensors")
    with torch.inference_mode():
        output = network(torch.from_numpy(rainy / 255).permute(2, 0, 1)[None].float())[0]
    np.testing.assert_array_equal(few, quantise(output).permute(1, 2, 0))
    assert "no picture of that name" in found["wall1"][3][1]
    text = page(write_report(restored[1]))
    assert text.count("data:image/jpeg") == 2 * 5 - 1
    assert (restored[1] / "report" / "figures" / "study.cpu.pictures.png").stat().st_size > 1000


def test_where_weights_are_gone_the_report_says_so(restored: tuple[Study, Path], tiny: Scale) -> None:
    [_, last] = cells(Store(restored[1]))
    (Store(restored[1]).run(last.identity) / "model.safetensors").unlink()
    found = pictures_of(restored[0], tiny, restored[1])
    assert "there is no file" in found["wall0"][2][1]
    assert "there is no file" in page(write_report(restored[1]))


@pytest.mark.slow
def test_the_report_runs_no_code_of_a_network_of_ones_own(
    changed: Callable[..., Study], tiny: Scale, folder: Path
) -> None:
    own = "import torch\nclass Own(torch.nn.Conv2d):\n    def __init__(self):\n        super().__init__(3, 3, 1)\n"
    (folder / "own.py").write_text(own)
    pieces = ('network = "resnet:features=4,blocks=1"', 'network = "own.py:Own"', 'rain = ["small", "medium"]',
              'rain = "small"', '["pairs", "sheds"]', '"pairs"', '[plot]\nfigures = "e_r"\nlines = "rain"',
              '[pictures]\nkind = "restored"\ntest = "pairs"', 'findings = "F4"', "")  # fmt: skip
    store = Store(folder / "results")
    for task in prepare([changed(*pieces)], tiny, (), store):
        execute(task, store.folder, "cpu", 1)
        assert store.failure(task.identity) is None
    assert [len(cell.measured.values("e_r", 10)) for cell in cells(store)] == [2, 2]
    (folder / "own.py").write_text("raise SystemExit\n" + own)
    assert "Own, whose code is not run here" in page(write_report(store.folder))


def test_where_data_are_gone_the_report_says_so(restored: tuple[Study, Path], folder: Path) -> None:
    (folder / "pairs" / "rainy").rename(folder / "pairs" / "moved")
    assert "The pictures are not shown" in page(write_report(restored[1]))


def test_photos_without_ground_truth_have_no_clean_picture(
    changed: Callable[..., Study], tiny: Scale, folder: Path
) -> None:
    study = with_pictures(changed, 'kind = "restored"\nphotos = "sheds"\nnumber = 1')
    found = pictures_of(study, tiny, folder / "results")
    assert [caption for caption, _ in found["shed0"]] == ["rainy"]


def test_large_pictures_are_cut_from_the_middle(changed: Callable[..., Study], tiny: Scale, folder: Path) -> None:
    photo = np.zeros((330, 500, 3), np.uint8)
    photo[5:325, 90:410] = 200
    for side in ("rainy", "clean"):
        write_image(folder / "pairs" / side / "a.png", photo)
    study = with_pictures(changed, 'kind = "decomposition"\ntest = "pairs"\nnumber = 1')
    [(caption, background), *_] = pictures_of(study, tiny, folder / "results")["a"]
    assert caption == "background B"
    assert np.shape(background) == (320, 320, 3)
    assert np.all(np.asarray(background) == 200)


def test_a_rainy_picture_is_taken_apart(changed: Callable[..., Study], tiny: Scale, folder: Path) -> None:
    study = with_pictures(changed, 'kind = "decomposition"\ntest = "pairs"\nnumber = 1')
    found = dict(pictures_of(study, tiny, folder / "results")["wall0"])
    background, rain, rainy, mask, bright = (np.asarray(picture).astype(int) for picture in found.values())
    np.testing.assert_array_equal(background + rain, rainy)
    np.testing.assert_array_equal(mask[..., 0] == 255, rain.max(-1) > 10)
    assert 0 < (bright == 255).mean() < (mask == 255).mean() < 1


def test_an_output_is_shown_on_the_rain_and_beside_it(changed: Callable[..., Study], tiny: Scale, folder: Path) -> None:
    study = with_pictures(changed, 'kind = "decomposition"\ntest = "pairs"\nnumber = 1\nmodel = "nothing"')
    found = dict(pictures_of(study, tiny, folder / "results")["wall0"])
    inside, outside, output = (
        np.asarray(found[caption]) for caption in ("X on the mask: E_R", "X beside it: E_B", "X of nothing")
    )
    np.testing.assert_array_equal(inside + outside, output)
    np.testing.assert_array_equal(output, found["rainy O = B + R"])
    assert not inside[np.asarray(found["mask, t=10"]) == 0].any()


def test_categories_and_ranges_side_by_side(changed: Callable[..., Study], tiny: Scale, folder: Path) -> None:
    study = with_pictures(changed, 'kind = "categories"\nnumber = 3')
    found = pictures_of(study, tiny, folder / "categories")
    assert {name: [caption for caption, _ in row] for name, row in found.items()} == {
        "barns": ["barn0", "barn1", "barn2"]
    }
    study = with_pictures(changed, 'kind = "ranges"\nrain = ["small", "large"]\nnumber = 2')
    found = pictures_of(study, tiny, folder / "ranges")
    assert [len(row) for row in found.values()] == [3, 3]
    (_, background), (_, first), (_, second) = found["small"]
    assert np.shape(background) == (32, 32, 3)
    assert np.all(np.asarray(first) >= np.asarray(background))
    assert not np.array_equal(first, second)


def test_real_rain_is_taken_apart(data: Path, changed: Callable[..., Study], tiny: Scale, tmp_path: Path) -> None:
    study = changed(
        '[plot]\nfigures = "e_r"\nlines = "rain"', '[pictures]\nkind = "decomposition"\ntest = "pairs"\nnumber = 1',
        'findings = "F4"', "", 'rainy = "pairs/rainy"', f'rainy = "{data}/rain/rain100l/rainy"',
        'clean = "pairs/clean"', f'clean = "{data}/rain/rain100l/clean"',
    )  # fmt: skip
    [parts] = pictures_of(study, tiny, tmp_path / "results").values()
    background, rain, rainy, *_ = (np.asarray(content).astype(int) for _, content in parts)
    assert np.shape(background) == (320, 320, 3)
    np.testing.assert_array_equal(np.minimum(background + rain, 255), rainy)


def make_probed_results(study: Study, tiny: Scale, results: Path) -> Store:
    store = make_results(replace(study, probe=True), tiny, results, (0,), falling)
    for cell in cells(store):
        result = store.result(cell.identity)
        assert result is not None
        values = {rain_map.name: np.full(len(rain_map.rains), 0.25) for rain_map in rain_maps(FULL)}
        area = Area(4 / cell.axes["count"], 0.125, 0.75)
        response = ResponseMap(values, values, 12.3, 20.0, area, area, 4)
        header = {"objective": {"rain": load_rain(cell.axes["rain"]).describe()}}
        store.write_result(cell.identity, replace(result, run=header, response=response))
    return store


@pytest.mark.slow
def test_maps_of_the_response_to_rain_are_shown_count_by_count(study: Study, tiny: Scale, tmp_path: Path) -> None:
    make_probed_results(study, tiny, tmp_path / "results")
    text = page(write_report(tmp_path / "results"))
    assert "Response to rain" in text
    assert "<td>0.25</td><td>0.25</td>" in text  # removal within and beyond the range trained on
    assert "area, clean error up to 20" in text
    assert "1.00 (0.12 .. 0.75)" in text  # 4 backgrounds
    assert "0.50 (0.12 .. 0.75)" in text  # 8 backgrounds
    figures = {path.name for path in (tmp_path / "results" / "report" / "figures").iterdir()}
    assert {"study.cpu.response.png", "study.cpu.response1.png"} <= figures  # small and medium rain
    assert not any(name.endswith(".svg") for name in figures if "response" in name)  # maps are pictures
    assert "study.cpu.within-and-beyond.png" in figures


@pytest.mark.slow
def test_streaks_beyond_the_range_are_parted_by_parameter(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = make_probed_results(study, tiny, tmp_path / "results")
    values = {rain_map.name: np.full(len(rain_map.rains), 0.5) for rain_map in rain_maps(FULL)}
    area = Area(0.5, 0.125, 0.75)
    add_opening(store, 33.0, ResponseMap(values, values, 12.3, 20.0, area, area, 4))
    text = page(write_report(tmp_path / "results"))
    assert "<td>within</td><td>2</td><td>0.25</td><td>0.25</td><td>0.50</td>" in text  # small rain, 4 and 8 backgrounds
    assert "<td>angle</td><td>24</td><td>0.25</td><td>0.25</td><td>0.50</td>" in text  # medium rain


def test_a_training_whose_response_is_not_mapped_yet_is_named(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = make_probed_results(study, tiny, tmp_path / "results")
    stopped = next(cell for cell in cells(store) if cell.axes["count"] == 8 and cell.axes["rain"] == "small")
    result = store.result(stopped.identity)
    assert result is not None
    store.write_result(stopped.identity, replace(result, response=None))
    text = page(write_report(tmp_path / "results"))
    assert "not mapped yet of 1, which derain study run makes up for: count 8, small" in text


def test_networks_of_ones_own_are_called_by_file_and_class(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = make_results(study, tiny, tmp_path / "results", (0,), falling)
    [recorded] = store.studies()
    runs = [
        replace(run, axes={**run.axes, "network": f"/home/me/nets/mine.py:Mine:width={8 + index % 2}"})
        for index, run in enumerate(recorded.runs)
    ]
    store.write_study(replace(recorded, runs=tuple(runs)))
    text = page(write_report(tmp_path / "results"))
    assert "mine.py:Mine:width=9" in text
    assert "/home/me" not in text


@pytest.mark.slow
def test_maps_of_trainings_that_two_studies_share_are_drawn_once(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = make_probed_results(study, tiny, tmp_path / "results")
    [recorded] = store.studies()
    runs = tuple(run for run in recorded.runs if run.axes["rain"] == "medium")
    store.write_study(replace(recorded, study=replace(recorded.study, name="zagain"), runs=runs))
    text = page(write_report(tmp_path / "results"))
    assert text.count("red box") == 1
    assert 'the same trainings as in <a href="#study.cpu.response">' in text
    figures = {path.name for path in (tmp_path / "results" / "report" / "figures").iterdir()}
    assert "study.cpu.response1.png" in figures
    assert not any("again" in name and "response" in name for name in figures)


@pytest.mark.parametrize("name", ["index.html", "report.json", "figures/own.png"])
def test_files_of_somebody_else_are_not_overwritten(study: Study, tiny: Scale, tmp_path: Path, name: str) -> None:
    make_results(study, tiny, tmp_path / "results", (0,), falling)
    own = tmp_path / "results" / "report" / name
    own.parent.mkdir(parents=True)
    own.write_text('{"mine": 1}')
    with pytest.raises(InputError, match="derain study report"):
        write_report(tmp_path / "results")
    assert own.read_text() == '{"mine": 1}'
