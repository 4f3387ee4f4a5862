"""The layout of the page, and what its controls set off; the work is done in `photos` and `play`."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, get_args

import gradio as gr
import numpy as np
import torch
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder
from jaxtyping import Float, UInt8

from derain.app.photos import at_most, changes_html, comparison_html, error_html, read_upload, status_html
from derain.app.play import OWN, SAMPLES, RainSettings, play, sample
from derain.errors import InputError
from derain.networks.base import Network
from derain.pictures.formats import SUFFIXES
from derain.pictures.images import write_image
from derain.rain import PRESETS
from derain.restoration.photos import is_colourless, without_colours
from derain.restoration.restorer import STRONGEST, TiledRestorer, at_strength
from derain.support.choices import Recipe

CSS = Path(__file__).with_name("page.css")

THEME = gr.themes.Default(primary_hue="sky").set(  # its own grey of explanations is too faint to read
    block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300"
)
_PLAYED_PX = 512
_WAITING = '<p class="waiting">The photo and the result come here, with a slider between them.</p>'

EXAMPLES = {"Forest, threads of rain": "forest.jpg", "City, drizzle": "city.jpg"}
"""Photos to try, in the folder `examples`, which says where they are from."""

_NO_REPORT = """The page of a study's results is shown here, once there is one:

    derain study run studies/f4.toml --scale cpu --out results
    derain study report results
    derain serve --results results
