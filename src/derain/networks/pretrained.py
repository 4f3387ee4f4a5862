"""Models as folders in the form of the Hugging Face Hub: config.json, model.safetensors and a card, README.md."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derain.errors import InputError, MissingFileError, needs_extra, unreadable
from derain.networks.base import Network
from derain.networks.loading import described, network_of
from derain.networks.registry import NETWORKS
from derain.networks.weights import describe, read_plain_tensors, write_tensors
from derain.support.files import entry, make_folder, regular, write_bytes, write_json
from derain.support.records import claim_file, is_json

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
_LIBRARY = "derain"
_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")


def save_pretrained(network: Network, folder: str | Path, header: Mapping[str, Any] | None = None) -> None:
    """Write a model into a folder that `from_pretrained` reads, and that can be put on the Hugging Face Hub.

    model.safetensors is a model file like all others: `--model FOLDER/model.safetensors` takes it.

    Args:
        network: a network of `NETWORKS`, or one that `load_model` gave with `header`.
        folder: made where it is not there. A model that is there is replaced, a README.md is left as it is.
        header: of the model's file, which says how it was trained; None: nothing is said of that.

    Raises:
        InputError: no header, and the network is none of `NETWORKS`; the folder cannot be written, or holds a
            config.json or model.safetensors of another kind.

    >>> from tempfile import TemporaryDirectory
    >>> from derain import build, from_pretrained
    >>> with TemporaryDirectory() as folder:
    ...     save_pretrained(build("unet", {"base": 4}), folder)
    ...     from_pretrained(folder).hyperparameters.base
    4
    """
    folder = Path(folder)
    if header is None:
        header = describe(_name_of(network), network)
    claim_file(folder / CONFIG, "save_pretrained", is_json(_is_ours))
    claim_file(folder / WEIGHTS, "save_pretrained", _is_weights)
    make_folder(folder)
    write_tensors(folder / WEIGHTS, network.state_dict(), header)
    write_json(folder / CONFIG, {"library_name": _LIBRARY, **header})
    if entry(folder / CARD) is None:
        write_bytes(folder / CARD, _card(folder.absolute().name, header).encode())


def from_pretrained(model: str | Path, revision: str | None = None, named: str | None = None) -> Network:
    """Load a network from a folder that `save_pretrained` wrote, or from the Hugging Face Hub.

    A folder is read without the network. Only a name OWNER/MODEL of what is no folder is asked of the Hub.

    Args:
        model: folder, or OWNER/MODEL on the Hub.
        revision: branch, tag or commit on the Hub; its main branch by default.
        named: FILE.py:CLASS, where the model is a network of your own: its code runs only when it is named.

    Returns:
        the network in eval mode, in float32, on the CPU.

    Raises:
        InputError: neither a folder nor such a name; config.json is not derain's, or names another network than the
            weights are of; the extra derain[hub] is not installed, or the Hub does not give the model.

    >>> from_pretrained("no/such/model")
    Traceback (most recent call last):
    ...
    derain.errors.MissingFileError: there is no folder no/such/model, and no model on the Hub has such a name
    """
    folder = Path(model)
    if entry(folder) != "folder":
        if not _ON_THE_HUB.fullmatch(str(model)):
            raise MissingFileError(f"there is no folder {model}, and no model on the Hub has such a name")
        folder = _downloaded(str(model), revision)
    config = folder / CONFIG
    try:
        header = json.loads(regular(config).read_bytes())
    except OSError as error:
        raise unreadable(config, error) from error
    except ValueError as error:
        raise InputError(f"{config} is no JSON ({error})") from error
    if not _is_ours(header):
        raise InputError(f"{config} describes no network of derain, but a model of another kind")
    return network_of(read_plain_tensors(folder / WEIGHTS), header, folder / WEIGHTS, named, config)


def _is_ours(config: Any) -> bool:
    return isinstance(config, dict) and config.get("library_name") == _LIBRARY and described(config)[0] != ""


def _name_of(network: Network) -> str:
    for name, each in NETWORKS.items():
        if type(network) is each.network:
            return name
    raise InputError(f"{type(network).__name__} is no network of derain.NETWORKS: give the header of its model file")


def _is_weights(path: Path) -> bool:
    try:
        read_plain_tensors(path)
    except InputError:
        return False
    return True


def _downloaded(name: str, revision: str | None) -> Path:
    with needs_extra("hub", f"there is no folder {name}, and the Hugging Face Hub needs huggingface_hub"):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=[CONFIG, WEIGHTS]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        cause = str(error).strip().splitlines()[0]
        raise InputError(f"there is no folder {name}, and the Hugging Face Hub does not give it ({cause})") from error


def _card(name: str, header: Mapping[str, Any]) -> str:
    """The text of README.md: what the Hub reads in its head, how to use the model, how it was trained."""
    values = header["network"]["hyperparameters"]
    network = ", ".join([header["network"]["name"], *(f"{key} {value}" for key, value in values.items())])
    objective, rain = header.get("objective", {}), header.get("objective", {}).get("rain", {})
    loss = objective.get("loss")
    facts = {
        "network": network,
        "backgrounds": objective.get("count"),
        "rain": rain.get("name") if isinstance(rain, dict) else None,
        "loss": loss["class"] if isinstance(loss, dict) else loss,
        "iterations": header.get("optimiser", {}).get("iterations"),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in facts.items() if value is not None)
    return _CARD.format(name=name, table=table)


_CARD = """---
library_name: derain
pipeline_tag: image-to-image
tags:
- image-deraining
- image-restoration
---

# {name}

A network that removes rain from photos: RGB in 0..1, float32, (n, 3, height, width), to the same.

```python
from pathlib import Path
from derain import TiledRestorer, from_pretrained, read_image, write_image

network = from_pretrained("{name}")  # this folder, or OWNER/{name} on the Hub
write_image(Path("dry.png"), TiledRestorer(network).picture(read_image(Path("wet.jpg"))))
```

| | |
|---|---|
{table}

`config.json` says all of how it was trained.
It changes pixels on a guess, and can take away what is no rain.
A result is no evidence of what was there.
"""
