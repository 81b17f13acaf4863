"""Rows of pixels as cameras send them: what the original makes of the numbers that they stand for, in no more arena."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from testing.layers import Geometry, Layers, Weighting
from testing.operators import MoreLayers
from tests.test_cli import assert_refused, run, run_json
from tflm_msf.errors import MsfError
from tflm_msf.graph import DType, Graph, Model, Op, Quantization, Tensor
from tflm_msf.graph.pixels import AS_THE_MODEL, METADATA, Pixels, make_pixels
from tflm_msf.program.decode import describe_program
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.runtime.native import row_source
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

RANGES = [None, (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-0.3, 7.1)]
IMAGE = np.random.default_rng(0).permutation(np.resize(np.arange(256, dtype=np.uint8), 24 * 20 * 3))
"""Every byte, several times."""


def network(dtype: DType = DType.INT8, scale: float = 1 / 255, zero: int = -128, channels: int = 3) -> bytes:
    """Two convolutions on a 24x20 image of a type, which is quantised first if it is not int8."""
    layers = MoreLayers(Random(3))
    if dtype is DType.INT8:
        x = layers.scaled_input(scale, zero, 1, 24, 20, channels)
    else:
        x = layers.quantized_input(dtype, (1, 24, 20, channels), scale, zero)
    x = layers.conv(x, 4, Geometry((3, 3), (2, 2)), Weighting())
    return write_model(layers.model([layers.conv(x, 6, Geometry((3, 3)), Weighting())]))


def streamed(original: bytes, pixels: Pixels = AS_THE_MODEL) -> bytes:
    return rewrite_file(original, "net", Request(stream_input=True, pixels=pixels)).data


@pytest.mark.parametrize("bounds", RANGES)
@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.FLOAT32])
@pytest.mark.parametrize("kind", ["uint8", "rgb565", "rgb565-le"])
def test_verify_gives_the_original_the_same_pixels(kind: str, dtype: DType, bounds: tuple[float, float] | None) -> None:
    original = network(dtype)
    rewritten = streamed(original, make_pixels(kind, bounds))
    report = verify(original, rewritten, runs=4)
    assert report.passed, (report.mismatches, report.problems)
    assert report.arena_rewritten.measured == verify(original, streamed(original), runs=1).arena_rewritten.measured


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
@pytest.mark.parametrize(("scale", "zero"), [(1 / 255, -128), (1 / 127.5, -1), (1.0, -128), (0.0217, 31)])
def test_pixels_are_the_floats_that_the_original_quantises(
    scale: float, zero: int, bounds: tuple[float, float]
) -> None:
    original = network(DType.FLOAT32, scale, zero)
    low, high = bounds
    floats = (low + IMAGE * (high - low) / 255).astype(np.float32).reshape(1, 24, 20, 3)
    expected = Session(original).run([floats])[0]
    got = Session(streamed(original, make_pixels("uint8", bounds))).run([IMAGE])[0]
    np.testing.assert_array_equal(got, expected)


def test_without_a_range_an_int8_input_is_the_pixel_less_128() -> None:
    original = network(DType.INT8, scale=0.03, zero=17)
    expected = Session(original).run([(IMAGE.astype(int) - 128).astype(np.int8).reshape(1, 24, 20, 3)])[0]
    np.testing.assert_array_equal(Session(streamed(original, make_pixels("uint8", None))).run([IMAGE])[0], expected)


@pytest.mark.parametrize("kind", ["rgb565", "rgb565-le"])
def test_colours_of_16_bits_are_widened_and_quantised(kind: str) -> None:
    original = network()
    packed = np.random.default_rng(1).integers(0, 1 << 16, (24, 20))
    fields = [packed >> 11, packed >> 5 & 63, packed & 31]
    wide = [fields[0] << 3 | fields[0] >> 2, fields[1] << 2 | fields[1] >> 4, fields[2] << 3 | fields[2] >> 2]
    image = (np.stack(wide, axis=-1) - 128).astype(np.int8)[None]
    rows = packed.astype("<u2" if kind == "rgb565-le" else ">u2")
    got = Session(streamed(original, make_pixels(kind, (0, 1)))).run([rows])[0]
    np.testing.assert_array_equal(got, Session(original).run([image])[0])


@pytest.mark.parametrize("seed", range(20))
def test_tables_are_what_tflm_quantises(seed: int) -> None:
    random = Random(seed)
    low = random.uniform(-3, 3)
    pixels = make_pixels("uint8", (low, low + 10 ** random.uniform(-2, 3)))
    quantization = Quantization((float(np.float32(10 ** random.uniform(-4, 1))),), (random.randint(-128, 127),))
    shape = (1, 16, 16, 1)
    tensors = (Tensor("x", shape, DType.FLOAT32), Tensor("y", shape, DType.INT8, quantization))
    model = write_model(Model((Graph(tensors, (Op("QUANTIZE", (0,), (1,)),), (0,), (1,)),)))
    assert pixels.reals is not None
    (expected,) = Session(model).run([pixels.reals.reshape(shape)])
    np.testing.assert_array_equal(pixels.table(tensors[1]).view(np.int8), expected.reshape(-1))


def test_a_quantize_behind_the_input_is_part_of_the_source() -> None:
    model = read_model(streamed(network(DType.UINT8, scale=0.1, zero=7)), "net")
    stages = [stage["op"] for op in model.main.ops for stage in describe_program(op.custom_options)["stages"]]
    assert stages == ["SOURCE", "CONV_2D", "CONV_2D"]


def test_a_source_of_colours_that_fails_gives_the_inference_up_and_the_next_one_works() -> None:
    original, asked = network(), []
    session = Session(streamed(original, make_pixels("rgb565", None)))

    def rows(y: int, size: int) -> bytes | None:
        asked.append((y, size))
        return None if y == 17 else bytes(size)

    with row_source(rows), pytest.raises(MsfError, match="row source gave the inference up"):
        session.run([])
    assert asked == [(y, 40) for y in range(18)]
    black = np.zeros(24 * 20 * 2, np.uint8)
    expected = Session(original).run([np.full((1, 24, 20, 3), -128, np.int8)])
    np.testing.assert_array_equal(session.run([black])[0], expected[0])


def test_a_wrong_table_is_seen() -> None:
    original = network()
    rewritten = streamed(original, make_pixels("uint8", (0, 1)))
    table = bytes((v - 128) % 256 for v in range(256))
    assert rewritten.count(table) == 1
    report = verify(original, rewritten.replace(table, table[1:] + table[-1:]), runs=1)
    assert not report.bit_exact


def test_only_models_that_take_colours_take_16_bits_a_pixel() -> None:
    with pytest.raises(MsfError, match=r"rgb565 pixels are for inputs of 3 channels, and this one has 1; use uint8"):
        streamed(network(channels=1), make_pixels("rgb565", None))


def test_a_range_needs_a_scale() -> None:
    layers = Layers(Random(1))
    x = layers.input(1, 6, 6, 2)
    y = layers.conv(x, 2, Geometry(), Weighting())
    layers.tensors[x] = replace(layers.tensors[x], quantization=None)
    with pytest.raises(MsfError, match="cannot have a range"):
        streamed(write_model(layers.model([y])), make_pixels("uint8", (0, 1)))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"format": "RGB888", "bounds": null}', b'{"format": "UINT8", "bounds": [0]}']
)
def test_damaged_metadata_is_reported(content: bytes) -> None:
    original = network()
    model = read_model(streamed(original), "net")
    damaged = write_model(replace(model, metadata=(*model.metadata, (METADATA, content))))
    with pytest.raises(MsfError, match=r"metadata is damaged; rewrite the original model again\.$"):
        verify(original, damaged, runs=1)


def test_a_model_says_what_its_rows_hold() -> None:
    for pixels in (make_pixels("rgb565-le", (-1, 1)), make_pixels("uint8", None), AS_THE_MODEL):
        assert Pixels.of(read_model(streamed(network(), pixels), "net")) == pixels


def test_the_command_line(tmp_path: Path) -> None:
    model, rewritten = tmp_path / "net.tflite", tmp_path / "net_msf.tflite"
    model.write_bytes(network())
    options = ("--stream-input", "--pixel-format", "rgb565", "--pixel-range", "-1", "1")
    report = run_json("rewrite", model, *options)
    about = "RGB565, two bytes for each pixel, the high one first; 0 to 255 stand for -1 to 1"
    assert report["pixels"] == {"format": "rgb565", "range": [-1.0, 1.0], "about": about, "fetches": 1}
    assert run_json("inspect", rewritten)["pixels"] == report["pixels"]
    assert f"Rows of the streamed input hold {about}." in " ".join(run("inspect", rewritten).stdout.split())
    assert run_json("verify", model, rewritten)["bit_exact"]
    image = tmp_path / "image.bin"
    image.write_bytes(IMAGE.tobytes())
    assert run_json("verify", model, rewritten, image, "--runs", "0")["bit_exact"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--pixel-format", "uint8"), "add --stream-input"),
        (("--stream-input", "--pixel-range", "0", "1"), "give both, or neither"),
        (("--stream-input", "--pixel-format", "uint8", "--pixel-range", "1", "0"), "is no range"),
        (("--stream-input", "--pixel-format", "uint8", "--pixel-range", "0", "inf"), "is no range"),
        (("--stream-input", "--pixel-format", "yuv"), "'yuv' is not one of"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, options: tuple[str, ...], part: str) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(network())
    assert_refused(run("rewrite", model, *options), part)
    assert not (tmp_path / "net_msf.tflite").exists()


@pytest.mark.parametrize("kind", ["uint8", "rgb565"])
def test_exported_c_takes_rows_of_pixels(kind: str, tmp_path: Path) -> None:
    model, image = tmp_path / "net.tflite", tmp_path / "image.bin"
    model.write_bytes(network())
    image.write_bytes(IMAGE.tobytes())
    options = ("--stream-input", "--pixel-format", kind, "--pixel-range", "0", "1", "--input", image)
    done = run("export", model, "--format", "c", "-o", tmp_path / "p", *options)
    assert done.returncode == 0, done.stderr
    made = subprocess.run(["make", "CFLAGS=-O1"], cwd=tmp_path / "p", capture_output=True, text=True, check=False)
    assert "self-check: PASS" in made.stdout, made.stdout + made.stderr
    assert "0 to 255 stand for 0 to 1" in (tmp_path / "p" / "net.h").read_text()
