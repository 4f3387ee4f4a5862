"""Degradations of the user's own files, which are tried before they are used."""

from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.errors import InputError, one_of
from derain.support.choices import Residual
from derain.support.randomness import generator
from derain.support.user_code import UserCode, parse_class, running


class UserDegradation:
    """A degradation of a class of the user's: an object with `degrade(clean, rng)`.

    `clean` has levels 0..255, float32, `(n, 3, h, w)`; all random numbers come from `rng`, a NumPy generator. It gives
    the degraded pictures in the same form; they are rounded to whole levels. An attribute `residual`, of
    `derain.support.choices.Residual`, says what it leaves of a picture; without it, "everywhere" holds.

    Args:
        text: FILE.py:CLASS:key=value,...

    Raises:
        InputError: the code cannot be made or fails; or it gives pictures of another size or with levels outside
            0..255, NaN, or other ones when it is called again with the same generator.
    """

    def __init__(self, text: str) -> None:
        own, arguments = parse_class(text, "degradation")
        code = UserCode(own, "degradation")
        self._degradation, self._importing = code.make(arguments), code.importing
        self._text = text
        self.name: str = own.rpartition(":")[2]
        asked = getattr(self._degradation, "residual", "everywhere")
        self.residual: Residual = one_of(asked, get_args(Residual), f"residual of {text}")
        self._try()
        self._described = {"name": self.name, "kind": "own", "code": code.sha256, "arguments": arguments}

    def degrade(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """The pictures degraded: whole levels 0..255."""
        called = f"the degradation {self._text}"
        with running(self._importing, called):
            degraded = self._degradation.degrade(clean.contiguous(), rng)
        if not isinstance(degraded, Tensor):
            raise InputError(f"{called} gives a {type(degraded).__name__}, not a tensor")
        if degraded.shape != clean.shape:
            raise InputError(f"{called} makes {tuple(degraded.shape)} of pictures {tuple(clean.shape)}")
        low, high = (float(each) for each in degraded.aminmax())
        if not (low >= 0 and high <= 255):  # NaN is neither
            raise InputError(f"{called} gives levels of {low:g} to {high:g}, outside 0..255")
        return degraded.float().round()

    def describe(self) -> dict[str, Any]:
        """All that determines it, JSON-able."""
        return self._described

    def _try(self) -> None:
        for height, width in ((48, 48), (33, 50)):
            clean = torch.from_numpy(generator(0, "trial").integers(256, size=(2, 3, height, width))).float()
            kept = clean.clone()
            first, second = (self.degrade(clean, generator(0, "trial", 1)) for _ in range(2))
            if not torch.equal(clean, kept):
                raise InputError(f"the degradation {self._text} changes the clean pictures that it is given")
            if not torch.equal(first, second):
                raise InputError(f"the degradation {self._text} is no pure function of its seed: two tries differ")
