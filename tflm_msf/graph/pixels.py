"""What a row source delivers: values as the input has them, or the bytes of a camera, and what those stand for."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from tflm_msf.errors import MsfError
from tflm_msf.graph.fixed_point import quantize
from tflm_msf.graph.model import DType, Model, Tensor

METADATA = "tflm_msf_pixels"
"""Name of the metadata in which a rewritten model says what its rows hold."""

LARGEST_REAL = 1e30
"""Of the numbers that pixels stand for: far more than any, and the difference of two of them is a float32."""

Bytes = npt.NDArray[np.uint8]


class PixelFormat(IntEnum):
    """How a row holds its pixels, numbered as in the program format (SPEC.md)."""

    MODEL = 0
    UINT8 = 1
    RGB565 = 2
    RGB565_LE = 3

    @property
    def label(self) -> str:
        """What it is called on the command line."""
        return self.name.lower().replace("_", "-")

    @property
    def is_packed(self) -> bool:
        """True for 16 bits a pixel, of three channels."""
        return self in (PixelFormat.RGB565, PixelFormat.RGB565_LE)


@dataclass(frozen=True)
class Pixels:
    """The format of a row source.

    ``bounds`` are the real numbers that bytes 0 and 255 stand for; None: the least and the greatest that the input
    holds, so that an int8 input is the byte less 128.
    """

    format: PixelFormat = PixelFormat.MODEL
    bounds: tuple[float, float] | None = None

    @classmethod
    def of(cls, model: Model) -> Pixels:
        """What a rewritten model says that it takes. Raises MsfError if that makes no sense."""
        content = dict(model.metadata).get(METADATA)
        if content is None:
            return cls()
        try:
            said = json.loads(content)
            bounds = said["bounds"]
            return cls(PixelFormat[said["format"]], None if bounds is None else (float(bounds[0]), float(bounds[1])))
        except (ValueError, TypeError, LookupError):
            raise MsfError(f"the model's {METADATA} metadata is damaged; rewrite the original model again.") from None

    def written_into(self, model: Model) -> Model:
        """The model, saying that it takes such rows; nothing if they are as the model has them."""
        others = tuple(entry for entry in model.metadata if entry[0] != METADATA)
        if self.format is PixelFormat.MODEL:
            return replace(model, metadata=others)
        content = json.dumps({"format": self.format.name, "bounds": self.bounds}).encode()
        return replace(model, metadata=(*others, (METADATA, content)))

    @property
    def reals(self) -> npt.NDArray[np.float32] | None:
        """The real number that each byte stands for, if ``bounds`` say so."""
        if self.bounds is None:
            return None
        low, high = self.bounds
        return (low + np.arange(256) * (high - low) / 255).astype(np.float32)

    def table(self, tensor: Tensor) -> Bytes:
        """The byte of an int8 or uint8 input for each byte of a row, as TFLM's QUANTIZE makes it of the real number."""
        lowest = 0 if tensor.dtype == DType.UINT8 else -128
        if self.format is PixelFormat.MODEL:
            return np.arange(256, dtype=np.uint8)
        reals, quantization = self.reals, tensor.quantization
        if reals is None:
            values = np.arange(256) + lowest
        elif quantization is None or not quantization.per_tensor:
            raise MsfError(f"the input '{tensor.name}' has no scale, so pixels cannot have a range: leave it out.")
        else:
            try:
                steps = [quantize(float(real), quantization) for real in reals]
            except (OverflowError, ValueError):
                raise MsfError(
                    f"the pixel range {self.bounds} is too wide for the input '{tensor.name}', whose scale is "
                    f"{quantization.scale[0]:g}: use the range that the model was trained with."
                ) from None
            values = np.clip(np.array(steps, np.float64), lowest, lowest + 255).astype(np.int64)
        return (values % 256).astype(np.uint8)

    def rows(self, values: Bytes) -> tuple[Bytes, Bytes]:
        """The rows that hold an image of bytes, and the image that they then hold: RGB565 has fewer colours."""
        if not self.format.is_packed:
            return values, values
        red, green, blue = (values[..., channel] >> bits for channel, bits in enumerate((3, 2, 3)))
        packed = red.astype(np.uint16) << 11 | green.astype(np.uint16) << 5 | blue
        order = "<u2" if self.format is PixelFormat.RGB565_LE else ">u2"
        held = np.stack([red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], axis=-1)
        return np.frombuffer(packed.astype(order).tobytes(), np.uint8), held

    def describe(self) -> str:
        """What an application has to write, in words."""
        words = {
            PixelFormat.MODEL: "values as the model takes them",
            PixelFormat.UINT8: "a byte for each channel",
            PixelFormat.RGB565: "RGB565, two bytes for each pixel, the high one first",
            PixelFormat.RGB565_LE: "RGB565, two bytes for each pixel, the low one first",
        }[self.format]
        if self.format is PixelFormat.MODEL:
            return words
        if self.bounds is None:
            return f"{words}; 0 to 255 are the least to the greatest value of the input"
        return f"{words}; 0 to 255 stand for {self.bounds[0]:g} to {self.bounds[1]:g}"

    def to_json(self) -> dict[str, Any]:
        """In plain values, for scripts."""
        bounds = None if self.bounds is None else list(self.bounds)
        return {"format": self.format.label, "range": bounds, "about": self.describe()}


AS_THE_MODEL = Pixels()


def make_pixels(label: str | None, bounds: tuple[float, float] | None) -> Pixels:
    """From what a user says.

    Raises:
        MsfError: for a range without a format, or one that is none.
    """
    if bounds is not None and label is None:
        raise MsfError("--pixel-range says what the bytes of a --pixel-format stand for: give both, or neither.")
    if bounds is not None and not -LARGEST_REAL <= bounds[0] < bounds[1] <= LARGEST_REAL:
        raise MsfError(
            f"--pixel-range {bounds[0]:g} {bounds[1]:g} is no range: give two numbers up to {LARGEST_REAL:g} in size, "
            "the lower one first."
        )
    reals = None if bounds is None else (float(bounds[0]), float(bounds[1]))
    return Pixels(PixelFormat.MODEL if label is None else PixelFormat[label.upper().replace("-", "_")], reals)
