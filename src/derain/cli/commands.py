"""All commands. Nothing here imports torch before a command runs, so that --help answers at once."""

import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

import tyro
from rich.console import Console
from rich.logging import RichHandler

from derain.cli.advise import Advise
from derain.cli.complexity import Complexity
from derain.cli.demo import Demo
from derain.cli.ending import Ending
from derain.cli.evaluate import Evaluate
from derain.cli.export import Export
from derain.cli.networks import Networks
from derain.cli.paint import Paint
from derain.cli.probe import Probe
from derain.cli.restore import Restore
from derain.cli.serve import Serve
from derain.cli.study import Run as StudyRun
from derain.cli.study import Study
from derain.cli.synth import Synth
from derain.cli.train import Train
from derain.errors import DerainError, InputError

COMMANDS: dict[str, Callable[..., Any]] = {
    "restore": Restore,
    "serve": Serve,
    "synth": Synth,
    "paint": Paint,
    "train": Train,
    "evaluate": Evaluate,
    "networks": Networks,
    "export": Export,
    "probe": Probe,
    "study": Study,
    "advise": Advise,
    "complexity": Complexity,
    "demo": Demo,
}

_GO_ON = (Restore, Paint, Train, Probe, StudyRun, Advise, Demo)
"""Commands that go on where they were interrupted."""


def run(arguments: Sequence[str], ending: Ending) -> None:
    """Run the command that is asked for, and exit with the code of the `DerainError` that it raises."""
    errors = Console(stderr=True, emoji=False)  # names of files may hold :words:
    logging.basicConfig(format="%(message)s", handlers=[RichHandler(console=errors, show_time=False, show_path=False)])
    logging.getLogger("derain").setLevel(logging.INFO)
    try:
        _refuse_repeated_flags(arguments)
        command: Any = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="derain",
            args=arguments,
            description="Train deraining networks that generalise, and measure whether they do.",
            config=(tyro.conf.OmitArgPrefixes,),
        )
        if isinstance(getattr(command, "command", command), _GO_ON):  # `derain study` has subcommands
            ending.note = "; the same command goes on where it stopped"
        command.run(Console(emoji=False))
    except DerainError as error:
        if ending.by is None:  # else an import was interrupted, not missing
            errors.print(f"derain: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


def _refuse_repeated_flags(arguments: Sequence[str]) -> None:
    """Refuse flags that are given twice: only the last would count, although several values may be meant."""
    flags = [argument.partition("=")[0].replace("_", "-") for argument in arguments if argument.startswith("--")]
    for flag in flags:
        if flags.count(flag) > 1:
            raise InputError(f"{flag} is given twice; several values go behind one {flag}")
