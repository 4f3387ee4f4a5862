"""The command line. Until `main` listens to signals nothing is imported but what Python itself has at hand."""

import sys

from derain.cli.ending import ending_at_once


def main() -> None:
    """Run the command that is asked for.

    The exit code is 0, that of the `DerainError`, or 130 after Ctrl+C and 143 after SIGTERM.
    """
    with ending_at_once() as ending:
        from derain.cli.commands import run

        run(sys.argv[1:], ending)
