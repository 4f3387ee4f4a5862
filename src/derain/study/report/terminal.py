"""A study in the terminal: what it would train, how far it is, and its figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from derain.evaluation.metrics import METRICS
from derain.networks.registry import short_names
from derain.study.plan.costs import seconds_a_training
from derain.study.plan.scales import Scale
from derain.study.plan.spec import AXES, Study
from derain.study.plan.trainings import distinct, plan
from derain.study.run.scheduler import State


def plan_json(
    studies: Sequence[Study], scale: Scale, seeds: Sequence[int], device: str, measure: bool
) -> dict[str, Any]:
    """The trainings of studies: "trainings" (distinct ones), "scale", "reduction", "studies" (the number of trainings
    and of given systems of each, and what it leaves out), "networks" (trainings of each) and, measured, "seconds" of
    all trainings one after the other.
    """
    planned = distinct(plan(studies, scale, seeds))
    content: dict[str, Any] = {
        "trainings": len(planned),
        "scale": scale.name,
        "reduction": scale.reduction,
        "studies": {
            study.name: {
                "title": study.title,
                "trainings": len(distinct(plan([study], scale, seeds))),
                "given": len(study.systems),
                "left_out": reduced.note if (reduced := study.reduced(scale.name)) else "",
            }
            for study in studies
        },
        "networks": Counter(each.subject.network for each in planned),
    }
    if measure:
        seconds = {each.subject: seconds_a_training(each.subject, device) for each in planned}
        content["seconds"] = sum(seconds.values())
        content["device"] = device
    return content


def plan_table(content: Mapping[str, Any]) -> Table:
    """The same for the terminal."""
    table = Table("study", "trainings", "of", box=None, caption_justify="left")
    for name, study in content["studies"].items():
        notes = [f"kept: {study['left_out']}"] if study["left_out"] else []
        notes += [f"measured as they are: {study['given']} given systems"] if study["given"] else []
        lines = [escape(study["title"]), *(f"[dim]{escape(note)}[/dim]" for note in notes)]
        table.add_row(escape(name), f"{study['trainings']}", "\n".join(lines))
    caption = f"{content['trainings']} distinct trainings at the scale {content['scale']!r} ({content['reduction']})"
    if "seconds" in content:
        place = "one CPU thread" if content["device"] == "cpu" else content["device"]
        caption += f"; their steps one after the other on {place}: {_duration(content['seconds'])}"
        caption += "; rain, tests and probe come on top"
    table.caption = caption
    return table


def results_table(records: Sequence[Mapping[str, Any]], threshold: int) -> Table:
    """All figures at one threshold; axes on which nothing varies stand in the title."""
    short = short_names([record["network"] for record in records])
    shown = [{**each, "network": short[each["network"]]} for each in records if each["threshold"] == threshold]
    varied = [axis for axis in AXES if len({record[axis] for record in shown}) > 1]
    fixed = [f"{axis} {shown[0][axis]}" for axis in AXES if axis not in varied and shown[0][axis] is not None]
    caption = escape(f"{', '.join([*fixed, f't={threshold}'])}")
    table = Table(box=None, padding=(0, 1, 0, 0), caption=caption, caption_justify="left")
    for axis in (*varied, "test"):
        table.add_column(axis, vertical="bottom", no_wrap=True)
    for metric in METRICS:
        table.add_column(metric.label.replace(" ", "\n"), justify="right", no_wrap=True)
    for record in shown:
        cells = (metric.text(record[metric.name]) for metric in METRICS)
        axes = (escape("" if record[axis] is None else f"{record[axis]}") for axis in varied)
        table.add_row(*axes, escape(record["test"]), *cells)
    return table


class Watcher:
    """Shows how a study goes on: live in a terminal, elsewhere a line whenever something ended."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._ended = -1
        self._live = Live(console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> "Watcher":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, state: State) -> None:
        left = "" if state.seconds_left is None else f", {_duration(state.seconds_left)} left"
        line = (
            f"{state.done} of {self._total} done, {len(state.running)} running, {state.waiting} waiting, "
            f"{len(state.failed)} failed{left}"
        )
        if self._console.is_terminal:
            running = [f"{share:4.0%}  {state.names[each]}" for each, share in state.running.items()]
            failed = [f"failed  {state.names[each]}: {reason}" for each, reason in state.failed.items()]
            self._live.update(Text("\n".join([line, *running, *failed])))
        elif (ended := state.done + len(state.failed)) != self._ended:
            self._console.print(line)
            self._ended = ended


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
