"""What ``msf_camera.c`` makes of a camera's image, in numpy: its definition, to the bit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tflm_msf.errors import MsfError

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]

GREY_WEIGHTS = (19589, 38470, 7471)
"""Of red, green and blue in a grey level, in 65536ths: those of TensorFlow's ``rgb_to_grayscale``."""

COLOUR_WEIGHTS = ((0, 91881), (-22554, -46802), (116130, 0))
"""Of both colour differences in red, green and blue, in 65536ths: those of JPEG, and so of cameras that send YUV."""

LARGEST_SIDE = 4096
"""Of both images, in pixels."""

POSITIONS = 2048
"""Steps between two pixels that a bilinear value can lie at."""

_STRUCTURE_BYTES = 44
"""Of an ``msf_camera`` where addresses have 32 bits."""


class CameraFormat(IntEnum):
    """How a camera sends a pixel, numbered as in ``msf_camera.h``."""

    GRAY8 = 0
    RGB888 = 1
    RGB565 = 2
    RGB565_LE = 3
    YUV422 = 4

    @property
    def label(self) -> str:
        """What it is called on the command line."""
        return self.name.lower().replace("_", "-")

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel."""
        return {CameraFormat.GRAY8: 1, CameraFormat.RGB888: 3}.get(self, 2)


class Fit(IntEnum):
    """Which part of a camera's image a network sees, numbered as in ``msf_camera.h``."""

    CROP = 0
    """The largest part in the middle that is shaped as the network's image."""
    STRETCH = 1
    """All of it, whatever its shape."""


class Resize(IntEnum):
    """What a pixel of the network's image is made of, numbered as in ``msf_camera.h``."""

    AREA = 0
    """The mean of all that it covers."""
    BILINEAR = 1
    """The four pixels around its middle, as with TensorFlow's ``resize`` without antialiasing."""


