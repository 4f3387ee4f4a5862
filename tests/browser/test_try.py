"""A visitor's steps on docs/try, the page that restores photos in the browser: against `derain restore`."""

import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from derain.networks import load_model
from derain.painting import generate
from derain.pictures.images import read_image, write_image
from derain.restoration.restorer import TiledRestorer
from derain.restoration.tiles import overlap

FOLDER = Path(__file__).parents[2] / "docs" / "try"
PATIENCE_MS = 120_000


class Handler(SimpleHTTPRequestHandler):
    """Serves the folder, and counts who asks."""

    headers_sent: tuple[tuple[str, str], ...] = ()
    asked: list[str]

    def end_headers(self) -> None:
        self.asked.append(self.path)
        for name, value in self.headers_sent:
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(headers: dict[str, str] | None = None) -> ThreadingHTTPServer:
    members = {"headers_sent": tuple((headers or {}).items()), "asked": []}
    handler = partial(type("Handler", (Handler,), members), directory=str(FOLDER))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked = members["asked"]  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def address_of(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    assert (FOLDER / "built" / "balanced.onnx").exists(), "make try has not been run"
    with serve() as server:
        yield address_of(server)
        server.shutdown()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """The page as a visitor finds it; in the end nothing outside was asked for."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    wrong: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(site)
    yield page
    page.close()
    assert [url for url in asked if not url.startswith((site, f"blob:{site}"))] == []
    assert wrong == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Odd sides, and more than one tile each way."""
    write_image(tmp_path / "street.png", generate(3, 700)[:661])
    return tmp_path / "street.png"


def choose(page: Page, path: Path) -> None:
    page.get_by_label("Drop a photo here").set_input_files(path)


def wait_for_result(page: Page, says: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(says, timeout=PATIENCE_MS)
    expect(page.get_by_role("region", name="Result")).to_be_visible()


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def restored_here(photo: Path) -> np.ndarray:
    """The library's result."""
    network, _ = load_model("balanced")
    return TiledRestorer(network).picture(read_image(photo))


def restored(photo: Path, folder: Path) -> np.ndarray:
    """The result of `derain restore`."""
    subprocess.run([sys.executable, "-m", "derain", "restore", photo, "--out", folder], check=True)
    return read_image(folder / photo.name)


def largest_difference(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


def test_the_result_is_that_of_derain_restore_over_the_borders_of_tiles(
    page: Page, photo: Path, tmp_path: Path
) -> None:
    choose(page, photo)
    wait_for_result(page, "street.png, 700 x 661 pixels, is restored.")
    result = download(page, "Download PNG", tmp_path)
    assert result.name == "street-derained.png"
    expected = restored(photo, tmp_path / "restored")
    assert largest_difference(read_image(result), expected) <= 1
    assert largest_difference(read_image(photo), expected) > 10


def test_tiles_see_as_far_as_the_model(page: Page) -> None:
    network, _ = load_model("balanced")
    margin_px, multiple_px = page.evaluate("import('./tiles.js').then(tiles => [tiles.MARGIN_PX, tiles.MULTIPLE_PX])")
    assert overlap(network.descriptor, 1024).margin_px == margin_px
    assert network.descriptor.size_multiple_px == multiple_px


@pytest.mark.parametrize("side_px", [1, 7, 656, 657, 2000, 5184])
def test_parts_of_tiles_cover_a_side_once(page: Page, side_px: int) -> None:
    spans = page.evaluate("side => import('./tiles.js').then(tiles => tiles.spans(side))", side_px)
    covered = [pixel for span in spans for pixel in range(span["begin"], span["end"])]
    assert covered == list(range(side_px))
    for span in spans:
        assert span["start"] == max(span["begin"] - 56, 0)
        assert span["stop"] == min(span["end"] + 56, side_px)
        assert span["start"] % 8 == 0


@pytest.mark.parametrize("size", [(1, 1), (5, 90)])
def test_a_tiny_photo_is_restored(page: Page, tmp_path: Path, size: tuple[int, int]) -> None:
    photo = tmp_path / "tiny.png"
    write_image(photo, generate(4, 128)[: size[0], : size[1]])
    choose(page, photo)
    wait_for_result(page, "is restored.")
    result = read_image(download(page, "Download PNG", tmp_path))
    assert largest_difference(result, restored_here(photo)) <= 1


def test_a_grey_photo_stays_grey(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "grey.png"
    Image.fromarray(generate(5, 128)).convert("L").save(photo)
    choose(page, photo)
    wait_for_result(page, "is restored.")
    result = read_image(download(page, "Download PNG", tmp_path))
    assert (result == result[..., :1]).all()
    assert largest_difference(result, restored(photo, tmp_path / "restored")) <= 1


def test_a_photo_that_was_taken_upright_stays_upright(page: Page, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(generate(6, 128)[:80]).save(tmp_path / "upright.jpg", exif=exif, quality=95)
    choose(page, tmp_path / "upright.jpg")
    wait_for_result(page, "upright.jpg, 80 x 128 pixels, is restored.")
    result = download(page, "Download JPEG", tmp_path)
    assert result.name == "upright-derained.jpg"
    with Image.open(result) as image:
        assert (image.format, image.size) == ("JPEG", (80, 128))
    difference = read_image(result).astype(float) - restored_here(tmp_path / "upright.jpg")
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("example", ["Forest", "City"])
def test_an_example_is_restored_by_one_click(page: Page, example: str) -> None:
    page.get_by_role("button", name=example).click()
    wait_for_result(page, f"{example.lower()}.jpg, 720 x 360 pixels, is restored.")


def test_the_slider_moves_by_keyboard(page: Page, photo: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "small.png", read_image(photo)[:64, :64])
    choose(page, tmp_path / "small.png")
    wait_for_result(page, "is restored.")
    border = page.get_by_label("Border between before and after")
    border.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#compare")).to_have_attribute("style", "--border: 0.6;")
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
    reached = set()
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()"))
    assert {"border", "Download PNG", "Download JPEG"} <= reached


def drop_text(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new DragEvent('drop', {dataTransfer: new DataTransfer(), cancelable: true}))")


def heic() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic"


def truncated_jpeg(folder: Path) -> bytes:
    Image.fromarray(generate(7, 256)).save(folder / "whole.jpg")
    return (folder / "whole.jpg").read_bytes()[:1000]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("notes.jpg", "notes.jpg is not a picture that this browser can decode."),
        ("empty.png", "empty.png is empty."),
        (
            "IMG_1.heic",
            "IMG_1.heic is a HEIC photo, which this browser cannot decode: save it as PNG or JPEG, or derain",
        ),
        ("scan.tif", "scan.tif is a TIFF or RAW photo, which browsers cannot decode"),
        ("broken.jpg", "broken.jpg is damaged"),
    ],
)
def test_a_file_that_is_no_photo_gives_one_sentence(page: Page, tmp_path: Path, name: str, sentence: str) -> None:
    contents = {
        "notes.jpg": b"dear diary, it rained",
        "empty.png": b"",
        "IMG_1.heic": heic(),
        "scan.tif": b"II*\0" + bytes(100),
        "broken.jpg": truncated_jpeg(tmp_path),
    }
    (tmp_path / name).write_bytes(contents[name])
    choose(page, tmp_path / name)
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    write_image(tmp_path / "good.png", generate(8, 64))
    choose(page, tmp_path / "good.png")
    wait_for_result(page, "good.png, 64 x 64 pixels, is restored.")
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_photo_of_too_many_pixels_is_refused(page: Page, tmp_path: Path) -> None:
    Image.new("1", (9000, 6000)).save(tmp_path / "large.png")
    choose(page, tmp_path / "large.png")
    expect(page.get_by_role("alert")).to_have_text(
        "large.png has 54 megapixels: this page takes at most 50.", timeout=PATIENCE_MS
    )


def test_a_photo_that_is_dropped_is_restored(page: Page) -> None:
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(40, 30);
          canvas.getContext("2d").fillRect(0, 0, 9, 9);
          const transfer = new DataTransfer();
          transfer.items.add(new File([await canvas.convertToBlob()], "dropped.png"));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
        }"""
    )
    wait_for_result(page, "dropped.png, 40 x 30 pixels, is restored.")


def test_a_large_photo_is_worked_on_until_it_is_cancelled_and_another_one_restored(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3000), "grey").save(tmp_path / "large.png")
    choose(page, tmp_path / "large.png")
    expect(page.get_by_role("progressbar")).to_have_attribute("max", "35", timeout=PATIENCE_MS)
    drop_text(page)
    expect(page.get_by_role("alert")).to_have_text("That was no file: drop a photo, or choose one.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_have_text("Cancelled.")
    expect(page.get_by_role("region", name="Result")).to_be_hidden()
    write_image(tmp_path / "small.png", generate(8, 64))
    choose(page, tmp_path / "small.png")
    wait_for_result(page, "small.png, 64 x 64 pixels, is restored.")


@pytest.mark.parametrize("file", ["balanced.onnx", "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"])
def test_a_model_that_cannot_be_loaded_gives_one_sentence(page: Page, tmp_path: Path, file: str) -> None:
    write_image(tmp_path / "small.png", generate(8, 64))
    page.context.route(f"**/{file}", lambda route: route.fulfill(status=404))
    choose(page, tmp_path / "small.png")
    expect(page.get_by_role("alert")).to_have_text(
        re.compile(r"The model could not be loaded \(.+\)\. Check your connection and try again\.")
    )
    page.context.unroute(f"**/{file}")
    choose(page, tmp_path / "small.png")
    wait_for_result(page, "is restored.")


def test_neither_the_page_nor_its_worker_can_send_anything_elsewhere(page: Page, tmp_path: Path) -> None:
    write_image(tmp_path / "small.png", generate(8, 64))
    choose(page, tmp_path / "small.png")
    wait_for_result(page, "is restored.")
    with serve({"Access-Control-Allow-Origin": "*"}) as elsewhere:
        send = "url => fetch(url, {method: 'POST', body: 'a photo'}).then(() => 'sent', () => 'refused')"
        for place in (page, *page.workers):
            assert place.evaluate(send, address_of(elsewhere)) == "refused"
        assert len(page.workers) == 1
        assert elsewhere.asked == []  # type: ignore[attr-defined]
        elsewhere.shutdown()


def test_on_an_isolated_page_threads_make_the_same_picture(browser: Browser, tmp_path: Path) -> None:
    headers = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
    photo = tmp_path / "small.png"
    write_image(photo, generate(9, 200)[:150])
    with serve(headers) as server:
        page = browser.new_page()
        page.goto(address_of(server))
        assert page.evaluate("crossOriginIsolated")
        choose(page, photo)
        wait_for_result(page, "is restored.")
        result = read_image(download(page, "Download PNG", tmp_path))
        page.close()
        server.shutdown()
    assert largest_difference(result, restored_here(photo)) <= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_cut_off(page: Page, tmp_path: Path, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    write_image(tmp_path / "wide.png", generate(8, 256)[:60])
    choose(page, tmp_path / "wide.png")
    wait_for_result(page, "is restored.")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    beyond = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
    assert page.evaluate(beyond) == 0
