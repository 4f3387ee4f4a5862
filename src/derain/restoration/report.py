"""The page of `derain restore --report`: what was changed in every photo, where, and what to be careful about."""

import os
from collections.abc import Mapping
from urllib.parse import quote

from derain.restoration.changes import NO_PROMISE, Changes
from derain.support.pages import render

PAGE = "report.html"


def strip_name(name: str) -> str:
    """The name of the picture that the page shows for a result.

    >>> strip_name("a.png")
    'a.png.report.jpg'
    """
    return f"{name}.report.jpg"


def report_page(photos: Mapping[str, Changes]) -> str:
    """The page as HTML; it shows pictures that lie beside it, those with warnings first.

    Args:
        photos: of every result by its name.

    >>> page = report_page({"a&b.png": Changes(mean_levels=2.0, share=0.1, unlike_rain=0.001)})
    >>> 'src="a%26b.png.report.jpg"' in page, "10.0 % of the pixels" in page
    (True, True)
    """
    in_order = sorted(photos.items(), key=lambda item: (not item[1].warnings(), item[0]))
    return render(
        "restoration/report.html",
        {
            "photos": in_order,
            "warned": sum(bool(changes.warnings()) for _, changes in in_order),
            "no_promise": NO_PROMISE,
            "address": _address,
        },
    )


def _address(name: str) -> str:
    return quote(os.fsencode(strip_name(name)))
