"""The kernels' ``msf_camera`` on this computer: rows of a network's image from a camera's, as on a device."""

from __future__ import annotations

import ctypes

from tflm_msf.camera import Camera
from tflm_msf.errors import MsfError
from tflm_msf.runtime.native import NativeRowSource, RowSource, load_kernels, native_row_source


class MsfCamera(ctypes.Structure):
    """``msf_camera`` of msf_camera.h."""

    _fields_ = (
        ("width", ctypes.c_uint16),
        ("height", ctypes.c_uint16),
        ("format", ctypes.c_uint8),
        ("fit", ctypes.c_uint8),
        ("out_width", ctypes.c_uint16),
        ("out_height", ctypes.c_uint16),
        ("channels", ctypes.c_uint8),
        ("resize", ctypes.c_uint8),
        ("source", NativeRowSource),
        ("context", ctypes.c_void_p),
        ("row", ctypes.c_void_p),
        ("sums", ctypes.c_void_p),
        ("state", ctypes.c_uint16 * 4),
        ("held", ctypes.c_int32 * 2),
    )


def camera_rows(camera: Camera, rows: RowSource, out_width: int, out_height: int, channels: int) -> bytes:
    """A network's whole image, of ``out_height`` x ``out_width`` x ``channels`` bytes, from the rows of a camera.

    Raises:
        MsfError: for a network that the camera does not fit, if a row is missing, or if the kernels cannot be compiled.
    """
    camera.require_fit(out_width, out_height, channels)
    kernels = load_kernels()
    held = ctypes.create_string_buffer(2 * camera.row_bytes)
    sums = (ctypes.c_uint32 * (out_width * channels))()
    shape = (camera.width, camera.height, camera.format, camera.fit, out_width, out_height, channels, camera.resize)
    places = (None, ctypes.addressof(held), ctypes.addressof(sums))
    described = MsfCamera(*shape, native_row_source(rows), *places)
    made = (ctypes.c_uint8 * (out_width * channels))()
    image = b""
    failed = kernels.msf_camera_begin(ctypes.byref(described))
    for y in range(0 if failed else out_height):
        failed = failed or kernels.msf_camera_row(ctypes.byref(described), y, made, len(made))
        image += bytes(made)
    if failed:
        raise MsfError(f"the kernels make no image of a camera's rows: {camera.describe()}.")
    return image
