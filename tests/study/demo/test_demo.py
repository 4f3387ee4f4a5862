"""The demo at a tiny scale: its files, and sentences that follow from the figures."""

import multiprocessing
import re
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from derain.errors import InputError
from derain.networks import load_model
from derain.pictures.images import list_images
from derain.study.demo.run import GRID, SCALE, describe_findings, run_demo
from derain.study.judge.results import Cell, load_results
from derain.study.report.terminal import Watcher
from derain.study.run.scheduler import State
from derain.study.run.store import Store

TINY = replace(SCALE, iterations=8, patch_size=32, layers=4, warmup=2)
TWO = replace(GRID, network=("unet:base=4,levels=2,norm=none",), count=(8, 16))


@pytest.fixture(scope="module")
def printed() -> StringIO:
    return StringIO()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, printed: StringIO) -> Path:
    out = tmp_path_factory.mktemp("demo")
    run_demo(out, None, Console(file=printed), TINY, TWO)
    return out


def cells(out: Path) -> list[Cell]:
    [results] = load_results(Store(out))
    return results.cells


@pytest.mark.slow
def test_models_and_results_are_there(demo: Path) -> None:
    few, many = cells(demo)
    for cell, count in ((few, 8), (many, 16)):
        model = demo / "runs" / cell.identity / "model.safetensors"
        assert load_model(model)[1]["objective"]["count"] == count
        assert cell.measured.value("removal_controlled", 10) is not None
    assert few.measured.input == many.measured.input


@pytest.mark.slow
def test_the_page_stands_alone_and_says_what_it_is(demo: Path, printed: StringIO) -> None:
    page = (demo / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert page.count("<figure>") == 4 * 3
    assert "small-scale illustration" in page
    assert "250,000 iterations" in page
    assert "$" not in page
    said = re.compile(r"\((controlled removal|clean error)\):")
    findings = [line for line in printed.getvalue().splitlines() if said.search(line)]
    assert len(findings) == 2
    assert all(finding in page for finding in findings)


@pytest.mark.slow
def test_the_page_shows_which_rain_each_network_removes(demo: Path) -> None:
    page = (demo / "report.html").read_text()
    assert "controlled removal of every rain" in page
    for count in (8, 16):
        assert f"<tr><td>{count}</td><td>0</td>" in page  # removal within and beyond the range, and the areas


@pytest.mark.slow
def test_a_second_call_trains_nothing_again(demo: Path) -> None:
    logs = sorted(demo.glob("runs/*/log.jsonl"))
    before = [log.read_bytes() for log in logs]
    run_demo(demo, None, Console(quiet=True), TINY, TWO)
    assert [log.read_bytes() for log in logs] == before
    assert len(before) == 2


@pytest.mark.slow
def test_it_runs_on_a_folder_of_sets(data: Path, tmp_path: Path) -> None:
    for source in ("natural/train", "rain/rain100l/rainy", "rain/rain100l/clean"):
        (tmp_path / "data" / source).mkdir(parents=True)
        for picture in list_images(data / source)[:9]:
            (tmp_path / "data" / source / picture.name).symlink_to(picture)
    scale = replace(TINY, iterations=1, warmup=0)
    run_demo(tmp_path / "out", tmp_path / "data", Console(quiet=True), scale, TWO)
    few, _ = cells(tmp_path / "out")
    assert few.measured.names[:2] == ["rain-1", "rain-11"]
    assert "Rain100L" in (tmp_path / "out" / "report.html").read_text()


def images(removal: list[float], error: list[float]) -> dict[str, list[float]]:
    return {"removal_controlled": removal, "clean_error": error}


def test_the_sentences_follow_from_the_figures() -> None:
    strong, weak, unclear = [0.8, 0.82, 0.79], [0.3, 0.33, 0.28], [0.1, 0.95, 0.5]
    good, bad = [2.0, 2.1, 1.9], [20.0, 21.0, 19.0]
    rain, picture = describe_findings((8, 16), images(strong, bad), images(weak, good))
    assert "removes 80%" in rain
    assert "removes 30%" in rain
    assert "slacks off" in rain
    assert "paid for with the picture" in picture
    rain, picture = describe_findings((8, 16), images(weak, good), images(strong, bad))
    assert "other way round" in rain
    assert "keep the picture better" in picture
    rain, picture = describe_findings((8, 16), images([0.31, 0.34, 0.29], good), images(weak, good))
    assert "not visible at this scale" in rain
    rain, picture = describe_findings((8, 16), images(unclear, good), images(weak, good))
    assert "not visible at this scale" in rain
    assert "not visible at this scale" in picture


@pytest.mark.parametrize(("module", "package"), [("skimage", "scikit-image"), ("matplotlib", "matplotlib")])
def test_a_missing_package_is_named_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"the demo needs {package}, .*derain\[demo\]"):
        run_demo(tmp_path / "out", None, Console(quiet=True), TINY, TWO)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_interruption_ends_the_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(watcher: Watcher, state: State) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Watcher, "show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_demo(tmp_path, None, Console(quiet=True), replace(TINY, iterations=100), TWO)
    assert not list(tmp_path.rglob("model.safetensors"))
    assert not multiprocessing.active_children()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"natural/train"):
        run_demo(tmp_path / "out", tmp_path, Console(quiet=True), TINY, TWO)


def test_files_of_somebody_else_are_not_overwritten(tmp_path: Path) -> None:
    photograph = tmp_path / "a" / "photographs" / "test" / "chelsea-1.png"
    photograph.parent.mkdir(parents=True)
    for path, folder in ((photograph, tmp_path / "a"), (tmp_path / "report.html", tmp_path)):
        path.write_text("mine")
        with pytest.raises(InputError, match=rf"{path.name} is no result of derain demo and is not overwritten"):
            run_demo(folder, None, Console(quiet=True), TINY, TWO)
        assert path.read_text() == "mine"
