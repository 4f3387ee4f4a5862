"""A door for networks of your own: PATH/FILE.py:CLASS in place of a registered name (docs/how-to/own-network.md)."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import Descriptor, Hyperparameters, Network, pad_to_multiple
from derain.support.user_code import UserCode, running


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
        with self._running():
            derained: Tensor = self.module(self._padded(rainy))
            if not isinstance(derained, Tensor):
                raise TypeError(f"it makes a {type(derained).__name__} of a picture, not a tensor")
            return [derained[..., :height, :width]]

    def own_loss(self, rainy: Float[Tensor, "n 3 h w"], clean: Float[Tensor, "n 3 h w"]) -> Float[Tensor, ""]:
        """The module's `own_loss` on samples that are padded as pictures are; L1 where it has none."""
        own = getattr(self.module, "own_loss", None)
        if own is None:
            return super().own_loss(rainy, clean)
        with self._running():
            loss: Tensor = own(self._padded(rainy), self._padded(clean))
            if not isinstance(loss, Tensor) or loss.dim():
                raise TypeError("its own_loss gives no tensor of a single number")
            return loss

    def _padded(self, picture: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 hp wp"]:
        return pad_to_multiple(picture, self.descriptor.size_multiple_px)

    def _running(self) -> AbstractContextManager[None]:
        return running(self._importing, f"the code of {type(self.module).__name__}")


def load_user_network(name: str, arguments: Mapping[str, Any] | None = None) -> UserNetwork:
    """Import the file, make the class, and try it on two small pictures. The file's code is run: name only your own.

    Args:
        name: FILE.py:CLASS.
        arguments: for the class, by name.

    Raises:
        InputError: no such file or class, code that fails, no torch module, no picture of the same size and channels,
            or weights of five dimensions.
    """
    arguments = arguments or {}
    code = UserCode(name, "network")
    module = code.make(arguments)
    if not isinstance(module, nn.Module):
        file, _, class_name = name.rpartition(":")
        raise InputError(f"{class_name} in {file} is no torch.nn.Module")
    for attribute, least in (("size_multiple_px", 1), ("receptive_field_px", 0)):
        value = getattr(module, attribute, least)
        if not isinstance(value, int) or value < least:
            raise InputError(f"{attribute} of {name} must be a whole number of at least {least}, not {value!r}")
    with code.importing():
        _try(module, name)
    return UserNetwork(module, code.sha256, arguments, code.importing)


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
