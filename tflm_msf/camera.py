"""What ``msf_camera.c`` makes of a camera's image, in numpy: its definition, to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

GREY_WEIGHTS = (19589, 38470, 7471)
"""Of red, green and blue in a grey level, in 65536ths: those of TensorFlow's ``rgb_to_grayscale``."""


class CameraFormat(IntEnum):
    """How a camera sends a pixel, numbered as in ``msf_camera.h``."""

    GREY = 0
    RGB888 = 1
    RGB565 = 2
    RGB565_LE = 3
    YUYV = 4


@dataclass(frozen=True)
class Camera:
    """A camera's image, ``width`` x ``height`` pixels; ``crop``: only the middle, shaped as the network's image."""

    width: int
    height: int
    format: CameraFormat
    crop: bool = True

    def used(self, out_width: int, out_height: int) -> tuple[int, int]:
        """Width and height of the part that a network of ``out_width`` times ``out_height`` pixels sees."""
        if not self.crop:
            return self.width, self.height
        width = max(1, min(self.width, self.height * out_width // out_height))
        return width, max(1, min(self.height, self.width * out_height // out_width))


def network_image(camera: Camera, frame: bytes, out_width: int, out_height: int, channels: int) -> Bytes:
    """A frame as a network of ``channels`` 1 or 3 gets it: bytes 0 to 255, height x width x channels.

    Each value is the mean of the area that it covers, rounded half up.
    """
    values = _values(camera, frame, channels)
    width, height = camera.used(out_width, out_height)
    left, top = (camera.width - width) // 2, (camera.height - height) // 2
    part = values[top : top + height, left : left + width]
    rows, columns = _covered(height, out_height), _covered(width, out_width)
    sums = np.einsum("yi,ijk,xj->yxk", rows, part, columns)
    area = width * height
    image: Bytes = ((sums + area // 2) // area).astype(np.uint8)
    return image


def _covered(used: int, out: int) -> Integers:
    """How much of each of ``used`` pixels each of ``out`` covers, where all are ``out`` wide and those ``used``."""
    begins, mine = np.arange(used) * out, np.arange(out)[:, None] * used
    overlap = np.minimum(begins + out, mine + used) - np.maximum(begins, mine)
    covered: Integers = np.maximum(overlap, 0)
    return covered


def _values(camera: Camera, frame: bytes, channels: int) -> Integers:
    data = np.frombuffer(frame, np.uint8).astype(np.int64)
    pixels = data.reshape(camera.height, camera.width, -1)
    if camera.format in (CameraFormat.GREY, CameraFormat.YUYV):
        return pixels[..., :1]
    if camera.format is not CameraFormat.RGB888:
        high = 0 if camera.format is CameraFormat.RGB565 else 1
        packed = pixels[..., high] << 8 | pixels[..., 1 - high]
        red, green, blue = packed >> 11, packed >> 5 & 63, packed & 31
        pixels = np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], axis=-1)
    if channels == 3:
        return pixels
    grey: Integers = ((pixels * GREY_WEIGHTS).sum(axis=-1, keepdims=True) + 32768) >> 16
    return grey
