"""The command line, read by tyro: flags in groups, defaults that say something, hints at flags of similar names."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar, get_args, get_type_hints

import tyro
from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructFieldSpec, StructTypeInfo

from derain.errors import InputError, did_you_mean, one_of

_CONFIG = (tyro.conf.OmitArgPrefixes, tyro.conf.DisallowNone, tyro.conf.FlagCreatePairsOff)
_AS_TYRO_TAKES_IT = object()
_REGISTRY = ConstructorRegistry()


def parse(commands: Mapping[str, type], arguments: Sequence[str], description: str) -> Any:
    """Read a command line; one that tyro refuses, and --help, end the process.

    A field of a dataclass whose metadata hold a "group" begins a group of flags, which --help shows under that title;
    an "alias" is another name of its flag.

    Args:
        commands: a dataclass for every command, by name.
        arguments: of the program.
        description: for --help.

    Raises:
        InputError: an unknown command or flag, or a flag that is given twice.
    """
    if arguments and not arguments[0].startswith("-"):
        _refuse_flags(arguments, commands[one_of(arguments[0], commands, "command")])
    return tyro.extras.subcommand_cli_from_dict(
        dict(commands), prog="derain", args=arguments, description=description, config=_CONFIG, registry=_REGISTRY
    )


def _refuse_flags(arguments: Sequence[str], command: type) -> None:
    """Refuse unknown flags, and flags given twice: only the last would count, although several values may be meant."""
    written = [argument.partition("=")[0].replace("_", "-") for argument in arguments if argument.startswith("--")]
    known = dict(_flags(command)) | {"--help": "--help"}
    for flag in written:
        if flag not in known:
            raise InputError(f"derain {arguments[0]} has no {flag}{did_you_mean(flag, known)}")
    given = [known[flag] for flag in written]
    for flag in written:
        if given.count(known[flag]) > 1:
            raise InputError(f"{flag} is given twice; several values go behind one {flag}")


def _flags(command: type) -> Iterator[tuple[str, str]]:
    """The flags of a command and of its subcommands; another name of a flag stands with that flag."""
    hints = get_type_hints(command)
    for each in fields(command):
        kinds = (hints[each.name], *get_args(hints[each.name]))
        inner = [kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)]
        for kind in inner:
            yield from _flags(kind)
        if not inner:
            flag = f"--{each.name.replace('_', '-')}"
            yield flag, flag
            if "alias" in each.metadata:
                yield each.metadata["alias"], flag


class _Group:
    """A group of flags, as a structure within its dataclass: tyro shows one in a box of its own."""

    flags: ClassVar[tuple[StructFieldSpec, ...]]


@_REGISTRY.struct_rule
def _group(info: StructTypeInfo) -> StructConstructorSpec | None:
    is_group = isinstance(info.type, type) and issubclass(info.type, _Group)
    return StructConstructorSpec(dict, info.type.flags) if is_group else None


@_REGISTRY.struct_rule
def _dataclass(info: StructTypeInfo) -> StructConstructorSpec | None:
    """A dataclass as tyro takes it, with its fields in groups."""
    if not is_dataclass(info.type) or _AS_TYRO_TAKES_IT in info.markers:
        return None
    spec = ConstructorRegistry.get_struct_spec(replace(info, markers=(*info.markers, _AS_TYRO_TAKES_IT)))
    assert isinstance(spec, StructConstructorSpec)
    titles = {each.name: each.metadata["group"] for each in fields(info.type) if "group" in each.metadata}
    aliases = {each.name: each.metadata["alias"] for each in fields(info.type) if "alias" in each.metadata}
    title, alone, groups = "", list[StructFieldSpec](), dict[str, list[StructFieldSpec]]()
    for flag in spec.fields:
        title = titles.get(flag.name, title)
        group = groups.setdefault(title, []) if title else alone
        hinted: Any = Annotated[flag.type, _named(flag, aliases.get(flag.name)), _hint(flag)]
        group.append(replace(flag, type=hinted, helptext=partial(_paragraph, flag.helptext)))

    if not groups:
        return replace(spec, fields=tuple(alone))

    def make(**values: Any) -> Any:
        grouped = [values.pop(title) for title in groups]
        return spec.instantiate(**values, **ChainMap(*grouped))

    make.__doc__ = info.type.__doc__
    boxes = (_box(title, flags) for title, flags in groups.items())
    return StructConstructorSpec(make, (*alone, *boxes))


def _box(title: str, flags: Iterable[StructFieldSpec]) -> StructFieldSpec:
    group = type(title, (_Group,), {"flags": tuple(flags)})
    return StructFieldSpec(title, group, tyro.MISSING_NONPROP, helptext="")


def _named(flag: StructFieldSpec, alias: str | None) -> object:
    """Two names of a flag; tyro shows its name behind its aliases, so they change places."""
    return (
        tyro.conf.arg() if alias is None else tyro.conf.arg(name=alias.removeprefix("--"), aliases=[f"--{flag.name}"])
    )


def _hint(flag: StructFieldSpec) -> object:
    """The end of the help of a flag: its default, where that says something."""
    if flag.default is tyro.MISSING_NONPROP:
        return tyro.conf.arg(help_behavior_hint="(required)")
    says_nothing = flag.default is False or flag.default in (None, "", ())
    return tyro.conf.arg(help_behavior_hint="" if says_nothing else "(default: {})".format)


def _paragraph(help_text: str | Callable[[], str | None] | None) -> str:
    """The help of a flag in one paragraph, however its docstring is broken into lines."""
    return " ".join(((help_text() if callable(help_text) else help_text) or "").split())
