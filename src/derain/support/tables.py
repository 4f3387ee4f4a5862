"""TOML tables as frozen dataclasses: every key is known, every value of its type, or one sentence says which is not."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from derain.errors import InputError, did_you_mean, unreadable
from derain.support.files import regular

T = TypeVar("T")


def read_toml(path: Path, kind: str = "") -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        path: the file.
        kind: what it holds, such as "the rain in", for the sentence that it cannot be read.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(regular(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise unreadable(path, error, kind) from error


def read_table(
    kind: type[T], table: Mapping[str, Any], where: str, folder: Path, defaults: Mapping[str, Any] | None = None
) -> T:
    """A frozen dataclass from a table.

    A field that is a tuple of any length takes a list or a single value; one that may be a tuple or something else
    takes a list for the tuple; a mapping of dataclasses takes a table of tables; a path is `located`. The metadata
    "entries" of a mapping, types by name, let its entries stand in the table itself.

    Args:
        kind: the dataclass; its field types decide what is valid.
        table: the values.
        where: what the table is called in error messages.
        folder: that of the file.
        defaults: fields that the table need not give, of the right types.

    Raises:
        InputError: an unknown key (the closest one is named), a missing one, or a value of another type.
    """
    types = get_type_hints(kind)
    valid = {field.name: types[field.name] for field in fields(kind) if field.init}  # type: ignore[arg-type]
    values = dict(defaults or {})
    for field in fields(kind):  # type: ignore[arg-type]
        if entries := field.metadata.get("entries", {}):
            given = {**table, **table.get(field.name, {})}
            table = {key: value for key, value in given.items() if key not in (*entries, field.name)}
            own = {key: value for key, value in given.items() if key in entries}
            values[field.name] = {key: _value(entries[key], own[key], f"{where}: {key}", folder) for key in own}
            valid |= entries
    for key, value in table.items():
        if key not in valid:
            raise InputError(f"{where}: unknown key {key!r}{did_you_mean(key, valid)}")
        values[key] = _value(valid[key], value, f"{where}: {key}", folder)
    try:
        return kind(**values)
    except TypeError as error:
        missing = [name for name in valid if name not in values and f"'{name}'" in str(error)]
        raise InputError(f"{where} needs {' and '.join(missing)}") from error
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def located(text: str, folder: Path) -> Path:
    """A path that a file gives, from the file's folder; one that begins with an environment variable or `~`, as on a
    command line. A variable that is not set stays as it is written.

    >>> located("photos", Path("/studies")).as_posix(), located("$UNSET/photos", Path("/studies")).as_posix()
    ('/studies/photos', '$UNSET/photos')
    """
    path = Path(os.path.expandvars(text)).expanduser()
    return path if text.startswith("$") else folder / path


def _value(kind: Any, value: Any, where: str, folder: Path) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (UnionType, Union):
        if value is None and NoneType in inner:  # JSON has null, TOML has not
            return None
        kinds = [each for each in inner if each is not NoneType]
        listed = [each for each in kinds if (get_origin(each) is tuple) == isinstance(value, list)]
        return _value((listed or kinds)[0], value, where, folder)
    if origin is tuple:
        entries = value if isinstance(value, list) else [value]
        if inner[-1] is not Ellipsis and len(entries) != len(inner):
            raise InputError(f"{where} must be a list of {len(inner)} values, not {value!r}")
        # Whole numbers stay whole in pairs: a hash of the description of a rain is part of a training's identity.
        whole = int if inner[0] is float and inner[-1] is not Ellipsis else None
        return tuple(entry if type(entry) is whole else _value(inner[0], entry, where, folder) for entry in entries)
    if origin is Mapping and isinstance(value, dict):
        return {key: _value(inner[1], entry, f"{where}.{key}", folder) for key, entry in value.items()}
    if origin is Literal:
        if value not in inner:
            raise InputError(
                f"{where} must be one of {', '.join(inner)}, not {value!r}{did_you_mean(str(value), inner)}"
            )
        return value
    if is_dataclass(kind) and isinstance(value, dict):
        return read_table(kind, value, where, folder)  # type: ignore[arg-type]
    if kind is Path and isinstance(value, str):
        return located(value, folder)
    if kind is float and type(value) in (int, float):
        return float(value)
    if type(value) is kind:
        return value
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    raise InputError(f"{where} must be {names.get(kind, 'a table')}, not {value!r}")
