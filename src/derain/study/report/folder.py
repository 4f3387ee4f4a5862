"""The folder of a report: its figures as files, and what an earlier report left there."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from derain.errors import InputError
from derain.study.run.store import FORMAT, Store, read_json
from derain.support.files import make_folder, write_bytes
from derain.support.pages import image_html, to_svg
from derain.support.records import OwnedFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150


@dataclass(frozen=True)
class ReportFolder:
    """The folder that a report goes to, and what is in it so far.

    Attributes:
        store: holds the weights of the networks that are shown.
        folder: of the report.
        device: torch device that restores pictures.
        shown: names of the sections that hold the maps of a group of trainings.
        figures: names of the files written to figures/.
    """

    store: Store
    folder: Path
    device: str
    shown: dict[frozenset[str], str] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)

    def claim(self) -> None:
        """Make the folder, and note that it holds a report, so that one that is broken off can be made again.

        Raises:
            InputError: it holds a page or figures that are no report, or cannot be written.
        """
        owned = OwnedFolder(self.folder, "report.json", "derain study report")
        owned.claim(("format", "figures", "studies"), ["index.html", "figures"])
        make_folder(self.folder / "figures")
        if not (self.folder / "report.json").exists():
            owned.write({"format": FORMAT, "figures": [], "studies": []})

    def save(self, figure: "Figure", name: str, text: str) -> Markup:
        """Write a figure as PNG and SVG, and give the HTML that holds the SVG."""
        self.save_png(figure, name, text)
        svg = to_svg(figure).encode()
        self._write(f"{name}.svg", svg)
        return image_html(svg, "svg+xml", text)

    def save_png(self, figure: "Figure", name: str, text: str) -> Markup:
        """Write a figure of many small parts as PNG alone, and give the HTML that holds it."""
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_DPI)
        png = picture.getvalue()
        self._write(f"{name}.png", png)
        return image_html(png, "png", text)

    def _write(self, name: str, content: bytes) -> None:
        write_bytes(self.folder / "figures" / name, content)
        self.figures.append(name)

    def clear(self) -> None:
        """Remove the files of figures that an earlier report wrote and this one did not."""
        try:
            earlier = read_json(self.folder / "report.json", "figures")["figures"]
        except InputError:
            return  # there is none, or it does not say what it wrote
        for path in (self.folder / "figures").iterdir():
            if path.name in earlier and path.name not in self.figures:
                path.unlink()
