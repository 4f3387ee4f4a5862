"""A visitor's picture on the page: read it, show before and after, say what happens."""

from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from derain.errors import InputError
from derain.pictures.images import encode_jpeg, read_image
from derain.restoration.changes import NO_PROMISE, draw_changes, find_changes
from derain.support.pages import image_html

_SHOWN_PX, _JPEG_QUALITY = 1600, 90


def read_upload(path: Path, max_pixels: int) -> UInt8[np.ndarray, "h w 3"]:
    """A visitor's picture as `derain.pictures.images.read_image` gives it: upright, RGB 0..255, in sRGB, which is what
    browsers take pictures without a profile for.

    Raises:
        InputError: as of `read_image`; the sentence has the name of the file, but not its place on the server.
    """
    try:
        return read_image(path, max_pixels, srgb=True)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error


def at_most(picture: UInt8[np.ndarray, "h w 3"], side_px: int) -> UInt8[np.ndarray, "_ _ 3"]:
    """The picture, made smaller until no side is longer than `side_px`.

    >>> at_most(np.zeros((100, 300, 3), np.uint8), side_px=60).shape
    (20, 60, 3)
    """
    image = Image.fromarray(picture)
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    return np.array(image)


def comparison_html(before: UInt8[np.ndarray, "h w 3"], after: UInt8[np.ndarray, "h w 3"]) -> str:
    """Two pictures on top of each other, 1600 px wide or high at most, and a slider for the border between them.

    The slider is the browser's own, so that mouse, finger and arrow keys move it.
    """
    shown = ((before, "the photo as it was"), (after, "the restored photo"))
    pictures = (
        image_html(encode_jpeg(at_most(picture, _SHOWN_PX), _JPEG_QUALITY), "jpeg", text) for picture, text in shown
    )
    return (
        f'<div class="compare">{"".join(pictures)}<span>before</span><span>after</span>'
        '<input type="range" max="1" step="0.01" value="0.5" aria-label="Border between before and after"'
        " oninput=\"this.parentElement.style.setProperty('--border', this.value)\"></div>"
    )


def changes_html(before: UInt8[np.ndarray, "h w 3"], after: UInt8[np.ndarray, "h w 3"], strength: float) -> str:
    """The report on a photo, as of `derain restore --report`: warnings, and figures and map folded away."""
    changes = find_changes(before, after, strength)
    drawn = at_most(draw_changes(before, after), _SHOWN_PX)
    picture = image_html(encode_jpeg(drawn, _JPEG_QUALITY), "jpeg", "a map of what was taken away")
    warnings = "".join(f"<p>{escape(text[0].upper() + text[1:])}.</p>" for text in changes.warnings())
    return (
        f'{warnings}<details class="changes"><summary>What was taken away: {escape(changes.in_words())}</summary>'
        f"{picture}<p>Yellow: light taken from all colours alike, as rain adds it. Magenta: any other change."
        f" {NO_PROMISE}</p></details>"
    )


def status_html(text: str) -> str:
    """A line that screen readers read out when it changes.

    >>> status_html("2 < 3")
    '<p role="status">2 &lt; 3</p>'
    """
    return f'<p role="status">{escape(text)}</p>'


def error_html(error: InputError) -> str:
    """The same for what went wrong."""
    return f'<p role="alert">{escape(str(error))}</p>'
