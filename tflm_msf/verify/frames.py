"""Frames of a camera: the image that the original gets of them, and the rows that the rewritten model gets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tflm_msf.camera import Camera, network_image
from tflm_msf.errors import MsfError
from tflm_msf.files import read_bytes
from tflm_msf.graph import DType, Graph, Model, Tensor
from tflm_msf.graph.pixels import PixelFormat, Pixels
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.int8_ends import Int8Ends
from tflm_msf.program.decode import streamed_image
from tflm_msf.runtime.camera import camera_rows


def image_of(model: Model, camera: Camera) -> tuple[int, int, int]:
    """Height, width and channels of the image that a rewritten model takes.

    Raises:
        MsfError: if the model takes no rows of bytes, or none that the camera's become.
    """
    image = streamed_image(model)
    if image is None or Pixels.of(model).format is not PixelFormat.UINT8:
        raise MsfError("a camera is for a model with --stream-input --pixel-format uint8: rewrite it so.")
    height, width, channels = image
    camera.require_fit(width, height, channels)
    return image


def make_frames(camera: Camera, runs: int, seed: int) -> list[bytes]:
    """``runs`` frames, made up as :func:`tflm_msf.inputs.make_inputs` does: all bytes are some camera's."""
    bytes_of_a_frame = Tensor("frame", (1, camera.height, camera.width, camera.format.pixel_bytes), DType.UINT8)
    return [frame.tobytes() for (frame,) in make_inputs(Graph((bytes_of_a_frame,), (), (0,), (0,)), runs, seed)]


def load_frame(camera: Camera, path: Path) -> bytes:
    """A frame from a file of the camera's bytes. Raises MsfError if it cannot be read or has another size."""
    content = read_bytes(path, "the input file")
    if len(content) != camera.frame_bytes:
        raise MsfError(
            f"the input file {path} has {len(content):,} bytes, but a frame of {camera.describe()} has "
            f"{camera.frame_bytes:,}."
        )
    return content


def frame_inputs(
    graph: Graph, rewritten: Model, ends: Int8Ends, camera: Camera, frames: Sequence[bytes]
) -> list[tuple[list[Array], list[Array]]]:
    """For each frame what the original ``graph`` gets, by the definition, and the rows of the rewritten model, by the
    kernels.

    Raises:
        MsfError: if the camera does not fit the model, or if definition and kernels make different images.
    """
    height, width, channels = image_of(rewritten, camera)
    if ends.rows is None:
        raise MsfError("a camera is for a model of which the one input is streamed.")
    (tensor,) = graph.inputs
    pairs = []
    for frame in frames:
        image = network_image(camera, frame, width, height, channels)
        rows = camera_rows(camera, partial(_row, frame), width, height, channels)
        if rows != image.tobytes():
            raise MsfError("msf_camera.c makes another image of a frame than its definition: please report this.")
        ours = ends.rows.levels[image].reshape(graph.tensors[tensor].shape)
        pairs.append(([ours], [np.frombuffer(rows, np.uint8)]))
    return pairs


def _row(frame: bytes, y: int, size: int) -> bytes:
    return frame[y * size : (y + 1) * size]
