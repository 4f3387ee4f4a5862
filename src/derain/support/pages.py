"""HTML pages from templates, pictures inside a page, and drawings by matplotlib.

All pages extend templates/base.html and share its style sheet; templates/macros.html has strips, figures and tables. A
page's own template lies beside the code that fills it.
"""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from derain.errors import needs_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENVIRONMENT = Environment(
    loader=PackageLoader("derain", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.globals["version"] = version("derain")


def render(template: str, values: Mapping[str, object]) -> str:
    """A page from its template.

    Args:
        template: path of the template within the package, such as "probe/page.html".
        values: by their names in the template. Text is escaped, `Markup` is HTML already.
    """
    return _ENVIRONMENT.get_template(template).render(values)


def data_url(data: bytes, kind: Literal["png", "jpeg", "svg+xml"]) -> str:
    """The address of a picture that holds the picture itself.

    >>> data_url(b"abc", "png")
    'data:image/png;base64,YWJj'
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def image_html(data: bytes, kind: Literal["png", "jpeg", "svg+xml"], text: str) -> Markup:
    """An <img> that holds the picture itself.

    Args:
        data: content of the picture's file.
        kind: of the file.
        text: said in place of the picture where it cannot be seen.

    >>> str(image_html(b"abc", "png", "rain & wind"))
    '<img alt="rain &amp; wind" src="data:image/png;base64,YWJj">'
    """
    return Markup('<img alt="{}" src="{}">').format(text, data_url(data, kind))


def strip_html(pictures: Sequence[tuple[str, Markup]]) -> str:
    """Pictures side by side, each with its caption, as the pages have them."""
    return str(_macro("strip")(pictures))


def table_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as the pages have it; text is escaped, `Markup` is not.

    >>> "<td>1 &lt; 2</td><td><b>1.0</b></td>" in table_html(["", "E_R"], [["1 < 2", Markup("<b>1.0</b>")]])
    True
    """
    return str(_macro("table")(head, rows))


def _macro(name: str) -> Callable[..., Markup]:
    macro: Callable[..., Markup] = getattr(_ENVIRONMENT.get_template("support/templates/macros.html").module, name)
    return macro


@contextmanager
def drawing() -> Iterator[None]:
    """The style in which figures are made and saved: the text of an SVG stays text, and equal figures are equal files.

    Raises:
        InputError: matplotlib is not installed.
    """
    with needs_extra("plots", "figures need matplotlib"):
        from matplotlib import rc_context
    with rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "derain",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans", "Verdana"],  # few: every text of an SVG names them all
            "font.size": 10,
        }
    ):
        yield


def to_svg(figure: "Figure") -> str:
    """A figure as an SVG element; to be called within `drawing`."""
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    svg = picture.getvalue()
    return svg[svg.index("<svg") :]