"""

_REPORT = """<p><a href="report" target="_blank">The report on a page of its own</a></p>
<iframe class="report" src="report" title="Report of a study" sandbox="allow-popups"></iframe>"""
_DEFAULT = RainSettings()


@dataclass(frozen=True)
class Page:
    """The page.

    What controls set off answers within a moment and is not queued: a second event that meets the end of a queued one
    is lost (gradio 6.31), and sliders send many. Only the network on a whole photo is queued, as it may take minutes.

    Attributes:
        networks: to choose from, by name; the first one is the default.
        device: torch device to restore on.
        max_pixels: larger pictures are refused.
        report: whether the page `report` is there to be shown.
    """

    networks: Mapping[str, Network]
    device: torch.device | str
    max_pixels: int
    report: bool
    _last: dict[tuple[str, str], Float[np.ndarray, "h w 3"]] = field(default_factory=dict, init=False)
    _one_at_a_time: Lock = field(default_factory=Lock, init=False)

    def build(self) -> gr.Blocks:
        """The page with all that happens on it; files of visitors are deleted an hour after they came."""
        blocks: gr.Blocks = gr.Blocks(title="derain", analytics_enabled=False, delete_cache=(600, 3600))
        with blocks:
            gr.Markdown("# derain\nTakes rain out of photos, and shows how well it does.")
            with gr.Tab("Restore"):
                self._restore_tab()
            with gr.Tab("Play with rain") as tab:
                self._play_tab(tab)
            with gr.Tab("Report"):
                if self.report:
                    gr.HTML(_REPORT)
                else:
                    gr.Markdown(_NO_REPORT)
            blocks.queue(max_size=30)
        return blocks

    def prepare(self, upload: str | None, model: str) -> Iterator[tuple[Any, Any]]:
        """Runs the network for `restore`, and says so meanwhile: download and status. What fails, `restore` tells."""
        if upload is not None:
            yield gr.DownloadButton(value=None, interactive=False), status_html(f"Restoring {Path(upload).name} ...")
            with suppress(InputError, MemoryError):
                self._derained(upload, model, read_upload(Path(upload), self.max_pixels))

    def restore(self, upload: str | None, model: str, strength: float) -> tuple[Any, Any, Any]:
        """Contents of the first tab: comparison, download and status."""
        nothing = gr.DownloadButton(value=None, interactive=False)
        if upload is None:
            return _WAITING, nothing, ""
        path = Path(upload)
        try:
            photo = read_upload(path, self.max_pixels)
            height, width = photo.shape[:2]
            restored = at_strength(photo, self._derained(upload, model, photo), strength)
            if is_colourless(photo):
                restored = without_colours(restored)
            shown = comparison_html(photo, restored) + changes_html(photo, restored, strength)
            with TemporaryDirectory() as folder:
                result = Path(folder) / f"{path.stem}-derained.png"
                write_image(result, restored)
                download = gr.DownloadButton(value=save_file_to_cache(result, get_upload_folder()), interactive=True)
        except (InputError, MemoryError) as error:
            told = error if isinstance(error, InputError) else InputError(f"{path.name} does not fit into memory")
            return _WAITING, nothing, error_html(told)
        status = f"{path.name}, {width} x {height} pixels, restored with strength {strength:g}."
        return shown, download, status_html(status)

    def _derained(self, upload: str, model: str, photo: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        """The network's output on the photo; the last one is kept, so that another strength is there at once."""
        with self._one_at_a_time:
            if (upload, model) not in self._last:
                self._last.clear()
                self._last[upload, model] = TiledRestorer(self.networks[model], self.device).derained(photo)
            return self._last[upload, model]

    def play(self, picture: str, upload: str | None, model: str, *controls: Any) -> tuple[Any, Any, Any]:
        """Contents of the second tab: pictures, figures and status; `controls` are the fields of `RainSettings`."""
        try:
            if None in controls:
                raise InputError("a number is missing")
            clean = sample(picture)
            if upload is not None:
                clean = at_most(read_upload(Path(upload), self.max_pixels), _PLAYED_PX)
            with self._one_at_a_time:
                played = play(clean, RainSettings(*controls), TiledRestorer(self.networks[model], self.device))
        except InputError as error:
            return gr.skip(), gr.skip(), error_html(error)
        return played.strip(), played.table(), ""

    def _restore_tab(self) -> None:
        with gr.Row():
            with gr.Column(scale=1, min_width=290):
                upload = _upload("Photo", height=150)
                gr.HTML("<p>No photo at hand? Try one of these, under synthetic rain:</p>")
                with gr.Row():
                    for label, name in EXAMPLES.items():
                        gr.Button(label, size="sm", min_width=100).click(
                            partial(example, name), None, upload, queue=False, api_visibility="private"
                        )
                model = self._model_choice()
                strength = gr.Slider(
                    0, STRONGEST, 1, step=0.05, label="Strength", buttons=[],
                    info="How much of what the model takes away is taken away: 0 nothing, 1 what it was trained for.",
                )  # fmt: skip
                download = gr.DownloadButton("Download the result (PNG)", variant="primary", interactive=False)
                status = gr.HTML(elem_id="restore-status")
            with gr.Column(scale=3, min_width=290):
                comparison = gr.HTML(_WAITING, elem_id="comparison")
        inputs, outputs = [upload, model, strength], [comparison, download, status]
        prepared = gr.on(
            [upload.change, model.change], self.prepare, [upload, model], [download, status],
            trigger_mode="always_last", show_progress_on=status, api_visibility="private",
        )  # fmt: skip
        prepared.then(
            self.restore, inputs, outputs, queue=False, show_progress_on=status, api_visibility="private"
        )  # fmt: skip
        strength.change(
            self.restore, inputs, outputs, queue=False, trigger_mode="always_last", show_progress_on=status,
            api_visibility="private",
        )  # fmt: skip

    def _play_tab(self, tab: gr.Tab) -> None:
        with gr.Row(elem_id="play"):
            pictures = gr.HTML(elem_id="pictures")
            figures = gr.HTML(elem_id="figures")
            with gr.Column(elem_id="controls"):
                status = gr.HTML(elem_id="play-status")
                rain = gr.Radio([OWN, *PRESETS], value=OWN, label="Rain", info="The others draw their own parameters.")
                recipe = gr.Radio(list(get_args(Recipe)), value=_DEFAULT.recipe, label="Recipe of streaks")
                with gr.Column() as streaks:
                    own = [
                        _slider(1, 1000, _DEFAULT.quantity, 1, "Quantity", "Of 25600 pixels, so many start a streak."),
                        _slider(1, 15, _DEFAULT.width, 2, "Width (px)", "Window of the blur, odd."),
                        _slider(1, 99, _DEFAULT.length_px, 1, "Length (px)", "Of the line that a streak is made from."),
                        _slider(-90, 90, _DEFAULT.angle_deg, 1, "Angle (degrees)", "From the vertical."),
                        _slider(0.05, 2, _DEFAULT.brightness, 0.05, "Brightness", "Factor on the layer."),
                    ]
                seed = gr.Number(_DEFAULT.seed, precision=0, minimum=0, label="Seed", info="Equal seed, equal rain.")
                model = self._model_choice()
                picture = gr.Radio(
                    list(SAMPLES), value=next(iter(SAMPLES)), label="Picture", info="Drawn by a program."
                )
                upload = _upload("Or a picture of your own", height=150)
        controls: list[Any] = [rain, recipe, *own, seed]
        rain.change(
            lambda chosen: gr.Column(visible=chosen == OWN), rain, streaks, queue=False, api_visibility="private"
        )  # fmt: skip
        gr.on(
            [tab.select, *(control.change for control in (picture, upload, model, *controls))],
            self.play, [picture, upload, model, *controls], [pictures, figures, status],
            trigger_mode="always_last", show_progress="minimal", show_progress_on=pictures,
            queue=False, api_visibility="private",
        )  # fmt: skip

    def _model_choice(self) -> gr.Radio:
        return gr.Radio(list(self.networks), value=next(iter(self.networks)), label="Model")


def example(name: str) -> str:
    """A photo to try as if a visitor had uploaded it: the path of a copy among the uploads."""
    copy: str = save_file_to_cache(Path(__file__).with_name("examples") / name, get_upload_folder())
    return copy


def _upload(label: str, height: int) -> gr.File:
    return gr.File(label=label, file_types=list(SUFFIXES), type="filepath", height=height)


def _slider(low: float, high: float, value: float, step: float, label: str, info: str) -> gr.Slider:
    precision = 0 if step >= 1 else 2
    return gr.Slider(low, high, value, step=step, precision=precision, label=label, info=info, buttons=[])
