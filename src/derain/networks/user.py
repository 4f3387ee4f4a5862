"""A door for networks of one's own: PATH/FILE.py:CLASS in place of a registered name (docs/own-network.md)."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
        sha256: of the file that the class comes from, so that weights are not loaded into changed code unnoticed.
    """

    sha256: str = ""


class UserNetwork(Network):
    """A torch module from a file of the user's, made by calling its class without arguments.

    It takes RGB in 0..1, (n, 3, h, w), and gives the same. Two class attributes are heeded where they are there:
    `size_multiple_px` (sizes are padded to a multiple of it; 1) and `receptive_field_px` (0: not known); and a method,
    `own_loss(rainy, clean)`. All that its code raises is raised as InputError, but where memory runs out.
    """

    hyperparameters: UserHyperparameters
    proven = False

    def __init__(self, module: nn.Module, sha256: str) -> None:
        super().__init__()
        self.module = module
        self.hyperparameters = UserHyperparameters(sha256)
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
            yield
        except Exception as error:
            if is_out_of_memory(error):
                raise
            sentence = f"the code of {type(self.module).__name__} fails: {type(error).__name__}: {error}"
            raise InputError(sentence) from error


def is_user_network(name: str) -> bool:
    """Whether `name` has the form PATH/FILE.py:CLASS.

    >>> is_user_network("nets/mine.py:Mine"), is_user_network("unet:base=16")
    (True, False)
    """
    return ".py:" in name


def determined(name: str) -> Mapping[str, Any]:
    """The class and the SHA-256 of the file."""
    file, _, class_name = name.rpartition(":")
    return {"class": class_name, "code": _sha256(Path(file), "the network", Path(name))}


def _sha256(path: Path, kind: str, named: Path) -> str:
    try:
        return hashlib.sha256(regular(path).read_bytes()).hexdigest()
    except OSError as error:
        raise unreadable(named, error, kind) from error


def load_user_network(name: str) -> UserNetwork:
    """Import the file, make the class, and try it on two small pictures. The file's code is run: name only your own.

    Raises:
        InputError: no such file or class, code that fails, no torch module, no picture of the same size and channels,
            or weights of five dimensions.
    """
    file, _, class_name = name.rpartition(":")
    path = Path(file)
    sha256 = _sha256(path, "the network in", path)
    module_name = f"derain_user_{sha256[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    python = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a class's module up by its name.
    sys.modules[module_name] = python
    try:
        spec.loader.exec_module(python)
        module = getattr(python, class_name)()
    except AttributeError as error:
        raise InputError(f"{path} has no class {class_name} that can be made ({error})") from error
    except SystemExit as error:
        raise InputError(f"the network in {path} cannot be made: importing {path} calls sys.exit") from error
    except Exception as error:
        raise InputError(f"the network in {path} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{class_name} in {path} is no torch.nn.Module")
    for attribute, least in (("size_multiple_px", 1), ("receptive_field_px", 0)):
        value = getattr(module, attribute, least)
        if not isinstance(value, int) or value < least:
            raise InputError(f"{attribute} of {name} must be a whole number of at least {least}, not {value!r}")
    network = UserNetwork(module, sha256)
    _try(network, name)
    return network


def _try(network: UserNetwork, name: str) -> None:
    training = network.training
    network.eval()
    for height, width in ((64, 64), (45, 70)):
        rainy = pad_to_multiple(torch.rand(1, 3, height, width), network.descriptor.size_multiple_px)
        try:
            with torch.no_grad():
                derained = network.module(rainy)
        except Exception as error:
            sentence = f"{name} fails on a picture of {width} x {height} pixels: {type(error).__name__}: {error}"
            raise InputError(sentence) from error
        if not isinstance(derained, Tensor):
            raise InputError(f"{name} makes a {type(derained).__name__} of a picture, not a tensor")
        if derained.shape != rainy.shape:
            raise InputError(f"{name} makes {tuple(derained.shape[1:])} of a picture of {tuple(rainy.shape[1:])}")
    for weight, tensor in [*network.module.named_parameters(), *network.module.named_buffers()]:
        if tensor.dim() == 5:  # for which torch has no channels_last
            raise InputError(f"{name} holds {weight} of five dimensions, as of a Conv3d, but four are the most")
    network.train(training)
