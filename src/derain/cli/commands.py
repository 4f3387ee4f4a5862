"""All commands. Nothing here imports torch before a command runs, so that --help answers at once."""

import logging
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.logging import RichHandler

from derain.cli.advise import Advise
from derain.cli.complexity import Complexity
from derain.cli.demo import Demo
from derain.cli.ending import Ending
from derain.cli.evaluate import Evaluate
from derain.cli.explain import Explain
from derain.cli.export import Export
from derain.cli.networks import Networks
from derain.cli.paint import Paint
from derain.cli.parsing import parse
from derain.cli.probe import Probe
from derain.cli.restore import Restore
from derain.cli.serve import Serve
from derain.cli.study import Run as StudyRun
from derain.cli.study import Study
from derain.cli.synth import Synth
from derain.cli.train import Train
from derain.errors import DerainError

_GROUPS: dict[str, dict[str, type]] = {
    "photos": {"restore": Restore, "serve": Serve},
    "research": {
        "synth": Synth,
        "train": Train,
        "evaluate": Evaluate,
        "probe": Probe,
        "explain": Explain,
        "advise": Advise,
        "study": Study,
        "complexity": Complexity,
        "demo": Demo,
    },
    "development": {"networks": Networks, "export": Export, "paint": Paint},
}

COMMANDS = {name: command for group in _GROUPS.values() for name, command in group.items()}

_DESCRIPTION = "\n".join(
    [
        "Train deraining networks that generalise, and measure whether they do.\n",
        *(f"- {group}: {', '.join(commands)}" for group, commands in _GROUPS.items()),
    ]
)

_GO_ON = (Restore, Paint, Train, Probe, StudyRun, Advise, Demo)
"""Commands that go on where they were interrupted."""


def run(arguments: Sequence[str], ending: Ending) -> None:
    """Run the command that is asked for, and exit with the code of the `DerainError` that it raises."""
    errors = Console(stderr=True, emoji=False)  # names of files may hold :words:
    logging.basicConfig(format="%(message)s", handlers=[RichHandler(console=errors, show_time=False, show_path=False)])
    logging.getLogger("derain").setLevel(logging.INFO)
    try:
        command = parse(COMMANDS, arguments, _DESCRIPTION)
        if isinstance(getattr(command, "command", command), _GO_ON):  # `derain study` has subcommands
            ending.note = "; the same command goes on where it stopped"
        command.run(Console(emoji=False))
    except BrokenPipeError:  # the reader of the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except DerainError as error:
        if ending.by is None:  # else an import was interrupted, not missing
            errors.print(f"derain: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
