"""What a camera costs: RAM of a model, its row source and the resizing on emulated cores, beside a frame buffer.

``python -m benchmarks.camera`` prints README's table. Measured is all but the frame buffer, the camera's bytes,
and TFLM's arena, which is predicted to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.emulator import OPTIMIZED, Core, build, compile_objects, load_core, run, section_sizes
from testing.corpus import corpus_file
from tflm_msf.arena import C_EXPORT, MCU32, predict
from tflm_msf.camera import Camera, CameraFormat, Resize, camera_frame, network_image
from tflm_msf.export import export_c, kernel_sources
from tflm_msf.export.camera import camera_sources
from tflm_msf.graph.pixels import make_pixels
from tflm_msf.planner import Planner
from tflm_msf.request import Request
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model

MODELS: Mapping[str, int] = {"tflm__person_detect": 1, "mlperf__vww_96": 3}
"""Channels of models that take an int8 image of 96 x 96."""

CORES = ("m4", "rv32")

FIRMWARE = """
#include <stdio.h>
#include <string.h>
#include "model.h"
#include "model_camera.h"
#include "probe.h"
#include "frame.h"
static int next_row(void *context, uint32_t y, void *to, uint32_t size) {
  (void)context;
  memcpy(to, frame + y * size, size);
  return 0;
}
static int invoke(void) { return (int)model_invoke(); }
int main(void) {
  uint32_t stack;
  model_set_row_source(msf_camera_row, model_camera(next_row, 0));
  if (model_init() != MSF_OK || probe_call(invoke, &stack) != 0) return 3;
  const int same = memcmp(model_output(0), expected, sizeof expected) == 0;
  printf("%s %lu\\n", same ? "PASS" : "FAIL", (unsigned long)stack);
  return !same;
}
"""


@dataclass(frozen=True)
class CameraRam:
    """Bytes. ``static`` are all variables of the network, the kernels and the camera's rows, ``arena`` and ``camera``
    among them; ``stack`` is what an inference needed. The C library and a camera's driver come on top.

    ``passed``: the outputs are those of the original model on the image that the definition makes.
    """

    static: int
    arena: int
    camera: int
    stack: int
    passed: bool

    @property
    def total(self) -> int:
        """All of it."""
        return self.static + self.stack


def measure(core: Core, model: str, camera: Camera) -> CameraRam:
    """Runs one of :data:`MODELS` on ``core``, on a frame that arrives row by row."""
    data, frame = corpus_file(f"{model}.tflite").read_bytes(), camera_frame(camera, picture(camera))
    image = network_image(camera, frame, 96, 96, MODELS[model])
    expected = Session(data).run([(image.astype(np.int16) - 128).astype(np.int8)[None]])[0].tobytes()
    request = Request(stream_input=True, pixels=make_pixels("uint8", None), target=C_EXPORT)
    rewritten = Planner.of(data, model, request).choose().model
    sources = {**kernel_sources(), **export_c(rewritten, "model"), **camera_sources(rewritten, "model", camera)}
    sources["frame.h"] = _array("frame", frame) + _array("expected", expected)
    sources["main.c"] = FIRMWARE
    sizes = [section_sizes(core, path) for path in compile_objects(core, sources, OPTIMIZED)]
    done = run(core, build(core, sources, OPTIMIZED))
    said, stack = done.output.split()[:2]
    return CameraRam(
        static=sum(size["data"] + size["bss"] for size in sizes),
        arena=predict(rewritten, C_EXPORT).total,
        camera=camera.working_bytes(96, MODELS[model]),
        stack=int(stack),
        passed=said == "PASS" and done.status == 0,
    )


def picture(camera: Camera) -> np.typing.NDArray[np.uint8]:
    """Slow waves and a disc with a sharp edge, height x width x 3."""
    y, x = np.mgrid[0 : camera.height, 0 : camera.width]
    red = 127 + 120 * np.sin(x / 23 + y / 41)
    green = 127 + 120 * np.cos(x / 31 - y / 17)
    blue = np.where((x - camera.width / 2) ** 2 + (y - camera.height / 2) ** 2 < 70**2, 220, 40)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def _array(name: str, values: bytes) -> str:
    return f"static const unsigned char {name}[] = {{{','.join(map(str, values))}}};\n"


def main() -> None:
    """Prints the table."""
    print(
        "| model, resize | frame + arena, TFLM today | arena | camera | other variables | stack (M4, RV32) | all (M4) |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for model in MODELS:
        today = predict(read_model(corpus_file(f"{model}.tflite").read_bytes(), model), MCU32).total
        for resize in Resize:
            camera = Camera(320, 240, CameraFormat.RGB565, resize=resize)
            found = [measure(load_core(name), model, camera) for name in CORES]
            assert all(each.passed for each in found), (model, resize)
            first, other = found[0], found[0].static - found[0].arena - found[0].camera
            stacks = ", ".join(f"{each.stack:,}" for each in found)
            before = f"{camera.frame_bytes:,} + {today:,} = {camera.frame_bytes + today:,}"
            print(
                f"| {model}, {resize.name.lower()} | {before} | {first.arena:,} | {first.camera:,} | {other:,} | "
                f"{stacks} | **{first.total:,}** |"
            )


if __name__ == "__main__":
    main()
