"""Devices: which one can be used, how much memory it has free, and exact arithmetic on it."""

from pathlib import Path

import torch

from derain.errors import InputError


def usable_device(name: torch.device | str) -> torch.device:
    """The device of this name, where a tensor can be put on it.

    Raises:
        InputError: there is no such device, or it is not at hand.

    >>> usable_device("cpu")
    device(type='cpu')
    """
    try:
        return torch.zeros((), device=name).device
    except NotImplementedError as error:  # the list of devices that this torch was built for goes on for a page
        raise InputError(f"the device {name} cannot be used: there is none that this torch can use") from error
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"the device {name} cannot be used: {str(error).splitlines()[0]}") from error


def exact_float32() -> None:
    """On a GPU, float32 is float32 in convolutions too, where PyTorch's default is to round their factors to TF32."""
    torch.backends.cudnn.allow_tf32 = False


def is_out_of_memory(error: Exception) -> bool:
    """True where memory ran out, of a GPU or of the CPU; torch has no class of its own for the latter."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


_MEMINFO = Path("/proc/meminfo")


def available_bytes(device: torch.device) -> float:
    """Free memory of a CUDA device, or of the machine; infinite where the system does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        fields = dict(line.split(":") for line in _MEMINFO.read_text(encoding="ascii").splitlines())
        return 1024.0 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError):
        return float("inf")


def gib(number: float) -> str:
    return f"{number / 2**30:.1f} GiB"
