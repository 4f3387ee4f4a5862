"""A training of a study as a system to measure."""

import time

from derain.errors import InputError
from derain.evaluation.test_sets import photos
from derain.networks import load_model
from derain.pictures.backgrounds import Category
from derain.study.plan.trainings import Training
from derain.study.run.data_record import DataRecord, Hashes, refuse_unset, set_hash
from derain.study.run.measure import System, by_network
from derain.study.run.result import Environment, Result
from derain.study.run.store import Store
from derain.training.checkpoint import MODEL
from derain.training.loop import Progress, train


def trained(training: Training, identity: str, known: Result | None, store: Store, device: str, threads: int) -> System:
    """Train what is not trained, in the training's folder of the store.

    Args:
        training: the training.
        identity: of it.
        known: its result so far.
        store: where it belongs.
        device: torch device.
        threads: CPU threads, noted in the result.

    Raises:
        InputError: its photos, rain or network changed since it was planned.
        TrainingError: it cannot go on.
    """
    model, clock = store.run(identity) / MODEL, _Clock()
    # With a result there is nothing to train: not even the rain to train on is rendered again.
    if known is None or not model.exists():
        _refuse_changed(training, identity, store)
        model = train(training.settings(), store.run(identity), device, report=clock.note)
    # The study names it, so the code of a network of your own may run.
    network, header = load_model(model, training.network)
    result = known or Result(
        axes=training.axes(),
        run=header,
        photos=header["objective"]["photos"],
        parameters=network.parameter_count(),
        environment=Environment(**{**header["environment"], "threads": threads}),
        seconds=clock.seconds,
    )
    return System(result, by_network(network, device), network)


def training_photos(category: Category, record: DataRecord) -> Hashes:
    """Name of a category's photos to train on, also in data.json."""
    refuse_unset(category.train)
    return record.hashes(f"{category.name}, training", photos(category.train))


def _refuse_changed(training: Training, identity: str, store: Store) -> None:
    """Hours may lie between the plan and the training, whose result is to be that of its identity."""
    hashes = training_photos(training.category, DataRecord(store.folder))
    if training.identity(set_hash(hashes)) != identity:
        raise InputError("its photos, rain or network changed while the study ran: run it again")


class _Clock:
    """Seconds of a training, from what this process did of it."""

    def __init__(self) -> None:
        self._start: tuple[int, float] | None = None
        self.seconds: float | None = None

    def note(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._start is None:
            self._start = (progress.iteration, now)
        else:
            iteration, start = self._start
            self.seconds = (now - start) / (progress.iteration - iteration) * progress.iterations
