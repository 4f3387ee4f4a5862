"""Randomness as a pure function of a seed and of what it is used for; nothing is shared or global."""

from zlib import crc32

import numpy as np

from derain.errors import InputError


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A generator that depends only on `seed` and on `path`, such as ("batch", 17).

    Generators of different paths are independent, so a batch can be made again without making those before it. Only
    zeros at the end of a path tell nothing: ("batch",) and ("batch", 0) are one.

    Args:
        seed: any integer from 0 to 2**32 - 1; of a larger one the words could be those of another seed and path.
        path: what the numbers are for; integers from 0 up.

    Raises:
        InputError: the seed is negative.

    >>> float(generator(1, "batch", 17).random()) == float(generator(1, "batch", 17).random())
    True
    >>> float(generator(1, "batch", 17).random()) == float(generator(1, "batch", 18).random())
    False
    """
    if seed < 0:
        raise InputError(f"a seed must not be negative, as {seed} is")
    words = [crc32(part.encode(errors="surrogateescape")) if isinstance(part, str) else part for part in path]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *words])))
