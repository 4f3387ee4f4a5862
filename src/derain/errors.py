"""What a person can put right is said in one sentence."""

from collections.abc import Collection, Iterable
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
    by_lower_case = {each.lower(): each for each in valid}
    closest = get_close_matches(name.lower(), list(by_lower_case), n=1, cutoff=0.0)
    return f" (did you mean {by_lower_case[closest[0]]}?)" if closest else ""


def known(name: str, valid: Collection[str], what: str) -> str:
    """`name` if it is valid; otherwise InputError with the valid ones and the closest of them."""
    if name in valid:
        return name
    raise InputError(f"unknown {what} {name!r}; there are {', '.join(valid)}{did_you_mean(name, valid)}")
