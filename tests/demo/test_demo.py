"""The demo at a tiny scale: its files, and sentences that follow from the figures."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from derain.demo import Scale, describe_findings, run_demo
from derain.errors import InputError
from derain.networks import load_model
from derain.pictures.images import list_images

TINY = Scale(many=16, network="unet:base=4,levels=2,norm=none", iterations=8, patch_size=32, layers=4, warmup=2)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    run_demo(out, None, Console(quiet=True), TINY)
    return out


def test_models_and_results_are_there(demo: Path) -> None:
    results = json.loads((demo / "results.json").read_text())
    for name, count in (("few", 8), ("many", 16)):
        assert load_model(demo / name / "model.safetensors")[1]["objective"]["count"] == count
        assert results[name]["mean"]["removal_controlled"] is not None
        assert [point["iteration"] for point in results["curves"][name]] == list(range(1, 9))
    assert results["few"]["input"] == results["many"]["input"]


def test_the_page_stands_alone_and_says_what_it_is(demo: Path) -> None:
    page = (demo / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert page.count("<figure>") == 4 * 3
    assert "small-scale illustration" in page
    assert "250,000 iterations" in page
    assert "$" not in page
    for finding in json.loads((demo / "results.json").read_text())["findings"]:
        assert finding in page


def test_a_second_call_trains_nothing_again(demo: Path) -> None:
    before = (demo / "few" / "log.jsonl").read_bytes()
    run_demo(demo, None, Console(quiet=True), TINY)
    assert (demo / "few" / "log.jsonl").read_bytes() == before


def test_it_runs_on_a_folder_of_sets(data: Path, tmp_path: Path) -> None:
    for source in ("natural/train", "rain/rain100l/rainy", "rain/rain100l/clean"):
        (tmp_path / "data" / source).mkdir(parents=True)
        for picture in list_images(data / source)[:9]:
            (tmp_path / "data" / source / picture.name).symlink_to(picture)
    scale = replace(TINY, iterations=1, warmup=0)
    run_demo(tmp_path / "out", tmp_path / "data", Console(quiet=True), scale)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [image["name"] for image in results["few"]["images"]][:2] == ["rain-1", "rain-11"]
    assert "Rain100L" in (tmp_path / "out" / "report.html").read_text()


def images(removal: list[float], error: list[float]) -> list[dict[str, float]]:
    return [{"removal_controlled": r, "clean_error": e} for r, e in zip(removal, error, strict=True)]


def test_the_sentences_follow_from_the_figures() -> None:
    strong, weak, unclear = [0.8, 0.82, 0.79], [0.3, 0.33, 0.28], [0.1, 0.95, 0.5]
    good, bad = [2.0, 2.1, 1.9], [20.0, 21.0, 19.0]
    rain, picture = describe_findings(TINY, images(strong, bad), images(weak, good))
    assert "removes 80%" in rain
    assert "removes 30%" in rain
    assert "slacks off" in rain
    assert "paid for with the picture" in picture
    rain, picture = describe_findings(TINY, images(weak, good), images(strong, bad))
    assert "other way round" in rain
    assert "keep the picture better" in picture
    rain, picture = describe_findings(TINY, images([0.31, 0.34, 0.29], good), images(weak, good))
    assert "not visible at this scale" in rain
    rain, picture = describe_findings(TINY, images(unclear, good), images(weak, good))
    assert "not visible at this scale" in rain
    assert "not visible at this scale" in picture


@pytest.mark.parametrize(("module", "package"), [("skimage", "scikit-image"), ("matplotlib", "matplotlib")])
def test_a_missing_package_is_named_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"the demo needs {package}, .*derain\[demo\]"):
        run_demo(tmp_path / "out", None, Console(quiet=True), TINY)
    assert not list(tmp_path.iterdir())


def test_an_interruption_ends_the_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(run: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("derain.demo.last_iteration", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_demo(tmp_path, None, Console(quiet=True), replace(TINY, iterations=100))
    assert not list(tmp_path.rglob("model.safetensors"))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"natural/train"):
        run_demo(tmp_path / "out", tmp_path, Console(quiet=True), TINY)
