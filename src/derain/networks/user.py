"""A door for networks of your own: PATH/FILE.py:CLASS in place of a registered name (docs/how-to/own-network.md)."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError, unreadable
from derain.networks.base import Descriptor, Hyperparameters, Network, pad_to_multiple
from derain.support.devices import is_out_of_memory
from derain.support.files import regular


@dataclass(frozen=True)
class UserHyperparameters(Hyperparameters):
    """
    Attributes:
        sha256: of the file that the class comes from and of those that it imports from its folder, so that weights are
            not loaded into changed code unnoticed.
        arguments: that the class is made with, by name.
    """

    sha256: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


class UserNetwork(Network):
    """A torch module from a file of the user's, made by calling its class.

    It takes RGB in 0..1, (n, 3, h, w), and gives the same. Two class attributes are respected where they are there:
    `size_multiple_px` (sizes are padded to a multiple of it; 1) and `receptive_field_px` (0: not known); and a method,
    `own_loss(rainy, clean)`. All that its code raises is raised as InputError, but where memory runs out.

    Args:
        module: the user's.
        sha256: of its code.
        arguments: that it was made with.
        importing: the context in which its code finds the files beside it.
    """

    hyperparameters: UserHyperparameters
    proven = False

    def __init__(
        self,
        module: nn.Module,
        sha256: str,
        arguments: Mapping[str, Any] | None = None,
        importing: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        super().__init__()
        self.module = module
        self._importing = importing
        self.hyperparameters = UserHyperparameters(sha256, arguments or {})
        self.descriptor = Descriptor(
            paper="the user's own",
            smallest_size_px=1,
            size_multiple_px=int(getattr(module, "size_multiple_px", 1)),
            receptive_field_px=int(getattr(module, "receptive_field_px", 0)),
            stages=1,
        )

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        height, width = rainy.shape[-2:]
        with self._failing():
            derained: Tensor = self.module(self._padded(rainy))
            if not isinstance(derained, Tensor):
                raise TypeError(f"it makes a {type(derained).__name__} of a picture, not a tensor")
            return [derained[..., :height, :width]]

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The module's `own_loss` on samples that are padded as pictures are; L1 where it has none."""
        own = getattr(self.module, "own_loss", None)
        if own is None:
            return super().own_loss(rainy, clean)
        with self._failing():
            loss: Tensor = own(self._padded(rainy), self._padded(clean))
            if not isinstance(loss, Tensor) or loss.dim():
                raise TypeError("its own_loss gives no tensor of a single number")
            return loss

    def _padded(self, picture: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 hp wp"]:
        return pad_to_multiple(picture, self.descriptor.size_multiple_px)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            with self._importing():
                yield
        except Exception as error:
            if is_out_of_memory(error):
                raise
            sentence = f"the code of {type(self.module).__name__} fails: {type(error).__name__}: {error}"
            raise InputError(sentence) from error


def is_user_network(name: str) -> bool:
    """True for a name of the form PATH/FILE.py:CLASS, with or without arguments.

    >>> is_user_network("nets/mine.py:Mine"), is_user_network("unet:base=16")
    (True, False)
    """
    return ".py:" in name


def read_argument(value: str) -> bool | int | float | str:
    """The value of an argument: true, false, a whole number or a number where it is one, else the text itself.

    >>> [read_argument(value) for value in ("16", "0.5", "true", "batch")]
    [16, 0.5, True, 'batch']
    """
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def load_user_network(name: str, arguments: Mapping[str, Any] | None = None) -> UserNetwork:
    """Import the file, make the class, and try it on two small pictures. The file's code is run: name only your own.

    The file's folder can be imported from, as if the file were run as a script.

    Args:
        name: FILE.py:CLASS.
        arguments: for the class, by name.

    Raises:
        InputError: no such file or class, code that fails, no torch module, no picture of the same size and channels,
            or weights of five dimensions.
    """
    file, _, class_name = name.rpartition(":")
    path, arguments = Path(file), arguments or {}
    content = _content(path, path, "the network in")
    own: dict[str, ModuleType] = {}
    importing = _importing(path.absolute().parent, own)
    with importing():
        with _failing(path, class_name):
            module = getattr(_run(path, content), class_name)(**arguments)
        if not isinstance(module, nn.Module):
            raise InputError(f"{class_name} in {path} is no torch.nn.Module")
        for attribute, least in (("size_multiple_px", 1), ("receptive_field_px", 0)):
            value = getattr(module, attribute, least)
            if not isinstance(value, int) or value < least:
                raise InputError(f"{attribute} of {name} must be a whole number of at least {least}, not {value!r}")
        _try(module, name)
    return UserNetwork(module, _sha256(content, own), arguments, importing)


def code_hash(name: str) -> str:
    """SHA-256 of the file of FILE.py:CLASS and of those that it imports from its folder. It is run, no class is made.

    Raises:
        InputError: the file cannot be read, or running it fails.
    """
    file, _, class_name = name.rpartition(":")
    path, own = Path(file), dict[str, ModuleType]()
    content = _content(path, Path(name), "the network")
    with _importing(path.absolute().parent, own)(), _failing(path, class_name):
        _run(path, content)
    return _sha256(content, own)


def _content(path: Path, named: Path, kind: str) -> bytes:
    try:
        return regular(path).read_bytes()
    except OSError as error:
        raise unreadable(named, error, kind) from error


def _sha256(content: bytes, own: Mapping[str, ModuleType]) -> str:
    code = hashlib.sha256(content)
    for name in sorted(own):
        if file := own[name].__file__:  # a folder without __init__.py has none
            code.update(f"\n{name}\n".encode() + Path(file).read_bytes())
    return code.hexdigest()


def _importing(folder: Path, own: dict[str, ModuleType]) -> Callable[[], AbstractContextManager[None]]:
    """A context in which code finds the modules of its folder, as if a file there were run as a script.

    They are taken out again behind it, so that another folder may have modules of the same names.

    Args:
        folder: absolute.
        own: gets the modules of the folder by their names, as they are imported.
    """

    @contextmanager
    def importing() -> Iterator[None]:
        sys.modules.update(own)
        others = sys.modules.keys() - own.keys()
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(str(folder))
            for name in sys.modules.keys() - others:
                if _lies_in(folder, name, sys.modules[name]):
                    own[name] = sys.modules.pop(name)

    return importing


def _lies_in(folder: Path, name: str, module: ModuleType) -> bool:
    """True for a module that was found in a folder under its name, as a file or a package."""
    place = str(folder.joinpath(*name.split(".")))
    return getattr(module, "__file__", None) == f"{place}.py" or place in getattr(module, "__path__", ())


def _run(path: Path, content: bytes) -> ModuleType:
    """Import a file under a name of its own."""
    name = f"derain_user_{hashlib.sha256(content).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    python = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a class's module up by its name.
    sys.modules[name] = python
    spec.loader.exec_module(python)
    return python


@contextmanager
def _failing(path: Path, class_name: str) -> Iterator[None]:
    """Raise all that goes wrong while a class of a file is made as InputError."""
    try:
        yield
    except AttributeError as error:
        raise InputError(f"{path} has no class {class_name} that can be made ({error})") from error
    except SystemExit as error:
        raise InputError(f"the network in {path} cannot be made: importing {path} calls sys.exit") from error
    except Exception as error:
        raise InputError(f"the network in {path} cannot be made: {type(error).__name__}: {error}") from error


def _try(module: nn.Module, name: str) -> None:
    training = module.training
    module.eval()
    for height, width in ((64, 64), (45, 70)):
        rainy = pad_to_multiple(torch.rand(1, 3, height, width), getattr(module, "size_multiple_px", 1))
        try:
            with torch.no_grad():
                derained = module(rainy)
        except Exception as error:
            sentence = f"{name} fails on a picture of {width} x {height} pixels: {type(error).__name__}: {error}"
            raise InputError(sentence) from error
        if not isinstance(derained, Tensor):
            raise InputError(f"{name} makes a {type(derained).__name__} of a picture, not a tensor")
        if derained.shape != rainy.shape:
            raise InputError(f"{name} makes {tuple(derained.shape[1:])} of a picture of {tuple(rainy.shape[1:])}")
    for weight, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.dim() == 5:  # for which torch has no channels_last
            raise InputError(f"{name} holds {weight} of five dimensions, as of a Conv3d, but four are the most")
    module.train(training)
