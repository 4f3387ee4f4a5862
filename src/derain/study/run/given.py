"""A given system of a study: a model or folders of restored pictures, checked before anything is measured."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from derain.errors import InputError
from derain.evaluation.evaluate import Result as Restored
from derain.evaluation.evaluate import Sample
from derain.evaluation.restorers import FolderRestorer
from derain.evaluation.test_sets import Test
from derain.networks.loading import load_model, model_hash
from derain.pictures.images import list_images
from derain.pictures.pairs import Pair
from derain.study.plan.given import PERFECT, Given
from derain.study.run.data_record import picture_hash, refuse_unset
from derain.study.run.measure import Restore, System, by_network
from derain.study.run.result import Environment, Result


def identity_of(given: Given) -> str:
    """Hash of all that determines what a system makes of pictures: 16 hexadecimal digits.

    Raises:
        InputError: a file or folder is missing or bad, or its environment variable is not set.
    """
    if given.model is None:
        content = [
            (test, path.name, picture_hash(path))
            for folders in (given.restored, given.restored_clean)
            for test, folder in folders.items()
            for path in _pictures(folder)
        ]
        return sha256(repr(content).encode()).hexdigest()[:16]
    if given.model == PERFECT:
        return sha256(PERFECT.encode()).hexdigest()[:16]
    refuse_unset([Path(given.model)])
    return sha256(model_hash(given.model, given.network).encode()).hexdigest()[:16]


def refuse_unusable(given: Given, tests: Iterable[Test]) -> None:
    """Refuse a system that cannot restore its test sets.

    Raises:
        InputError: the model cannot be loaded; or a folder lacks the result of a picture, or has it in another size.
    """
    if given.model is None:
        for test in tests:
            _folders(given, test).check(_pairs(test))
    elif given.model != PERFECT:
        load_model(given.model, given.network)


def opened(given: Given, identity: str, axes: Mapping[str, Any], device: str, threads: int) -> System:
    """Open a system.

    Args:
        given: the system.
        identity: that it had when the study was prepared.
        axes: its values on the axes of trainings.
        device: torch device.
        threads: CPU threads, noted in the result.

    Raises:
        InputError: as of `identity_of` and `refuse_unusable`; or it has changed since the study was prepared.
    """
    if identity_of(given) != identity:
        raise InputError(f"{given.name} changed while the study ran: run it again")
    network, header = (None, {}) if given.model in (None, PERFECT) else load_model(str(given.model), given.network)
    result = Result(
        axes=axes,
        run=header,
        photos=None,
        parameters=None if network is None else network.parameter_count(),
        environment=Environment(device, threads, torch.__version__),
        seconds=None,
    )
    if network is not None:
        return System(result, by_network(network, device), network)
    return System(result, _perfect if given.model == PERFECT else _by_folders(given), None)


def _perfect(test: Test, samples: Iterable[Sample]) -> Iterator[Restored]:
    return (Restored(name, rainy, clean, clean, clean) for name, rainy, clean in samples)


def _by_folders(given: Given) -> Restore:
    def restore(test: Test, samples: Iterable[Sample]) -> Iterator[Restored]:
        folders = _folders(given, test)
        for pair, (name, rainy, clean) in zip(_pairs(test), samples, strict=True):
            yield Restored(name, rainy, clean, folders.restore(pair, rainy), folders.restore_clean(pair, clean))

    return restore


def _folders(given: Given, test: Test) -> FolderRestorer:
    return FolderRestorer(given.restored[test.name], given.restored_clean.get(test.name))


def _pairs(test: Test) -> list[Pair]:
    assert test.pairs is not None  # the study was checked
    return test.pairs.list(test.pictures)


def _pictures(folder: Path) -> list[Path]:
    refuse_unset([folder])
    return list_images(folder)
