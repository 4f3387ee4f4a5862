"""The one exception for input that a person can put right."""


class InputError(ValueError):
    """Bad input: its text is one sentence that names the file or setting and the cause.

    The command line prints the sentence and ends with exit code 2.
    """


class TrainingError(RuntimeError):
    """A training that cannot go on, such as one whose loss is no longer a number. Exit code 1."""
