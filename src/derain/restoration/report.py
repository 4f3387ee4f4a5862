"""The page of `derain restore --report`: of every photo what was changed, where, and what to be careful about."""

import os
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template
from urllib.parse import quote

from derain.restoration.changes import Changes

PAGE = "report.html"


def strip_name(name: str) -> str:
    """Of the picture that the page shows for a result.

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
    warned = sum(bool(changes.warnings()) for changes in photos.values())
    template = Template(files("derain.restoration").joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        summary=f"{len(photos)} photo{'' if len(photos) == 1 else 's'}, {warned or 'none'} of them with a warning.",
        photos="\n".join(_article(name, changes) for name, changes in in_order),
        version=version("derain"),
    )


def _article(name: str, changes: Changes) -> str:
    warnings = "".join(f'<p class="warning">{escape(text[0].upper() + text[1:])}.</p>' for text in changes.warnings())
    address = quote(os.fsencode(strip_name(name)))
    return f"""<article>
<h2>{escape(name)}</h2>
{warnings}<p class="figures">{escape(changes.in_words())}</p>
<div class="heads"><span>photo</span><span>restored</span><span>what was taken away</span></div>
<a href="{address}"><img src="{address}" loading="lazy"
alt="{escape(name)}, the result, and a map of what was taken away"></a>
</article>"""
