"""Classes of the user's own files, named FILE.py:CLASS:key=value,...: made, run and hashed in one place.

The file's code is run: name only your own. Its folder can be imported from, as if the file were run as a script.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from derain.errors import InputError, unreadable
from derain.support.files import regular
from derain.support.tables import located


def names_class(text: str) -> bool:
    """True for a text of the form PATH/FILE.py:CLASS, with or without arguments.

    >>> names_class("nets/mine.py:Mine"), names_class("unet:base=16")
    (True, False)
    """
    return ".py:" in text


def parse_class(text: str, kind: str) -> tuple[str, dict[str, Any]]:
    """FILE.py:CLASS and the arguments of the class.

    Raises:
        InputError: an argument without a value, or given twice.

    >>> parse_class("mine.py:Mine:width=16", "network")
    ('mine.py:Mine', {'width': 16})
    """
    file, _, rest = text.partition(".py:")
    class_name, _, arguments = rest.partition(":")
    return f"{file}.py:{class_name}", {key: _value(value) for key, value in split_arguments(arguments, text, kind)}


def split_arguments(arguments: str, text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Keys and values of key=value,key=value within a text.

    Args:
        arguments: keys and values.
        text: the whole, for sentences.
        kind: what the text names, such as "network".
    """
    seen = set[str]()
    for argument in filter(None, arguments.split(",")):
        key, equals, value = argument.partition("=")
        if not equals:
            raise InputError(f"{kind} {text!r}: {key} needs a value, as in {key}=...")
        if key in seen:
            raise InputError(f"{kind} {text!r}: {key} is given twice")
        seen.add(key)
        yield key, value


def seen_from(folder: Path, text: str) -> str:
    """The text with the file of a class found from `folder`, and environment variables filled in.

    >>> seen_from(Path("/studies"), "mine.py:Mine"), seen_from(Path("/studies"), "unet")
    ('/studies/mine.py:Mine', 'unet')
    """
    if not names_class(text):
        return text
    file, _, rest = text.partition(".py:")
    return f"{located(f'{file}.py', folder)}:{rest}"


def determined_class(text: str, kind: str) -> dict[str, Any]:
    """All that determines what a text makes: the class, the SHA-256 of its code, and its arguments. The file is run.

    Raises:
        InputError: the file cannot be read, or running it fails.
    """
    name, arguments = parse_class(text, kind)
    code = UserCode(name, kind)
    code.run()
    given = {"arguments": arguments} if arguments else {}
    return {"class": name.rpartition(":")[2], "code": code.sha256, **given}


@contextmanager
def running(importing: Callable[[], AbstractContextManager[object]], called: str) -> Iterator[None]:
    """A block in which code of the user's runs.

    Args:
        importing: as of `UserCode`.
        called: what the code is, for the sentence.

    Raises:
        InputError: the code raises anything, but where memory runs out.
    """
    try:
        with importing():
            yield
    except Exception as error:
        from derain.support.devices import is_out_of_memory  # not above: the command line reads texts without torch

        if is_out_of_memory(error):
            raise
        raise InputError(f"{called} fails: {type(error).__name__}: {error}") from error


class UserCode:
    """The code of FILE.py:CLASS: the file, and those that it imports from its folder.

    Attributes:
        importing: a context in which the code finds the modules of its folder. They are taken out again behind it, so
            that another folder may have modules of the same names.

    Args:
        name: FILE.py:CLASS.
        kind: what the class is, such as "network", for sentences.

    Raises:
        InputError: the file cannot be read.
    """

    def __init__(self, name: str, kind: str) -> None:
        file, _, self._class_name = name.rpartition(":")
        self._path, self._kind = Path(file), kind
        try:
            self._content = regular(self._path).read_bytes()
        except OSError as error:
            raise unreadable(self._path, error, f"the {kind} in") from error
        self._own: dict[str, ModuleType] = {}
        folder, own = self._path.absolute().parent, self._own

        @contextmanager
        def importing() -> Iterator[None]:  # no method: what keeps it must not keep modules, which cannot be copied
            sys.modules.update(own)
            others = sys.modules.keys() - own.keys()
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
            try:
                yield
            finally:
                sys.path.remove(str(folder))
                for module in sys.modules.keys() - others:
                    if _lies_in(folder, module, sys.modules[module]):
                        own[module] = sys.modules.pop(module)

        self.importing = importing

    def run(self) -> ModuleType:
        """Import the file under a name of its own.

        Raises:
            InputError: it fails.
        """
        name = f"derain_user_{hashlib.sha256(self._content).hexdigest()[:16]}"
        spec = importlib.util.spec_from_file_location(name, self._path)
        assert spec is not None
        assert spec.loader is not None
        python = importlib.util.module_from_spec(spec)
        # Dataclasses and pickling look a class's module up by its name.
        sys.modules[name] = python
        with self.importing(), self._failing():
            spec.loader.exec_module(python)
        return python

    def make(self, arguments: Mapping[str, Any]) -> Any:
        """Make an object of the class.

        Raises:
            InputError: there is no such class, or its code fails.
        """
        python = self.run()
        with self.importing(), self._failing():
            return getattr(python, self._class_name)(**arguments)

    @property
    def sha256(self) -> str:
        """SHA-256 of the file and of all that it has imported from its folder so far."""
        code = hashlib.sha256(self._content)
        for name in sorted(self._own):
            if file := self._own[name].__file__:  # a folder without __init__.py has none
                code.update(f"\n{name}\n".encode() + Path(file).read_bytes())
        return code.hexdigest()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raise all that goes wrong while a class of a file is made as InputError."""
        path, what = self._path, f"the {self._kind} in {self._path} cannot be made"
        try:
            yield
        except AttributeError as error:
            raise InputError(f"{path} has no class {self._class_name} that can be made ({error})") from error
        except SystemExit as error:
            raise InputError(f"{what}: importing {path} calls sys.exit") from error
        except Exception as error:
            raise InputError(f"{what}: {type(error).__name__}: {error}") from error


def _value(text: str) -> bool | int | float | str:
    """The value of an argument: true, false, a whole number or a number where it is one, else the text itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _lies_in(folder: Path, name: str, module: ModuleType) -> bool:
    """True for a module that was found in a folder under its name, as a file or a package."""
    place = str(folder.joinpath(*name.split(".")))
    return getattr(module, "__file__", None) == f"{place}.py" or place in getattr(module, "__path__", ())
