"""What a person can put right is said in one sentence."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input: its text is one sentence that names the file or setting and the cause.

    The command line prints the sentence and ends with exit code 2.
    """


class TrainingError(RuntimeError):
    """A training that cannot go on, such as one whose loss is no longer a number. Exit code 1."""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The end of a sentence that names the closest valid name; empty where there is none.

    >>> "unknown rain 'medum'" + did_you_mean("medum", ["small", "medium", "large"])
    "unknown rain 'medum' (did you mean medium?)"
    >>> did_you_mean("medum", [])
    ''
    """
    closest = get_close_matches(name, list(valid), n=1, cutoff=0.0)
    return f" (did you mean {closest[0]}?)" if closest else ""
