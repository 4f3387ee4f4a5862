"""Sources of restored pictures: a network, or a folder of any program's results."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.running import restore
from derain.pictures.images import image_size, list_images, read_image
from derain.pictures.pairs import Pair
from derain.support.devices import usable_device


@runtime_checkable
class Restorer(Protocol):
    """A source of results on the rainy pictures of a set and, where it can, on the clean ones; all RGB, 0..255."""

    def restore(self, pair: Pair, rainy: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]: ...

    def restore_clean(self, pair: Pair, clean: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"] | None: ...


class NetworkRestorer:
    """Restores with a network that maps RGB 0..1, `(n, 3, h, w)`, to the same; its output is clipped and rounded.

    Args:
        network: moved to `device`; used in evaluation mode and put back into its own afterwards.
        device: of the computation; pictures come and go on the CPU.
    """

    def __init__(self, network: nn.Module, device: torch.device | str) -> None:
        self.device = usable_device(device)
        self.network = network

    def restore(self, pair: Pair, rainy: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
        with naming(pair.rainy):
            return self.picture(rainy)

    def restore_clean(self, pair: Pair, clean: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
        with naming(pair.clean):
            return self.picture(clean)

    def picture(self, picture: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
        """Restore one picture, 0..255.

        Raises:
            InputError: the output holds NaN, or the code of a network of your own fails.
        """
        return restore(self.network, picture[None], self.device, torch.contiguous_format)[0]


class FolderRestorer:
    """Results of any program, read from folders.

    Args:
        restored: results on the rainy pictures, named as these; suffixes may differ.
        restored_clean: results on the clean pictures, named as these; without it what needs them is not measured.

    Raises:
        InputError: a folder is missing or holds no image, or two of its files differ only in suffix.
    """

    def __init__(self, restored: Path, restored_clean: Path | None) -> None:
        self._restored = _ResultFolder(restored)
        self._restored_clean = None if restored_clean is None else _ResultFolder(restored_clean)

    def check(self, pairs: list[Pair]) -> None:
        """Look for the results of every pair, by name and by the size in their headers.

        Raises:
            InputError: one is missing or of another size than the picture it was made from.
        """
        for pair in pairs:
            self._restored.check(pair.rainy)
            if self._restored_clean is not None:
                self._restored_clean.check(pair.clean)

    def restore(self, pair: Pair, rainy: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
        return self._restored.read(pair.rainy)

    def restore_clean(self, pair: Pair, clean: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"] | None:
        return None if self._restored_clean is None else self._restored_clean.read(pair.clean)


class _ResultFolder:
    """The pictures of a folder, found by the name, without suffix, of the picture they were made from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}
        for path in list_images(folder):
            if path.stem in self._files:
                raise InputError(f"{path} and {self._files[path.stem].name} differ only in suffix")
            self._files[path.stem] = path

    def check(self, source: Path) -> None:
        if source.stem not in self._files:
            raise InputError(f"{self._folder} holds no result for {source}")
        result = self._files[source.stem]
        (height, width), (source_height, source_width) = image_size(result), image_size(source)
        if (height, width) != (source_height, source_width):
            raise InputError(
                f"{result} has {width} x {height} pixels, but {source} has {source_width} x {source_height}"
            )

    def read(self, source: Path) -> UInt8[Tensor, "3 h w"]:
        return read_picture(self._files[source.stem])


@contextmanager
def naming(picture: Path | str) -> Iterator[None]:
    """Name the picture in front of what is wrong with it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{picture}: {error}") from error


def read_picture(path: Path) -> UInt8[Tensor, "3 h w"]:
    return torch.from_numpy(read_image(path)).permute(2, 0, 1)
