"""Actions of the controls, without a browser; the whole page in one is tested by make test-browser."""

from pathlib import Path

import numpy as np
import pytest
import torch

from derain.networks import Network, build
from derain.pictures.images import read_image, write_image
from derain.restoration.restorer import TiledRestorer

pytest.importorskip("gradio")

from derain.app import page as page_module
from derain.app.page import EXAMPLES, Page, example
from derain.app.play import RainSettings

PICTURE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
CONTROLS = tuple(vars(RainSettings()).values())


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return build("unet", {"base": 4, "levels": 2})


@pytest.fixture
def page(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    return Page({"small": network}, "cpu", max_pixels=4000, report=False)


def test_a_photo_is_restored_and_offered_under_its_name(page: Page, network: Network, tmp_path: Path) -> None:
    write_image(tmp_path / "street.png", PICTURE)
    [(download, status)] = page.prepare(str(tmp_path / "street.png"), "small")
    assert not download.interactive
    assert "Restoring street.png" in status
    comparison, download, status = page.restore(str(tmp_path / "street.png"), "small", 0.5)
    assert comparison.count("<img") == 3  # photo, result, what was taken away
    assert "street.png, 70 x 50 pixels, restored with strength 0.5" in status
    result = Path(download.value["path"])
    assert result.name == "street-derained.png"
    assert (read_image(result) == TiledRestorer(network, strength=0.5).picture(PICTURE)).all()


def test_another_strength_does_not_wait_for_the_network_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    torch.manual_seed(0)
    networks = {name: build("unet", {"base": 4, "levels": 2}) for name in ("one", "other")}
    ran: list[str] = []
    for name, each in networks.items():
        each.register_forward_hook(lambda *_, name=name: ran.append(name))
    page = Page(networks, "cpu", max_pixels=4000, report=False)
    write_image(tmp_path / "street.png", PICTURE)
    write_image(tmp_path / "lane.png", PICTURE[::-1])
    for photo, model, strength, again in (
        ("street.png", "one", 1.0, {"one"}),
        ("street.png", "one", 0.25, set()),
        ("street.png", "other", 0.25, {"other"}),
        ("lane.png", "other", 1.5, {"other"}),
    ):
        ran.clear()
        _, download, _ = page.restore(str(tmp_path / photo), model, strength)
        assert set(ran) == again
        expected = TiledRestorer(networks[model], strength=strength).picture(read_image(tmp_path / photo))
        assert (read_image(Path(download.value["path"])) == expected).all()


def test_a_text_file_named_jpg_gives_one_sentence(page: Page, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jpg"
    notes.write_text("dear diary")
    assert len(list(page.prepare(str(notes), "small"))) == 1
    comparison, download, status = page.restore(str(notes), "small", 1.0)
    assert "<img" not in comparison
    assert not download.interactive
    assert 'role="alert">notes.jpg is not an image' in status
    *_, status = page.play("meadow", str(notes), "small", *CONTROLS)
    assert 'role="alert">notes.jpg is not an image' in status
    assert str(tmp_path) not in status


def test_a_photo_that_is_taken_away_leaves_nothing(page: Page) -> None:
    assert list(page.prepare(None, "small")) == []
    comparison, download, status = page.restore(None, "small", 1.0)
    assert "<img" not in comparison
    assert not download.interactive
    assert status == ""


def test_rain_falls_on_the_visitors_picture(page: Page, tmp_path: Path) -> None:
    write_image(tmp_path / "street.png", PICTURE)
    pictures, figures, status = page.play("meadow", str(tmp_path / "street.png"), "small", *CONTROLS)
    assert pictures.count("<img") == 4
    assert "controlled removal" in figures
    assert status == ""
    assert page.play("meadow", None, "small", *CONTROLS)[0] != pictures


def test_a_number_that_was_deleted_gives_one_sentence(page: Page) -> None:
    *_, status = page.play("meadow", None, "small", *CONTROLS[:-1], None)
    assert 'role="alert">a number is missing' in status


@pytest.mark.parametrize("name", EXAMPLES.values())
def test_photos_to_try_are_there_with_a_note_on_their_licence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = Path(example(name))
    assert tmp_path in path.parents
    assert path.name == name
    assert path.stat().st_size < 150_000
    assert read_image(path).shape == (360, 720, 3)
    note = Path(page_module.__file__).with_name("examples") / "README.md"
    assert f"| {name} |" in note.read_text(encoding="utf-8")
