"""The models in the box: NAME.safetensors beside this file."""

from pathlib import Path

from derain.errors import MissingFileError, did_you_mean
from derain.support.files import entry

NAMES = ("balanced", "strong", "light")
"""Models that go by a name; the first one is the default."""


def find_model(model: str | Path) -> Path:
    """The file of a model, given by its name or by its path.

    Args:
        model: a name in NAMES, or a path, which is given back as it is.

    Raises:
        InputError: a name that is neither a model in the box nor a file; the sentence names the closest one.

    >>> find_model("run/model.safetensors").name
    'model.safetensors'
    """
    name, path = str(model), Path(model)
    if name in NAMES:
        file = Path(__file__).with_name(f"{name}.safetensors")
        if not file.is_file():
            raise MissingFileError(f"the model {name} is not in the box of this copy of derain; give a model file")
        return file
    if entry(path) or path.suffix or len(path.parts) > 1:
        return path
    hint = did_you_mean(name, NAMES)
    raise MissingFileError(f"{name!r} is neither a model in the box ({', '.join(NAMES)}) nor a file{hint}")
