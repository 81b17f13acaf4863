"""Rows of a camera become rows of a network as their definition says, to the bit, on every core, in little memory."""

from __future__ import annotations

import ctypes
from random import Random

import numpy as np
import pytest

from benchmarks.camera import CORES, MODELS, measure
from benchmarks.emulator import load_core, missing_tools
from tflm_msf.camera import POSITIONS, Camera, CameraFormat, Fit, Resize, camera_frame, network_image
from tflm_msf.errors import MsfError
from tflm_msf.runtime.camera import MsfCamera, camera_rows
from tflm_msf.runtime.native import load_kernels, native_row_source

FORMATS = list(CameraFormat)


def by_kernels(camera: Camera, frame: bytes, out_width: int, out_height: int, channels: int) -> bytes:
    """The same image from C. Rows are asked for in order, each once at the most."""
    asked: list[int] = []

    def row(y: int, size: int) -> bytes:
        asked.append(y)
        return frame[y * size : (y + 1) * size]

    made = camera_rows(camera, row, out_width, out_height, channels)
    assert asked == sorted(set(asked))
    return made


@pytest.mark.parametrize("seed", range(200))
def test_c_and_its_definition_agree(seed: int) -> None:
    random = Random(seed)
    kind = FORMATS[seed % len(FORMATS)]
    width = random.randint(1, 35) * 2 if kind is CameraFormat.YUV422 else random.randint(1, 70)
    fit, resize = random.choice(list(Fit)), random.choice(list(Resize))
    camera = Camera(width, random.randint(1, 50), kind, fit, resize)
    channels = 3 if kind is not CameraFormat.GRAY8 and random.random() < 0.5 else 1
    out_width, out_height = random.randint(1, 60), random.randint(1, 60)
    frame = random.randbytes(camera.frame_bytes)
    expected = network_image(camera, frame, out_width, out_height, channels)
    assert by_kernels(camera, frame, out_width, out_height, channels) == expected.tobytes()


@pytest.mark.parametrize("resize", Resize)
def test_the_largest_image_does_not_overflow(resize: Resize) -> None:
    camera = Camera(4096, 4096, CameraFormat.GRAY8, resize=resize)
    assert by_kernels(camera, b"\xff" * 4096 * 4096, 2, 2, 1) == b"\xff" * 4
    camera = Camera(4096, 2, CameraFormat.GRAY8, Fit.STRETCH, resize)
    assert set(by_kernels(camera, b"\xff" * 4096 * 2, 4095, 4096, 1)) == {255}


def test_a_mean_is_what_it_should_be() -> None:
    frame = bytes([0, 10, 20, 30, 40, 50])  # 3 x 2 onto 2 x 1: the middle column counts half on either side
    found = network_image(Camera(3, 2, CameraFormat.GRAY8, Fit.STRETCH), frame, 2, 1, 1)
    assert found.ravel().tolist() == [int((0 + 30 + 0.5 * (10 + 40)) / 3 + 0.5), int((20 + 50 + 0.5 * 50) / 3 + 0.5)]


@pytest.mark.parametrize("seed", range(20))
def test_bilinear_is_within_a_step_of_what_floats_give(seed: int) -> None:
    random = np.random.default_rng(seed)
    (height, width), (out_height, out_width) = random.integers(2, 60, 2), random.integers(1, 60, 2)
    frame = random.integers(0, 256, (height, width), dtype=np.uint8)
    camera = Camera(int(width), int(height), CameraFormat.GRAY8, Fit.STRETCH, Resize.BILINEAR)
    found = network_image(camera, frame.tobytes(), int(out_width), int(out_height), 1)[..., 0]
    # Half-pixel centres, as TensorFlow's resize has them.
    places = [
        np.clip((np.arange(out) + 0.5) * size / out - 0.5, 0, size - 1)
        for size, out in ((height, out_height), (width, out_width))
    ]
    first = [np.floor(place).astype(int) for place in places]
    second = [np.minimum(i + 1, size - 1) for i, size in zip(first, (height, width), strict=True)]
    down, right = (place - i for place, i in zip(places, first, strict=True))
    upper = frame[first[0]][:, first[1]] * (1 - right) + frame[first[0]][:, second[1]] * right
    lower = frame[second[0]][:, first[1]] * (1 - right) + frame[second[0]][:, second[1]] * right
    exact = upper * (1 - down[:, None]) + lower * down[:, None]
    assert np.abs(found - exact).max() <= 0.5 + 255 / POSITIONS


