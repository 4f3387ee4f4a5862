"""A training made ready: patches, rain, network and their description."""

import os
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from derain.degradations import load_degradation, unseen_beside
from derain.errors import InputError
from derain.evaluation.test_sets import ValidationSet, pairs_set
from derain.networks.base import Network
from derain.networks.loading import load_model, model_hash
from derain.networks.memory import refuse_too_large, refuse_too_many_weights
from derain.networks.onnx import is_onnx
from derain.networks.registry import build, parse
from derain.networks.running import channels_last
from derain.networks.weights import describe, load_weights
from derain.pictures.backgrounds import ContentFilter, PatchSet, load_patches, split_photos, whole_photos
from derain.pictures.degradation import Degradation
from derain.pictures.images import list_images
from derain.pictures.pairs import Pair, match_pairs
from derain.probe.maps import Scene, lay_scene
from derain.probe.space import COARSE
from derain.rain import Rain, RainBank
from derain.rain.bank import refuse_too_large_bank
from derain.support.devices import available_bytes
from derain.support.randomness import generator
from derain.training.description import describe_run
from derain.training.losses import Loss, loss_of
from derain.training.objective import Batches, Mixed, Objective, PairObjective
from derain.training.pairs import PairPatches, cut_pairs
from derain.training.settings import TrainingSettings
from derain.training.validation import held_out_set

_MOST_HELD_OUT = 16


@dataclass
class Run:
    """A training made ready: everything that determines it, as objects and as a JSON-able description.

    `photos` has a hash of what is seen of every background photo and of every pair, by its file name; `loss` is None
    where the network has its own.
    """

    settings: TrainingSettings
    description: dict[str, Any]
    photos: dict[str, str]
    network: Network
    objective: Batches
    loss: Loss | None
    validation: list[ValidationSet]
    scene: Scene | None


def prepare(settings: TrainingSettings, device: torch.device) -> Run:
    """Cut the patches, build the network and describe it all.

    Raises:
        InputError: whatever is wrong with the settings, the photos, the rain or the network.
    """
    # Read network and rain, and cut the training patches.
    name, hyperparameters = parse(settings.network)
    available = available_bytes(device)
    refuse_too_many_weights(name, hyperparameters, available)
    rain = load_degradation(settings.rain, settings.recipe)
    _refuse_without_rain(settings, rain)
    training_photos, held_out = split_backgrounds(settings)
    patches = _backgrounds(settings, training_photos) if settings.backgrounds else None
    pairs_of = [] if settings.pairs is None else match_pairs(*settings.pairs, settings.match)
    trained = [*training_photos, *_files(pairs_of)]
    pairs = _pairs(settings, pairs_of) if pairs_of else None

    # Build the network, and refuse one that cannot be trained like this.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(settings.seed, "network").integers(2**31)))
        network = build(name, hyperparameters)
    init = None if settings.init is None else _begin_from(network, settings.init, settings.network)
    smallest, side = network.descriptor.smallest_size_px, settings.sample_size
    if side < smallest:
        raise InputError(
            f"{settings.network} needs samples of at least {smallest} x {smallest} pixels, not {side} x {side}"
        )
    if not network.proven or settings.batch_size == 1:
        with torch.random.fork_rng(devices=[]):
            refuse_untrainable(network, settings)
    refuse_too_large(network, settings.batch_size, settings.sample_size, available)

    # Make the objective.
    loss = None if settings.loss == "own" else loss_of(settings.loss, settings.sample_size)
    objective: Batches
    if pairs is None:
        objective = _under_rain(settings, patches, rain, device)
    elif patches is None:
        objective = _of_pairs(settings, pairs, device)
    else:
        objective = Mixed(_under_rain(settings, patches, rain, device), _of_pairs(settings, pairs, device))

    # Lay out what is measured along the training.
    photos = held_out
    if settings.validation is not None:
        photos = list_images(settings.validation)
        _refuse_shared(trained, photos, "--validation")
    most = whole_photos(photos, settings.background_size, _MOST_HELD_OUT) if settings.skip_bad else len(photos)
    validation = _validation(settings, photos, most, rain)
    if settings.stop_when_slacking and len(validation[0].samples) < 2:
        raise InputError(
            "--stop-when-slacking compares pictures and needs two to validate on, not one: give --validation"
        )
    scene = None
    if settings.probe_every:
        space = replace(COARSE, count=min(COARSE.count, most), size_px=settings.background_size)
        scene = lay_scene(space, photos, settings.seed, skip_bad=settings.skip_bad)

    # Describe it all.
    description = describe_run(settings, describe(name, network), rain.describe(), patches, validation, pairs, init)
    photos_of = (patches.by_photo() if patches else {}) | (pairs.by_photo if pairs else {})
    return Run(settings, description, photos_of, network, objective, loss, validation, scene)


def _begin_from(network: Network, model: Path, named: str) -> str:
    """Put the weights of a model into a network, and give the hash of the model.

    Raises:
        InputError: as `derain.networks.load_model`; or it is a model of another network.
    """
    if is_onnx(model):
        raise InputError(f"{model} is an ONNX file; training begins from a model file or from official weights")
    loaded, _ = load_model(model, named)
    load_weights(network, loaded.state_dict(), f"{model} does not hold weights of {named} to begin from")
    return model_hash(model, named)


