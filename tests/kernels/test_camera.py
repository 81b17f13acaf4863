"""Rows of a camera become rows of a network as their definition says, to the bit, on every core, in little memory."""

from __future__ import annotations

import ctypes
from random import Random

import numpy as np
import pytest

from benchmarks.emulator import OPTIMIZED, build, load_core, missing_tools, run
from testing.corpus import corpus_file
from tflm_msf.arena import C_EXPORT, predict
from tflm_msf.camera import Camera, CameraFormat, network_image
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.graph.pixels import make_pixels
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.runtime.native import load_kernels

BYTES = {CameraFormat.GREY: 1, CameraFormat.RGB888: 3}
RowSource = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)


class MsfCamera(ctypes.Structure):
    _fields_ = (
        ("width", ctypes.c_uint16),
        ("height", ctypes.c_uint16),
        ("format", ctypes.c_uint8),
        ("fit", ctypes.c_uint8),
        ("out_width", ctypes.c_uint16),
        ("out_height", ctypes.c_uint16),
        ("channels", ctypes.c_uint8),
        ("source", RowSource),
        ("context", ctypes.c_void_p),
        ("row", ctypes.c_void_p),
        ("sums", ctypes.c_void_p),
        ("state", ctypes.c_uint16 * 4),
        ("held", ctypes.c_int32),
    )


def by_kernels(camera: Camera, frame: bytes, out_width: int, out_height: int, channels: int) -> bytes:
    """The same image from C. Rows are asked for in order."""
    size = camera.width * BYTES.get(camera.format, 2)
    asked: list[int] = []

    def fill(_: object, y: int, row: int, given: int) -> int:
        assert given == size
        asked.append(y)
        ctypes.memmove(row, frame[y * size : (y + 1) * size], size)
        return 0

    row, sums = ctypes.create_string_buffer(size), (ctypes.c_uint32 * (out_width * channels))()
    places = (None, ctypes.addressof(row), ctypes.addressof(sums))
    shape = (camera.width, camera.height, camera.format, not camera.crop, out_width, out_height, channels)
    described = MsfCamera(*shape, RowSource(fill), *places)
    kernels = load_kernels()
    assert kernels.msf_camera_begin(ctypes.byref(described)) == 0
    made = ctypes.create_string_buffer(out_width * channels)
    content = b""
    for y in range(out_height):
        assert kernels.msf_camera_row(ctypes.byref(described), y, made, len(made)) == 0
        content += made.raw
    assert asked == sorted(set(asked))
    return content


@pytest.mark.parametrize("seed", range(120))
def test_c_and_its_definition_agree(seed: int) -> None:
    random = Random(seed)
    camera = Camera(random.randint(1, 70), random.randint(1, 50), CameraFormat(seed % 5), random.random() < 0.5)
    channels = 3 if camera.format not in (CameraFormat.GREY, CameraFormat.YUYV) and seed % 2 else 1
    out_width, out_height = random.randint(1, 60), random.randint(1, 60)
    frame = random.randbytes(camera.width * camera.height * BYTES.get(camera.format, 2))
    expected = network_image(camera, frame, out_width, out_height, channels)
    assert by_kernels(camera, frame, out_width, out_height, channels) == expected.tobytes()


def test_the_largest_image_does_not_overflow() -> None:
    camera = Camera(4096, 4096, CameraFormat.GREY)
    assert by_kernels(camera, b"\xff" * 4096 * 4096, 2, 2, 1) == b"\xff" * 4


def test_a_mean_is_what_it_should_be() -> None:
    frame = bytes([0, 10, 20, 30, 40, 50])  # 3 x 2 onto 2 x 1: the middle column counts half on either side
    found = network_image(Camera(3, 2, CameraFormat.GREY, crop=False), frame, 2, 1, 1)
    assert found.ravel().tolist() == [int((0 + 30 + 0.5 * (10 + 40)) / 3 + 0.5), int((20 + 50 + 0.5 * 50) / 3 + 0.5)]


