"""The command line. Nothing here imports torch before a command runs, so that --help answers at once."""

import logging
import signal
import sys
from collections.abc import Callable
from typing import Any

import tyro
from rich.console import Console
from rich.logging import RichHandler

from derain.cli.advise import Advise
from derain.cli.complexity import Complexity
from derain.cli.demo import Demo
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


def main() -> None:
    """Run the command that is asked for; the exit code is 0, that of the `DerainError`, or 130 after Ctrl+C."""
    errors = Console(stderr=True, emoji=False)  # names of files may hold :words:
    logging.basicConfig(format="%(message)s", handlers=[RichHandler(console=errors, show_time=False, show_path=False)])
    logging.getLogger("derain").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is half-written is cleared away, as after Ctrl+C
    command: Any = None
    try:
        _refuse_repeated_flags(sys.argv[1:])
        command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="derain",
            description="Train deraining networks that generalise, and measure whether they do.",
            config=(tyro.conf.OmitArgPrefixes,),
        )
        command.run(Console(emoji=False))
    except DerainError as error:
        errors.print(f"derain: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        goes_on = isinstance(getattr(command, "command", command), _GO_ON)  # `derain study` has subcommands
        ending = "; the same command goes on where it stopped" if goes_on else ""
        errors.print(f"derain: interrupted{ending}", style="red")
        sys.exit(130)


def _refuse_repeated_flags(arguments: list[str]) -> None:
    """Refuse flags that are given twice: only the last would count, although several values may be meant."""
    flags = [argument.partition("=")[0].replace("_", "-") for argument in arguments if argument.startswith("--")]
    for flag in flags:
        if flags.count(flag) > 1:
            raise InputError(f"{flag} is given twice; several values go behind one {flag}")