def split_backgrounds(settings: TrainingSettings) -> tuple[list[Path], list[Path]]:
    """The photos to cut training patches from, and those kept out for validation: an eighth of them, 16 at most.

    None are kept out without --validate-every and --probe-every, or where --validation names a folder. With --skip-bad
    more are, as long as no patch can be cut from any of them.

    Raises:
        InputError: a folder holds no image, or there is only one photo.
    """
    if not settings.backgrounds and settings.pairs is None:
        raise InputError("give --backgrounds or --pairs")
    photos = [photo for folder in settings.backgrounds for photo in list_images(folder)]
    if not photos:
        return [], []
    if not (settings.validate_every or settings.probe_every) or settings.validation is not None:
        return photos, []
    if len(photos) < 2:
        raise InputError(
            f"validation keeps a photo out, but {settings.backgrounds[0]} holds only one: give --validation"
        )
    seed = settings.seed if settings.split_seed is None else settings.split_seed
    number = max(1, min(_MOST_HELD_OUT, len(photos) // 8))
    training, held_out = split_photos(photos, number, seed)
    while settings.skip_bad and not whole_photos(held_out, settings.background_size, 1):
        number += 1
        training, held_out = split_photos(photos, number, seed)
    return training, held_out


def _refuse_shared(training: list[Path], validation: list[Path], flag: str) -> None:
    trained = {os.path.realpath(photo) for photo in training}
    for photo in validation:
        if os.path.realpath(photo) in trained:
            raise InputError(f"{photo} is trained on, so {flag} must not hold it")


def _files(pairs: list[Pair]) -> list[Path]:
    return [path for pair in pairs for path in (pair.rainy, pair.clean)]


def _backgrounds(settings: TrainingSettings, photos: list[Path]) -> PatchSet:
    content = _content(settings)
    return load_patches(photos, settings.count, settings.background_size, settings.seed, content, settings.skip_bad)


def _pairs(settings: TrainingSettings, pairs: list[Pair]) -> PairPatches:
    """Cut the patches of pairs; no file of theirs may be validated on."""
    if settings.validation_pairs is not None:
        validation = _files(match_pairs(*settings.validation_pairs, settings.match))
        _refuse_shared(_files(pairs), validation, "--validation-pairs")
    content = _content(settings)
    return cut_pairs(pairs, settings.count, settings.background_size, settings.seed, content, settings.skip_bad)


def _content(settings: TrainingSettings) -> ContentFilter | None:
    if settings.min_std > 0 or settings.max_white < 1:
        return ContentFilter(min_std=settings.min_std, max_white=settings.max_white)
    return None


def _refuse_without_rain(settings: TrainingSettings, degradation: Degradation) -> None:
    """Refuse what only rain has, under another degradation."""
    for name, given in (("--layers", settings.layers), ("--probe-every", settings.probe_every)):
        if given and not isinstance(degradation, Rain):
            raise InputError(f"{name} is for rain, which {degradation.name!r} is not")


def _under_rain(
    settings: TrainingSettings, patches: PatchSet | None, degradation: Degradation, device: torch.device
) -> Objective:
    """Backgrounds under rain, of a bank where one is asked for, or under another degradation."""
    assert patches is not None
    if settings.layers is not None:
        assert isinstance(degradation, Rain)
        refuse_too_large_bank(settings.layers, settings.background_size, available_bytes(device))
        degradation = RainBank.render(degradation, settings.layers, settings.background_size, settings.seed, device)
    return Objective(
        patches=torch.from_numpy(patches.patches).to(device),
        degradation=degradation,
        batch_size=settings.batch_size - settings.pair_samples,
        patch_size_px=settings.sample_size,
        seed=settings.seed,
    )


def _of_pairs(settings: TrainingSettings, pairs: PairPatches, device: torch.device) -> PairObjective:
    rainy, clean = (torch.from_numpy(patches).to(device) for patches in (pairs.rainy, pairs.clean))
    return PairObjective(rainy, clean, settings.pair_samples, settings.sample_size, settings.seed)


def _validation(
    settings: TrainingSettings, photos: list[Path], most: int, degradation: Degradation
) -> list[ValidationSet]:
    if not settings.validate_every:
        return []
    sets = []
    if photos:
        unseen = unseen_beside(degradation)
        sets = [held_out_set(photos, most, settings.background_size, unseen, settings.seed, settings.skip_bad)]
    if settings.validation_pairs is not None:
        sets.append(pairs_set(*settings.validation_pairs, settings.match, degradation.residual))
    return sets


def refuse_untrainable(network: Network, settings: TrainingSettings) -> None:
    """Try one step back and forth on a copy: a network may work on pictures and fail only while it trains, as
    BatchNorm does where a sample is alone and has one value left.

    Raises:
        InputError: it fails, or its output depends on no weight that is learnt.
    """
    samples, side_px = min(settings.batch_size, 2), settings.sample_size
    trial = channels_last(deepcopy(network)).train()
    try:
        rainy = torch.rand(samples, 3, side_px, side_px).contiguous(memory_format=torch.channels_last)
        derained = trial.own_loss(rainy, rainy) if settings.loss == "own" else trial(rainy)
        if derained.requires_grad:
            derained.mean().backward()
    except Exception as error:
        cause = error.__cause__ or error
        tried = f"samples of {side_px} x {side_px} pixels{', one at a time' if samples == 1 else ''}"
        sentence = f"{settings.network} cannot be trained on {tried}: {type(cause).__name__}: {cause}"
        raise InputError(sentence) from error
    if not derained.requires_grad:
        raise InputError(f"{settings.network} cannot be trained: its output depends on no weight with a gradient")