@pytest.mark.parametrize("change", [{"width": 0}, {"out_height": 4097}, {"format": 5}, {"channels": 2}, {"fit": 2}])
def test_a_description_that_makes_no_sense_is_refused(change: dict[str, int]) -> None:
    place = ctypes.create_string_buffer(64)
    address = ctypes.addressof(place)
    good = MsfCamera(8, 8, 2, 0, 4, 4, 1, RowSource(lambda *_: 0), None, address, address)
    assert load_kernels().msf_camera_begin(ctypes.byref(good)) == 0
    for name, value in change.items():
        setattr(good, name, value)
    assert load_kernels().msf_camera_begin(ctypes.byref(good)) == 1


FIRMWARE = """
#include <stdio.h>
#include <string.h>
#include "model.h"
#include "msf_camera.h"
#include "frame.h"
static uint8_t row[320 * 2];
static uint32_t sums[96 * CHANNELS];
static int next_row(void *context, uint32_t y, void *to, uint32_t size) {
  (void)context;
  memcpy(to, frame + y * size, size);
  return 0;
}
static msf_camera camera = {320, 240, MSF_CAMERA_RGB565, MSF_CAMERA_CROP, 96, 96, CHANNELS, next_row, 0, row, sums,
                            0, 0, 0, 0, 0};
int main(void) {
  if (msf_camera_begin(&camera) != 0) return 2;
  model_set_row_source(msf_camera_row, &camera);
  if (model_init() != MSF_OK || model_invoke() != MSF_OK) return 3;
  const int same = memcmp(model_output(0), expected, sizeof expected) == 0;
  printf("%s %lu\\n", same ? "PASS" : "FAIL", (unsigned long)(sizeof row + sizeof sums + sizeof camera));
  return !same;
}
"""


def array(name: str, values: bytes) -> str:
    return f"static const unsigned char {name}[] = {{{','.join(map(str, values))}}};\n"


@pytest.mark.parametrize("core", ["m4", "rv32"])
@pytest.mark.parametrize(("model", "channels"), [("tflm__person_detect", 1), ("mlperf__vww_96", 3)])
def test_a_camera_s_frame_on_an_emulated_core(model: str, channels: int, core: str) -> None:
    """Exactly what the definition and the original model give, in the arena and 3 kB."""
    there = load_core(core)
    if {there.gcc, there.command[0]} & set(missing_tools()):
        pytest.skip(f"{there.gcc} or {there.command[0]} is not installed")
    data = corpus_file(f"{model}.tflite").read_bytes()
    frame = _frame()
    image = network_image(Camera(320, 240, CameraFormat.RGB565), frame, 96, 96, channels)
    values = (image.astype(np.int16) - 128).astype(np.int8)[None]
    expected = Session(data).run([values])[0].tobytes()
    request = Request(stream_input=True, pixels=make_pixels("uint8", None), target=C_EXPORT)
    rewritten = Planner.of(data, "model", request).choose().model
    header = f"#define CHANNELS {channels}\n" + array("frame", frame) + array("expected", expected)
    sources = {**kernel_sources(), **export_c(rewritten, "model"), "frame.h": header, "main.c": FIRMWARE}
    sources["main.c"] = header + FIRMWARE.replace('#include "frame.h"\n', "")
    done = run(there, build(there, sources, (*OPTIMIZED, "-Wno-conversion")))
    assert done.status == 0, done.output
    said, extra = done.output.split()[:2]
    assert said == "PASS"
    assert int(extra) <= 3 * 1024
    assert predict(rewritten, C_EXPORT).total > 0


def _frame() -> bytes:
    """A smooth picture with edges, 320 x 240, RGB565."""
    y, x = np.mgrid[0:240, 0:320]
    red = (127 + 120 * np.sin(x / 23 + y / 41)).astype(np.uint16)
    green = (127 + 120 * np.cos(x / 31 - y / 17)).astype(np.uint16)
    blue = np.where((x - 160) ** 2 + (y - 120) ** 2 < 70**2, 220, 40).astype(np.uint16)
    packed = red >> 3 << 11 | green >> 2 << 5 | blue >> 3
    return bytes(packed.astype(">u2").tobytes())
