"""The end of a command after Ctrl+C or SIGTERM: at once, and in a sentence."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_SECONDS = 1.0


class Ending:  # no dataclass: importing these takes as long as all of the rest
    """The end of a command.

    Attributes:
        by: the signal that ends it; None: none has come.
        note: what follows the word "interrupted" in the sentence.
    """

    def __init__(self) -> None:
        self.by: int | None = None
        self.note = ""
        self._said = False

    def say(self) -> None:
        """Say once that the command is interrupted."""
        if not self._said:
            self._said = True
            print(f"derain: interrupted{self.note}", file=sys.stderr, flush=True)


@contextmanager
def ending_at_once() -> Iterator[Ending]:
    """A block that SIGINT and SIGTERM end with KeyboardInterrupt, and the process with it: exit code 130 or 143.

    Half-written files are cleared away. A second signal ends the process at once. So does the first one after
    a second: Python passes over an exception that is raised within a callback, and some calls take long.
    """
    ending = Ending()

    def end(number: int, frame: FrameType | None) -> None:
        ending.by = number
        sys.unraisablehook = lambda _: None
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, end) for each in _SIGNALS}
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_watch, args=(reader, ending, end), daemon=True).start()
    # Python writes the number of a signal as it comes, whatever the main thread is at.
    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield ending
    except KeyboardInterrupt:
        ending.by = ending.by or signal.SIGINT
    except BaseException:
        if ending.by is None:  # else it is what became of the interruption, such as an import that failed
            raise
    finally:
        signal.set_wakeup_fd(earlier)
        os.close(writer)
        if ending.by is None:
            for number, handler in before.items():
                signal.signal(number, handler)
    if ending.by is not None:
        ending.say()
        sys.exit(128 + ending.by)


def _watch(reader: int, ending: Ending, end: Callable[[int, FrameType | None], None]) -> None:
    """End the process when it has had its time after a signal that `end` handles."""
    while numbers := os.read(reader, 1):
        [number] = numbers
        if number in _SIGNALS and (ending.by or signal.getsignal(number) is end):
            time.sleep(_PATIENCE_SECONDS)
            ending.say()
            os._exit(128 + number)
    os.close(reader)
