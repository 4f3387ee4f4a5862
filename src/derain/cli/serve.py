"""`derain serve` serves the web page."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console

from derain.app.settings import ServeSettings


@dataclass(frozen=True)
class Serve:
    """Serve a web page that restores photos, lets visitors play with rain, and shows a report."""

    settings: Annotated[ServeSettings, tyro.conf.arg(name="")]

    def run(self, console: Console) -> None:
        from derain.app.server import serve

        def say(url: str) -> None:
            console.print(f"derain serves {url} until Ctrl+C", markup=False, soft_wrap=True)

        serve(self.settings, say)