@dataclass(frozen=True)
class Camera:
    """A camera's image of ``width`` x ``height`` pixels, and how it becomes a network's.

    Raises:
        MsfError: for an image that cannot be.
    """

    width: int
    height: int
    format: CameraFormat
    fit: Fit = Fit.CROP
    resize: Resize = Resize.AREA

    def __post_init__(self) -> None:
        if not (1 <= self.width <= LARGEST_SIDE and 1 <= self.height <= LARGEST_SIDE):
            raise MsfError(
                f"a camera's image of {self.width}x{self.height} pixels cannot be: its sides are 1 to {LARGEST_SIDE}."
            )
        if self.format is CameraFormat.YUV422 and self.width % 2:
            raise MsfError(f"yuv422 has pixels in pairs, so a camera's image cannot be {self.width} pixels wide.")

    @classmethod
    def parse(cls, text: str, fit: str = "crop", resize: str = "area") -> Camera:
        """From what a user says: "320x240:rgb565".

        Raises:
            MsfError: for what is no camera.
        """
        found = re.fullmatch(r"(\d{1,5})x(\d{1,5}):([\w-]+)", text)
        formats = {kind.label: kind for kind in CameraFormat}
        if not found or found[3] not in formats:
            raise MsfError(f"'{text}' is no camera: write 320x240:rgb565, say, with one of {', '.join(formats)}.")
        return cls(int(found[1]), int(found[2]), formats[found[3]], _named(Fit, fit), _named(Resize, resize))

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of the camera's image."""
        return self.width * self.format.pixel_bytes

    @property
    def frame_bytes(self) -> int:
        """Bytes of the camera's whole image."""
        return self.row_bytes * self.height

    def used(self, out_width: int, out_height: int) -> tuple[int, int]:
        """Width and height of the part that a network of ``out_width`` times ``out_height`` pixels sees."""
        if self.fit is Fit.STRETCH:
            return self.width, self.height
        width = max(1, min(self.width, self.height * out_width // out_height))
        return width, max(1, min(self.height, self.width * out_height // out_width))

    def require_fit(self, out_width: int, out_height: int, channels: int) -> None:
        """Raises MsfError if no image of that size and number of channels can be made of the camera's."""
        if max(out_width, out_height) > LARGEST_SIDE or channels not in (1, 3):
            raise MsfError(
                f"the network takes {out_height}x{out_width}x{channels} values, which is no image that a camera's rows "
                f"become: it has 1 or 3 channels and sides up to {LARGEST_SIDE}."
            )
        if channels == 3 and self.format is CameraFormat.GRAY8:
            raise MsfError("the network takes colours, and gray8 has none: use a camera format that has.")

    def working_bytes(self, out_width: int, channels: int) -> int:
        """Bytes that ``msf_camera`` keeps on a 32-bit device: rows of the camera, sums of a network's row, itself."""
        if self.resize is Resize.BILINEAR:
            return 2 * self.row_bytes + _STRUCTURE_BYTES
        return self.row_bytes + 4 * out_width * channels + _STRUCTURE_BYTES

    def describe(self) -> str:
        """In words, for comments and messages."""
        how = ", ".join((self.format.label, self.fit.name.lower(), self.resize.name.lower()))
        return f"{self.width}x{self.height} pixels, {how}"


Named = TypeVar("Named", Fit, Resize)


def _named(kind: type[Named], name: str) -> Named:
    try:
        return kind[name.upper()]
    except KeyError:
        known = ", ".join(each.name.lower() for each in kind)
        raise MsfError(f"'{name}' is no way to fit a camera's image: {known}.") from None


def network_image(camera: Camera, frame: bytes, out_width: int, out_height: int, channels: int) -> Bytes:
    """A frame as a network of ``channels`` 1 or 3 gets it: bytes 0 to 255, height x width x channels.

    Each value is the mean of the area that it covers, or lies between the four pixels around it, rounded half up.

    Raises:
        MsfError: for a frame of another size, or a network that the camera does not fit.
    """
    camera.require_fit(out_width, out_height, channels)
    if len(frame) != camera.frame_bytes:
        raise MsfError(f"a frame has {len(frame):,} bytes, and one of {camera.describe()} has {camera.frame_bytes:,}.")
    values = _values(camera, frame, channels)
    width, height = camera.used(out_width, out_height)
    left, top = (camera.width - width) // 2, (camera.height - height) // 2
    part = values[top : top + height, left : left + width]
    if camera.resize is Resize.BILINEAR:
        rows, columns, total = _beside(height, out_height), _beside(width, out_width), POSITIONS * POSITIONS
    else:
        rows, columns, total = _covered(height, out_height), _covered(width, out_width), width * height
    sums = np.einsum("yi,ijk,xj->yxk", rows, part, columns, optimize=True)
    image: Bytes = ((sums + total // 2) // total).astype(np.uint8)
    return image


def _covered(used: int, out: int) -> Integers:
    """How much of each of ``used`` pixels each of ``out`` covers, where all are ``out`` wide and those ``used``."""
    begins, mine = np.arange(used) * out, np.arange(out)[:, None] * used
    overlap = np.minimum(begins + out, mine + used) - np.maximum(begins, mine)
    covered: Integers = np.maximum(overlap, 0)
    return covered


def _beside(used: int, out: int) -> Integers:
    """The weight of each of ``used`` pixels in each of ``out``, whose middles lie between two of them."""
    weights = np.zeros((out, used), np.int64)
    for x in range(out):
        place = max((2 * x + 1) * used - out, 0)
        first, beyond = divmod(place, 2 * out)
        second_weight = (beyond * POSITIONS + out) // (2 * out)
        weights[x, first] += POSITIONS - second_weight
        weights[x, min(first + 1, used - 1)] += second_weight
    return weights


def _values(camera: Camera, frame: bytes, channels: int) -> Integers:
    data = np.frombuffer(frame, np.uint8).astype(np.int64)
    pixels = data.reshape(camera.height, camera.width, -1)
    if camera.format is CameraFormat.GRAY8:
        return pixels
    if camera.format is CameraFormat.YUV422:
        return _colours(pixels) if channels == 3 else pixels[..., :1]
    if camera.format is not CameraFormat.RGB888:
        high = 0 if camera.format is CameraFormat.RGB565 else 1
        packed = pixels[..., high] << 8 | pixels[..., 1 - high]
        red, green, blue = packed >> 11, packed >> 5 & 63, packed & 31
        pixels = np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], axis=-1)
    if channels == 3:
        return pixels
    grey: Integers = ((pixels * GREY_WEIGHTS).sum(axis=-1, keepdims=True) + 32768) >> 16
    return grey


def _colours(pixels: Integers) -> Integers:
    """Of pairs of pixels, which have a brightness each and two colour differences together: Y U Y V."""
    differences = np.stack([pixels[:, 0::2, 1], pixels[:, 1::2, 1]], axis=-1).repeat(2, axis=1) - 128
    scaled = pixels[..., :1] * 65536 + differences @ np.array(COLOUR_WEIGHTS).T + 32768
    colours: Integers = np.clip(scaled >> 16, 0, 255)
    return colours


def camera_frame(camera: Camera, image: Bytes) -> bytes:
    """The frame that a camera sends of a picture, height x width x 3 (red, green, blue).

    Raises:
        MsfError: for a picture of another size.
    """
    if image.shape != (camera.height, camera.width, 3):
        size = "x".join(map(str, image.shape[1::-1]))
        raise MsfError(f"the picture has {size} pixels, and the camera sends {camera.width}x{camera.height}.")
    wide = image.astype(np.int64)
    grey = ((wide * GREY_WEIGHTS).sum(axis=-1) + 32768) >> 16
    if camera.format is CameraFormat.RGB888:
        return image.tobytes()
    if camera.format is CameraFormat.GRAY8:
        return bytes(grey.astype(np.uint8).tobytes())
    if camera.format is CameraFormat.YUV422:
        pairs = wide.reshape(camera.height, -1, 2, 3).mean(axis=2)
        brightness = grey.reshape(camera.height, -1, 2).mean(axis=2)
        blue, red = ((pairs[..., k] - brightness) * scale + 128 for k, scale in ((2, 0.564), (0, 0.713)))
        differences = np.clip(np.stack([blue, red], axis=-1), 0, 255).reshape(camera.height, camera.width)
        return bytes(np.stack([grey, differences], axis=-1).astype(np.uint8).tobytes())
    packed = wide[..., 0] >> 3 << 11 | wide[..., 1] >> 2 << 5 | wide[..., 2] >> 3
    return bytes(packed.astype("<u2" if camera.format is CameraFormat.RGB565_LE else ">u2").tobytes())
