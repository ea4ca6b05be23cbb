"""A PNG of a screen with a palette in place of 32 bits a pixel: a third of the size, the same to the eye.

Its one rule: it reads what rsvg-convert writes (8-bit RGBA, not interlaced) and nothing else.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 256
_PIXEL = 4


def with_palette(png: bytes) -> bytes:
    """The same picture with at most 256 colours; raises ValueError for a PNG of another kind."""
    parts = list(_chunks(png))
    header = parts[0][1]
    width, height = struct.unpack(">II", header[:8])
    if header[8:] != b"\x08\x06\0\0\0":
        raise ValueError("not an 8-bit RGBA picture without interlacing")
    raw = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    pixels = [
        pixel for row in _rows(raw, width * _PIXEL, height) for (pixel,) in struct.iter_unpack("4s", row)
    ]
    places, colours = _reduced(Counter(pixels))
    lines = (bytes(places[one] for one in pixels[at * width : (at + 1) * width]) for at in range(height))
    written = [
        (b"IHDR", header[:8] + b"\x08\x03\0\0\0"),
        (b"PLTE", b"".join(one[:3] for one in colours)),
        (b"tRNS", bytes(one[3] for one in colours)),
        (b"IDAT", zlib.compress(b"".join(b"\0" + line for line in lines), 9)),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(_chunk(name, body) for name, body in written)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += size + 12


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(raw: bytes, size: int, height: int) -> Iterator[bytes]:
    """The rows without their filters (PNG specification, 9.2)."""
    above = bytearray(size)
    for at in range(0, (size + 1) * height, size + 1):
        kind, row = raw[at], bytearray(raw[at + 1 : at + 1 + size])
        for x in range(size if kind else 0):
            left, corner = (row[x - _PIXEL], above[x - _PIXEL]) if x >= _PIXEL else (0, 0)
            row[x] = row[x] + _predicted(kind, left, above[x], corner) & 255
        above = row
        yield bytes(row)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 3:
        return left if kind == 1 else up
    if kind == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def _reduced(counts: Counter[bytes]) -> tuple[dict[bytes, int], list[bytes]]:
    """The place of every colour in a palette, and the palette: the commonest colours, no two much alike."""
    colours: list[bytes] = []
    known: set[bytes] = set()
    for one, _ in counts.most_common():
        near = bytes(value >> 4 for value in one)
        if near not in known and len(colours) < _MOST:
            known.add(near)
            colours.append(one)
    return {one: _nearest(one, colours) for one in counts}, colours


def _nearest(colour: bytes, colours: list[bytes]) -> int:
    def distance(place: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, colours[place], strict=True))

    return min(range(len(colours)), key=distance)
