"""Progress as a person watches it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


def progress_bar(console: Console, transient: bool = False) -> Progress:
    """A bar with steps done, their rate and the time left; a transient one is gone once it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
    )


def print_whole(console: Console, table: Table) -> None:
    """Print a table that is never narrower than its figures, whatever the terminal."""
    widest = console.measure(table, options=console.options.update(max_width=1000)).maximum
    Console(file=console.file, width=max(console.width, widest)).print(table)


@contextmanager
def counting(console: Console, steps: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that reports how many of its steps are done, and of how many."""
    with progress_bar(console) as bar:
        task = bar.add_task(steps, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")