def test_yuv_is_jpeg_s_within_a_step() -> None:
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    y, u, v = (grid.ravel() for grid in np.meshgrid(levels, levels, levels))
    camera = Camera(2, y.size, CameraFormat.YUV422)
    found = network_image(camera, np.stack([y, u, y, v], axis=-1).tobytes(), 2, y.size, 3)[:, 0].astype(float)
    wide_y, blue, red = y.astype(float), u - 128.0, v - 128.0
    exact = [wide_y + 1.402 * red, wide_y - 0.344136 * blue - 0.714136 * red, wide_y + 1.772 * blue]
    assert np.abs(found - np.clip(np.stack(exact, axis=-1), 0, 255)).max() < 0.51


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_comes_out_as_it_was(kind: CameraFormat) -> None:
    grey = np.repeat(np.random.default_rng(3).integers(0, 256, (12, 8, 1)), 3, axis=2).astype(np.uint8)
    camera = Camera(8, 12, kind)
    again = network_image(camera, camera_frame(camera, grey), 8, 12, 1)[..., 0].astype(int)
    assert np.abs(again - grey[..., 0]).max() <= (0 if kind in (CameraFormat.GRAY8, CameraFormat.YUV422) else 8)
    with pytest.raises(MsfError, match="the picture has 8x12 pixels"):
        camera_frame(Camera(12, 8, kind), grey)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("320x240", "is no camera: write 320x240:rgb565, say"),
        ("320x240:rgb556", "with one of gray8, rgb888, rgb565, rgb565-le, yuv422"),
        ("320x0:gray8", "its sides are 1 to 4096"),
        ("321x240:yuv422", "pixels in pairs"),
    ],
)
def test_what_is_no_camera_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(MsfError, match=sentence):
        Camera.parse(text)


def test_frames_and_networks_that_do_not_fit_are_refused() -> None:
    camera = Camera.parse("320x240:gray8", "stretch", "bilinear")
    assert camera == Camera(320, 240, CameraFormat.GRAY8, Fit.STRETCH, Resize.BILINEAR)
    for size, channels, sentence in (
        (1, 1, "a frame has 1 bytes"),
        (76800, 3, "takes colours"),
        (76800, 2, "no image"),
    ):
        with pytest.raises(MsfError, match=sentence):
            network_image(camera, bytes(size), 96, 96, channels)


@pytest.mark.parametrize(
    "change",
    [{"width": 0}, {"out_height": 4097}, {"format": 5}, {"channels": 2}, {"fit": 2}, {"resize": 2}, {"sums": None},
     {"width": 7, "format": 4}, {"channels": 3, "format": 0}, {"row": None}],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused(change: dict[str, int]) -> None:
    place = ctypes.create_string_buffer(64)
    address = ctypes.addressof(place)
    good = MsfCamera(8, 8, 2, 0, 4, 4, 1, 0, native_row_source(lambda *_: None), None, address, address)
    assert load_kernels().msf_camera_begin(ctypes.byref(good)) == 0
    for name, value in change.items():
        setattr(good, name, value)
    assert load_kernels().msf_camera_begin(ctypes.byref(good)) == 1


RAM_BESIDE_THE_ARENA = 3 * 1024
"""Bytes that row source, resizing, the kernels' own variables and the stack may take."""


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("resize", Resize, ids=["area", "bilinear"])
@pytest.mark.parametrize("model", MODELS)
def test_a_camera_s_frame_on_an_emulated_core(model: str, resize: Resize, core: str) -> None:
    """Exactly what the definition and the original model give, in the arena and 3 kB."""
    there = load_core(core)
    if {there.gcc, there.command[0]} & set(missing_tools()):
        pytest.skip(f"{there.gcc} or {there.command[0]} is not installed")
    found = measure(there, model, Camera(320, 240, CameraFormat.RGB565, resize=resize))
    assert found.passed
    assert found.arena + found.camera <= found.static
    assert found.total <= found.arena + RAM_BESIDE_THE_ARENA


@pytest.mark.parametrize("kind", [kind for kind in CameraFormat if kind is not CameraFormat.RGB565])
def test_other_formats_on_an_emulated_core(kind: CameraFormat) -> None:
    there = load_core("m4")
    if {there.gcc, there.command[0]} & set(missing_tools()):
        pytest.skip(f"{there.gcc} or {there.command[0]} is not installed")
    model = "tflm__person_detect" if kind is CameraFormat.GRAY8 else "mlperf__vww_96"
    assert measure(there, model, Camera(200, 120, kind, Fit.STRETCH)).passed
