"""The networks by name, and the text NAME:key=value,... that asks for one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from torch import Tensor

from derain.errors import InputError, one_of
from derain.networks import prenet, rcdnet, resnet, spdnet, swinir, syn2real, user
from derain.networks.base import Network
from derain.networks.prenet import PReNet, PReNetHyperparameters
from derain.networks.rcdnet import RCDNet, RCDNetHyperparameters
from derain.networks.resnet import ResNet, ResNetHyperparameters
from derain.networks.spdnet import SPDNet, SPDNetHyperparameters
from derain.networks.swinir import SwinIR, SwinIRHyperparameters
from derain.networks.syn2real import Syn2Real, Syn2RealHyperparameters
from derain.networks.unet import HalfUNet, UNet, UNetHyperparameters
from derain.support.user_code import determined_class, names_class, parse_class, split_arguments


@dataclass(frozen=True)
class Entry:
    """A network's class, the dataclass of its hyperparameters, and how weights of its official code are read.

    `official` takes tensors by their official names and gives the hyperparameters that they tell and the tensors by our
    names; None: no official layout is known. A file is in such a layout where it has all names of a set of
    `official_keys`.
    """

    network: Callable[[Any], Network]
    hyperparameters: type[Any]
    official: Callable[[Mapping[str, Tensor]], tuple[dict[str, Any], dict[str, Tensor]]] | None = None
    official_keys: tuple[frozenset[str], ...] = ()


NETWORKS: Mapping[str, Entry] = {
    "resnet": Entry(ResNet, ResNetHyperparameters, resnet.official, resnet.OFFICIAL_KEYS),
    "unet": Entry(UNet, UNetHyperparameters),
    "half_unet": Entry(HalfUNet, UNetHyperparameters),
    "swinir": Entry(SwinIR, SwinIRHyperparameters, swinir.official, swinir.OFFICIAL_KEYS),
    "spdnet": Entry(SPDNet, SPDNetHyperparameters, spdnet.official, spdnet.OFFICIAL_KEYS),
    "rcdnet": Entry(RCDNet, RCDNetHyperparameters, rcdnet.official, rcdnet.OFFICIAL_KEYS),
    "prenet": Entry(PReNet, PReNetHyperparameters, prenet.official, prenet.OFFICIAL_KEYS),
    "syn2real": Entry(Syn2Real, Syn2RealHyperparameters, syn2real.official, syn2real.OFFICIAL_KEYS),
}


def build(name: str, hyperparameters: Mapping[str, Any] | None = None) -> Network:
    """A fresh network, initialised from torch's current random state.

    Args:
        name: a key of NETWORKS, or FILE.py:CLASS for a network of your own (`derain.networks.user`).
        hyperparameters: values for fields of the network's hyperparameters; those left out keep their defaults. Of a
            network of your own, "arguments" are what its class is made with.

    Raises:
        InputError: unknown name or key (the closest valid one is named), or a value of the wrong type.

    >>> build("resnet", {"features": 16, "blocks": 4}).parameter_count()
    21763
    """
    if names_class(name):
        return user.load_user_network(name, (hyperparameters or {}).get("arguments"))
    entry = NETWORKS[one_of(name, NETWORKS, "network")]
    values = dict(hyperparameters or {})
    types = {field.name: field.type for field in fields(entry.hyperparameters)}
    for key, value in values.items():
        kind = types[one_of(key, types, f"hyperparameter of {name}")]
        valid = value in get_args(kind) if get_origin(kind) is Literal else type(value) is kind
        if not valid:
            raise InputError(f"{name}: {key} must be {_describe(kind)}, not {value!r}")
    return entry.network(entry.hyperparameters(**values))


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the hyperparameters in a text NAME or FILE.py:CLASS, with or without :key=value,key=value behind it.

    Raises:
        InputError: unknown name or key, or a value that cannot be read as the key's type.

    >>> parse("unet:base=16,levels=4,norm=none,input_skip=true")
    ('unet', {'base': 16, 'levels': 4, 'norm': 'none', 'input_skip': True})
    >>> parse("mine.py:Mine:width=16")
    ('mine.py:Mine', {'arguments': {'width': 16}})
    """
    if names_class(text):
        own, arguments = parse_class(text, "network")
        return own, {"arguments": arguments} if arguments else {}
    name, _, settings = text.partition(":")
    types = {f.name: f.type for f in fields(NETWORKS[one_of(name, NETWORKS, "network")].hyperparameters)}
    values: dict[str, Any] = {}
    for key, value in split_arguments(settings, text, "network"):
        kind = types[one_of(key, types, f"hyperparameter of {name}")]
        values[key] = _read(value, kind, f"network {text!r}: {key}")
    return name, values


@cache
def canonical(text: str) -> str:
    """The text of a network without values that are defaults, in the order of its hyperparameters.

    >>> canonical("resnet:blocks=16,features=32")
    'resnet:features=32'
    """
    name, values = parse(text)
    if names_class(name):
        changed = [f"{key}={_written(value)}" for key, value in sorted(values.get("arguments", {}).items())]
        return f"{name}:{','.join(changed)}" if changed else name
    defaults = asdict(NETWORKS[name].hyperparameters())
    changed = [f"{key}={_written(values[key])}" for key in defaults if values.get(key, defaults[key]) != defaults[key]]
    return f"{name}:{','.join(changed)}" if changed else name


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def determined(text: str) -> Mapping[str, Any]:
    """All that determines a network: name and all hyperparameters; of your own, the class, its code and its arguments.

    Raises:
        InputError: the file of a network of your own, which is run, cannot be read or fails.

    >>> determined("unet:base=16")["levels"]
    5
    """
    if names_class(text):
        return determined_class(text, "network")
    name, values = parse(text)
    return {"name": name, **asdict(NETWORKS[name].hyperparameters(**values))}


def short_names(networks: Iterable[str]) -> dict[str, str]:
    """Short names of networks: files of your own without their folders, unless two would be called alike.

    >>> short_names(["/home/me/mine.py:Mine:width=8", "unet:base=16"])
    {'/home/me/mine.py:Mine:width=8': 'mine.py:Mine:width=8', 'unet:base=16': 'unet:base=16'}
    """
    short = {}
    for text in dict.fromkeys(networks):
        file, own, rest = text.partition(".py:")
        short[text] = f"{Path(file).name}{own}{rest}" if own else text
    alike = Counter(short.values())
    return {text: name if alike[name] == 1 else text for text, name in short.items()}


def _read(value: str, kind: Any, where: str) -> Any:
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    raise InputError(f"{where} must be {_describe(kind)}, not {value!r}")


def _describe(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    return {int: "a whole number", float: "a number", bool: "true or false"}[kind]
