"""A visitor's steps on the page, from the photo to the download."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from derain.networks import load_model
from derain.painting import generate
from derain.pictures.images import list_images, read_image, write_image
from derain.restoration.restorer import TiledRestorer

TABS = ("Restore", "Play with rain", "Report")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_image(tmp_path / "street.png", generate(3, 200)[:150])
    return tmp_path / "street.png"


def upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]:visible, button:visible >> input[type=file]").first.set_input_files(path)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def downloaded(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def restore_with_strength(page: Page, photo: Path, model: Path, folder: Path) -> None:
    """Upload a photo, move both sliders by keyboard, download, and compare with the library's result."""
    upload(page, photo)
    expect(page.locator("#restore-status")).to_contain_text("restored with strength 1.")
    border = page.get_by_label("Border between before and after")
    border.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".compare")).to_have_attribute("style", "--border: 0.6;")

    result = downloaded(page, folder)
    assert result.name == f"{photo.stem}-derained.png"
    network, _ = load_model(model)
    assert (read_image(result) == TiledRestorer(network).picture(read_image(photo))).all()

    strength = page.get_by_label("range slider for Strength")
    strength.focus()
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_label("number input for Strength")).to_have_value("0.25")
    expect(page.locator("#restore-status")).to_contain_text("restored with strength 0.25.")
    weaker = TiledRestorer(network, strength=0.25).picture(read_image(photo))
    assert (read_image(downloaded(page, folder)) == weaker).all()


def test_a_photo_is_restored_compared_and_downloaded(page: Page, photo: Path, model: Path, tmp_path: Path) -> None:
    restore_with_strength(page, photo, model, tmp_path)


def test_a_real_photo_is_restored_compared_and_downloaded(page: Page, data: Path, model: Path, tmp_path: Path) -> None:
    restore_with_strength(page, list_images(data / "rain" / "rain100l" / "rainy")[0], model, tmp_path)


@pytest.mark.parametrize("example", ["forest", "city"])
def test_a_photo_to_try_is_restored_by_one_click(page: Page, example: str) -> None:
    page.get_by_role("button", name=example.capitalize()).click()
    expect(page.locator("#restore-status")).to_contain_text(f"{example}.jpg, 720 x 360 pixels, restored")


def test_a_text_file_named_jpg_gives_one_sentence(page: Page, photo: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jpg"
    notes.write_text("dear diary")
    for tab in TABS[:2]:
        open_tab(page, tab)
        upload(page, notes)
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("notes.jpg is not an image")
        assert "Traceback" not in page.content()
        assert str(tmp_path) not in page.inner_text("body")
    open_tab(page, "Restore")
    page.get_by_role("button", name="Clear").filter(visible=True).click()
    upload(page, photo)
    expect(page.locator("#restore-status")).to_contain_text("restored with strength 1.")


def test_a_large_file_is_refused(page: Page, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(1_100_000))
    upload(page, tmp_path / "large.png")
    expect(page.get_by_text("exceed the maximum allowed size")).to_be_visible()


def test_figures_follow_the_rain_and_equal_settings_give_the_same_picture(page: Page) -> None:
    open_tab(page, "Play with rain")
    rainy, row = page.get_by_alt_text("rainy picture"), page.locator("#figures tr", has_text="E_R")
    picture, figures = rainy.get_attribute("src"), row.inner_text()
    angle = page.get_by_label("range slider for Angle (degrees)")
    angle.focus()
    page.keyboard.press("ArrowLeft")
    expect(row).not_to_have_text(figures, use_inner_text=True)
    expect(rainy).not_to_have_attribute("src", picture or "")
    page.keyboard.press("ArrowRight")
    expect(rainy).to_have_attribute("src", picture or "")
    expect(row).to_have_text(figures, use_inner_text=True)

    page.get_by_role("radio", name="lines").check()
    expect(rainy).not_to_have_attribute("src", picture or "")
    expect(angle).to_be_hidden()


def test_rain_falls_on_the_visitors_picture(page: Page, photo: Path) -> None:
    open_tab(page, "Play with rain")
    rainy = page.get_by_alt_text("rainy picture")
    picture = rainy.get_attribute("src")
    upload(page, photo)
    expect(rainy).not_to_have_attribute("src", picture or "")
    assert rainy.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [200, 150]
    page.get_by_role("button", name="Clear").filter(visible=True).click()
    expect(rainy).to_have_attribute("src", picture or "")


def test_the_report_is_shown(page: Page) -> None:
    open_tab(page, "Report")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Verdicts")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_cut_off(page: Page, photo: Path, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    upload(page, photo)
    page.locator(".compare").wait_for()
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        beyond = (
            "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
        )
        assert page.evaluate(beyond) == 0


def test_the_keyboard_reaches_everything(page: Page, photo: Path) -> None:
    upload(page, photo)
    page.locator(".compare").wait_for()
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        name = "e => e.ariaLabel || e.innerText || e.type"
        reached.add(page.locator("*:focus").first.evaluate(name) if page.locator("*:focus").count() else "")
    assert {"Play with rain", "Clear", "radio", "range slider for Strength", "Download the result (PNG)"} <= reached
    assert "Border between before and after" in reached
