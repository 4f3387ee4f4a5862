"""A visitor's picture: read as a person sees it, shown before and after, refused without a word about the server."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from derain.app.photos import at_most, changes_html, comparison_html, error_html, read_upload, status_html
from derain.errors import InputError


def test_an_upload_is_upright_rgb(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (30, 20), 70).save(tmp_path / "phone.jpg", exif=exif)
    picture = read_upload(tmp_path / "phone.jpg", max_pixels=600)
    assert picture.shape == (30, 20, 3)
    assert (picture == 70).all()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"dear diary", r"notes\.jpg is not an image \(PNG, .*\)"),
        (None, r"notes\.jpg has 30 x 20 pixels, more than the limit of 599"),
    ],
)
def test_a_refusal_names_the_file_and_not_the_server(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "notes.jpg"
    if content is None:
        Image.new("RGB", (30, 20)).save(path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_upload(path, max_pixels=599)
    assert re.fullmatch(sentence, str(refusal.value))


def test_colours_of_a_phone_become_those_that_browsers_show(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile = profile[:red] + b"gXYZ" + profile[red + 4 : green] + b"rXYZ" + profile[green + 4 :]
    Image.new("RGB", (9, 7), (255, 0, 0)).save(tmp_path / "a.png", icc_profile=profile)
    assert read_upload(tmp_path / "a.png", max_pixels=600)[0, 0].tolist() == pytest.approx([0, 255, 0], abs=2)


def test_small_pictures_stay_as_they_are() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    assert (at_most(picture, 50) == picture).all()
    assert at_most(picture, 25).shape == (20, 25, 3)


def test_what_was_taken_away_is_shown_with_its_warnings() -> None:
    photo = np.full((40, 60, 3), 100, np.uint8)
    html = changes_html(photo, photo - np.uint8(20), 1.0)
    assert html.startswith("<details")
    assert "100.0 % of the pixels changed" in html
    [picture] = re.findall('src="data:image/jpeg;base64,([^"]+)"', html)
    red, _, blue = np.array(Image.open(io.BytesIO(base64.b64decode(picture)))).mean((0, 1))
    assert red > blue + 30
    assert changes_html(photo, photo, 1.0).startswith("<p>Hardly anything was taken away")


def test_the_comparison_holds_both_pictures_and_a_slider() -> None:
    html = comparison_html(np.zeros((900, 3200, 3), np.uint8), np.full((900, 3200, 3), 255, np.uint8))
    before, after = (
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall('src="data:image/jpeg;base64,([^"]+)"', html)
    )
    assert before.size == after.size == (1600, 450)
    assert np.array(before).max() == 0
    assert np.array(after).min() == 255
    assert html.count('type="range"') == 1


def test_names_of_files_cannot_become_html() -> None:
    for html in (status_html("<img onerror=x>.jpg"), error_html(InputError("<img onerror=x>.jpg"))):
        assert "<img" not in html
