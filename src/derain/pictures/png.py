"""The chunks of PNG files (PNG specification, third edition): which tell of colours and texts, and which of pixels."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import NamedTuple

File = BufferedReader | BytesIO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = (b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI")
_COMPRESSED = (b"iCCP", b"zTXt", b"iTXt")
_LONG_BYTES = 1 << 20  # what Pillow (12.3) refuses, once it is decompressed


class Chunk(NamedTuple):
    """A chunk: its type, such as b"tEXt", and its data."""

    kind: bytes
    data: bytes

    def stays_true(self) -> bool:
        """True for a chunk that stays true for the picture with other pixels.

        That is what tells of colours, and what the specification calls safe to copy: texts, EXIF data, resolution.

        >>> Chunk(b"gAMA", b"").stays_true(), Chunk(b"tEXt", b"").stays_true(), Chunk(b"hIST", b"").stays_true()
        (True, True, False)
        """
        return self.kind in _COLOURS or self.kind[3:].islower()


def is_png(file: File) -> bool:
    """True for an open PNG file; it is read from its beginning, and left there."""
    beginning = file.read(len(_SIGNATURE))
    file.seek(0)
    return beginning == _SIGNATURE


def chunks(file: File) -> Iterator[Chunk]:
    """The chunks of an open file except for those of pixels; of a broken file those before it breaks."""
    file.seek(len(_SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4]), head[4:]
        if not kind.isalpha():
            return
        if kind in (b"IDAT", b"fdAT"):
            file.seek(length + 4, 1)
            continue
        data = file.read(length)
        file.seek(4, 1)  # the checksum
        if len(data) == length:
            yield Chunk(kind, data)


def chunks_of(path: Path) -> list[Chunk]:
    """The same of the file at `path`."""
    with path.open("rb") as file:
        return list(chunks(file))


def without_long_texts(file: File) -> File:
    """The same file, or a copy in memory without texts and profiles of more than 1 MB, which Pillow calls damaged."""
    long = {chunk for chunk in chunks(file) if _is_long(chunk)}
    file.seek(0)
    if not long:
        return file
    content = file.read()
    for chunk in long:
        content = content.replace(_encoded(chunk), b"")
    return BytesIO(content)


def with_chunks(content: bytes, added: Sequence[Chunk]) -> bytes:
    """The content of a PNG file with more chunks, before its pixels."""
    start = len(_SIGNATURE) + 12 + 13  # behind the header
    return content[:start] + b"".join(map(_encoded, added)) + content[start:]


def encoded(all_chunks: Sequence[Chunk]) -> bytes:
    """The content of a PNG file of these chunks."""
    return _SIGNATURE + b"".join(map(_encoded, all_chunks))


def profile(found: Sequence[Chunk]) -> bytes | None:
    """The ICC profile of a file with these chunks."""
    for chunk in found:
        if chunk.kind == b"iCCP":
            try:
                return zlib.decompress(chunk.data.split(b"\0", 1)[1][1:])
            except (zlib.error, IndexError):
                return None
    return None


def _is_long(chunk: Chunk) -> bool:
    if chunk.kind not in _COMPRESSED or b"\0" not in chunk.data:
        return chunk.kind == b"tEXt" and len(chunk.data) > _LONG_BYTES
    rest = chunk.data.split(b"\0", 1)[1]
    if chunk.kind == b"iTXt":
        if rest[:1] == b"\0":
            return len(chunk.data) > _LONG_BYTES
        compressed = rest.split(b"\0", 3)[-1]
    else:
        compressed = rest[1:]
    inflate = zlib.decompressobj()
    try:
        inflate.decompress(compressed, _LONG_BYTES)
    except zlib.error:
        return False
    return bool(inflate.unconsumed_tail)


def _encoded(chunk: Chunk) -> bytes:
    checksum = zlib.crc32(chunk.kind + chunk.data)
    return struct.pack(">I", len(chunk.data)) + chunk.kind + chunk.data + struct.pack(">I", checksum)
