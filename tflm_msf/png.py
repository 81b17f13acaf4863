"""Pictures from PNG files: what cameras and drawing programs write, 8 bits a channel and not interlaced."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tflm_msf.errors import MsfError

Picture = npt.NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of the colour types: grey, colours, a palette, grey and alpha, colours and alpha."""

LARGEST_SIDE = 8192


def read_png(data: bytes, source: str = "the picture") -> Picture:
    """Red, green and blue of a picture, height x width x 3; what is transparent is as if it were not.

    Raises:
        MsfError: for what is no PNG file, or one of another kind.
    """
    try:
        chunks = list(_chunks(data))
        ((_, head), *_) = chunks
        width, height, bits, colours, *_, interlaced = struct.unpack(">IIBBBBB", head)
        if min(width, height) < 1 or max(width, height) > LARGEST_SIDE:
            raise MsfError(f"{source} is {width} x {height} pixels: a side may have 1 to {LARGEST_SIDE:,}.")
        if bits != 8 or interlaced or colours not in _CHANNELS:
            raise MsfError(f"{source} has {bits} bits a channel or is interlaced: save it as a plain PNG of 8 bits.")
        channels = _CHANNELS[colours]
        size = (width * channels + 1) * height
        packed = zlib.decompressobj().decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"), size)
        values = _unfiltered(np.frombuffer(packed, np.uint8).reshape(height, -1), channels)
        pixels = values.reshape(height, width, channels)
        if colours == 3:
            palette = np.frombuffer(next(body for kind, body in chunks if kind == b"PLTE"), np.uint8)
            return palette.reshape(-1, 3)[pixels[..., 0]]
        return np.repeat(pixels[..., :1], 3, axis=-1) if channels < 3 else np.ascontiguousarray(pixels[..., :3])
    except (ValueError, LookupError, StopIteration, struct.error, zlib.error):
        raise MsfError(f"{source} is no PNG file, or a damaged one.") from None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        raise ValueError("no signature")
    offset = len(_SIGNATURE)
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        yield kind, data[offset + 8 : offset + 8 + length]
        offset += 12 + length


def _unfiltered(rows: Picture, channels: int) -> Picture:
    """Values of rows, of which each begins with how it differs from what is left of it and above."""
    above = np.zeros(rows.shape[1] - 1, np.int64)
    done = np.empty((rows.shape[0], above.size), np.uint8)
    for y, row in enumerate(rows):
        kind, values = int(row[0]), row[1:].astype(np.int64)
        if kind == 2:
            values = values + above & 255
        elif kind in (1, 3, 4):
            _undo_from_left(values, above, channels, kind)
        elif kind != 0:
            raise ValueError("an unknown filter")
        done[y] = values
        above = values
    return done


def _undo_from_left(values: npt.NDArray[np.int64], above: npt.NDArray[np.int64], channels: int, kind: int) -> None:
    for x in range(values.size):
        left = int(values[x - channels]) if x >= channels else 0
        up = int(above[x])
        corner = int(above[x - channels]) if x >= channels else 0
        predicted = {1: left, 3: (left + up) // 2, 4: _paeth(left, up, corner)}[kind]
        values[x] = (int(values[x]) + predicted) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    """Which of the three is nearest to left + up - corner, as PNG breaks ties."""
    expected = left + up - corner
    return min((left, up, corner), key=lambda value: abs(expected - value))
