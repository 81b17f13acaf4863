"""Exported projects for a camera: its rows become the network's in every format; the original says what comes out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import numpy as np
import pytest
from click.testing import CliRunner

from testing.corpus import corpus_file
from testing.layers import Geometry, Layers, Weighting
from tests.export.test_ecosystems import (
    DOUBLES,
    TFLM,
    WARNINGS,
    built,
    call,
    check_syntax,
    needs_cmake,
    needs_compiler,
    passes,
    run_emulated,
)
from tests.export.test_projects import run_sketch
from tests.time_series import time_series
from tflm_msf import Camera, load
from tflm_msf.api import Model
from tflm_msf.camera import network_image
from tflm_msf.cli import main
from tflm_msf.errors import MsfError
from tflm_msf.request import Request
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify

CAMERAS = [
    ("--camera", "64x48:rgb565"),
    ("--camera", "50x40:yuv422", "--fit", "stretch", "--resize", "bilinear"),
    ("--camera", "20x30:rgb888", "--pixel-range", "0", "1"),
]
NAMES = ["crop", "stretch", "small"]
cameras = pytest.mark.parametrize("options", CAMERAS, ids=NAMES)


def vision(channels: int = 3) -> bytes:
    """Two convolutions on an image of 24 x 20 pixels."""
    layers = Layers(Random(3))
    x = layers.input(1, 24, 20, channels)
    x = layers.conv(x, 4, Geometry((3, 3), (2, 2)), Weighting())
    return write_model(layers.model([layers.conv(x, 6, Geometry((3, 3)), Weighting())]))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.tflite"
    path.write_bytes(vision())
    return path


def export(model: Path, output: Path, *options: str) -> str:
    command = ["export", str(model), "-o", str(output), "--name", "net", *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    return str(result.output)


@needs_compiler
@cameras
def test_a_c_project_passes(options: tuple[str, ...], model: Path, tmp_path: Path) -> None:
    said = export(model, tmp_path / "p", "--format", "c", *options)
    assert re.search(r"^RAM:   [\d,]+ bytes with the camera: [\d,]+ of arena, [\d,]+ for its rows$", said, re.M)
    assert re.search(r"^       before: [\d,]+ bytes: [\d,]+ for a frame, [\d,]+ of arena$", said, re.M)
    flags = "CFLAGS=-std=c99 -pedantic -O1 -Wall -Wextra -Wconversion -Werror"
    assert "self-check: PASS" in call("make", "-C", tmp_path / "p", flags)


@needs_cmake
@cameras
def test_esp_idf_passes(options: tuple[str, ...], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDF_PATH", str(DOUBLES / "idf"))
    export(model, tmp_path / "p", "--format", "esp-idf", "--runtime", "c", *options)
    assert passes(call(built(tmp_path / "p", tmp_path / "b", "-DESP_PLATFORM=1") / "main" / "firmware"))


@needs_cmake
@cameras
def test_zephyr_passes(options: tuple[str, ...], model: Path, tmp_path: Path) -> None:
    export(model, tmp_path / "p", "--format", "zephyr", "--runtime", "c", *options)
    double = f"-DZephyr_DIR={DOUBLES / 'zephyr'}"
    assert passes(call(built(tmp_path / "p" / "app", tmp_path / "b", double) / "app"))


@needs_compiler
@cameras
def test_a_sketch_passes(options: tuple[str, ...], model: Path, tmp_path: Path) -> None:
    export(model, tmp_path / "p", "--format", "arduino", "--runtime", "c", *options)
    kernels = tmp_path / "p" / "libraries" / "tflm_msf" / "src"
    printed = run_sketch(tmp_path, tmp_path / "p" / "net" / "net.ino", kernels)
    assert "self-check: PASS" in printed
    assert "FAIL" not in printed


@needs_compiler
@pytest.mark.parametrize(
    ("kind", "sources", "kernels", "doubles"),
    [
        ("arduino", "net", "libraries/tflm_msf/src", "arduino"),
        ("esp-idf", "main", "components/tflm_msf/src", "idf"),
        ("zephyr", "app/src", "modules/tflm_msf/src", "zephyr"),
    ],
)
def test_projects_for_tflm_compile(
    kind: str, sources: str, kernels: str, doubles: str, model: Path, tmp_path: Path
) -> None:
    project = tmp_path / "p"
    export(model, project, "--format", kind, *CAMERAS[0])
    flags = (f"-I{project / kernels}", f"-I{DOUBLES / doubles}")
    check_syntax(project / sources, *TFLM, *flags)
    for source in (project / sources).glob("*_camera.c"):
        call("cc", "-std=c99", "-fsyntax-only", *WARNINGS, *flags, source)
    text = next(path for path in (project / sources).iterdir() if path.name in ("net.ino", "main.cpp")).read_text()
    assert "net::SetRowSource(msf_camera_row, net_camera(nextRow, nullptr));" in text


@pytest.mark.parametrize("core", ["m4", "rv32"])
def test_a_frame_in_flash_on_an_emulated_core(core: str, tmp_path: Path) -> None:
    model = corpus_file("mlperf__vww_96.tflite")
    export(model, tmp_path / "p", "--format", "zephyr", "--runtime", "c", "--camera", "320x240:rgb565")
    kernels = tmp_path / "p" / "modules" / "tflm_msf" / "src"
    run_c = DOUBLES / "zephyr" / "run.c"
    assert passes(run_emulated(core, tmp_path / "p" / "app" / "src", kernels, DOUBLES / "zephyr", run_c))


def test_a_pack_names_what_makes_rows(model: Path, tmp_path: Path) -> None:
    export(model, tmp_path / "p", "--format", "cmsis-pack", *CAMERAS[0])
    (pdsc,) = (tmp_path / "p").glob("*.pdsc")
    named = set(re.findall(r'name="(model/[^"]+)"', pdsc.read_text()))
    assert named == {f"model/{path.name}" for path in (tmp_path / "p" / "model").iterdir()}
    assert "model/net_camera.c" in named


@needs_compiler
def test_a_frame_of_the_user_s(model: Path, tmp_path: Path) -> None:
    camera = Camera.parse("64x48:rgb565")
    frame = np.random.default_rng(1).bytes(camera.frame_bytes)
    (tmp_path / "frame.bin").write_bytes(frame)
    options = ("--format", "c", "--camera", "64x48:rgb565", "--input", str(tmp_path / "frame.bin"))
    export(model, tmp_path / "p", *options)
    assert "self-check: PASS" in call("make", "-C", tmp_path / "p", "CFLAGS=-O1")
    image = network_image(camera, frame, 20, 24, 3)
    (expected,) = Session(vision()).run([(image.astype(int) - 128).astype(np.int8)[None]])
    case = (tmp_path / "p" / "net_case.c").read_text()
    first = re.search(r"output_0\[\d+\] = \{\n(.*)", case)
    assert first is not None
    assert [int(value) for value in first[1].strip().strip(",").split(", ")] == [
        int(value) % 256 for value in expected.reshape(-1)[:16]
    ]


def test_a_model_that_is_rewritten_already_takes_a_camera(model: Path, tmp_path: Path) -> None:
    rewritten = tmp_path / "r.tflite"
    command = ["rewrite", str(model), "-o", str(rewritten), "--stream-input", "--pixel-format", "uint8", "-q"]
    assert CliRunner().invoke(main, command).exit_code == 0
    said = export(rewritten, tmp_path / "p", "--format", "c", "--camera", "64x48:rgb565", "--json")
    ram = json.loads(said)["ram"]
    assert ram["frame"] == 64 * 48 * 2
    assert ram["arena_before"] is None and ram["fast"] == 0
    assert "self-check: PASS" in call("make", "-C", tmp_path / "p", "CFLAGS=-O1")


def test_the_memory_of_a_camera_is_what_the_sources_declare(model: Path, tmp_path: Path) -> None:
    for options, expected in ((CAMERAS[0], 128 + 4 * 60 + 44), (CAMERAS[1], 2 * 100 + 44)):
        output = tmp_path / options[1].replace(":", "_")
        said = json.loads(export(model, output, "--format", "c", *options, "--json"))
        assert said["ram"]["rows"] == expected
        assert f"#define NET_CAMERA_RAM {expected}u" in (output / "net_camera.h").read_text()


@pytest.mark.parametrize("camera", ["64x48:rgb565", "50x40:yuv422", "20x30:rgb888", "31x17:rgb565-le"])
@pytest.mark.parametrize("resize", ["area", "bilinear"])
def test_verify_gives_both_models_the_same_frames(camera: str, resize: str, tmp_path: Path) -> None:
    described = Camera.parse(camera, "stretch", resize)
    model = tmp_path / "m.tflite"
    model.write_bytes(vision())
    result = load(model).rewrite(camera=described, pixel_range=(0, 1))
    assert result.verify(runs=5).passed
    frame = tmp_path / "f.bin"
    frame.write_bytes(bytes(range(256)) * (described.frame_bytes // 256) + bytes(described.frame_bytes % 256))
    report = verify(vision(), result.data, 0, [frame], camera=described)
    assert report.passed
    assert report.runs == 1


def test_verify_finds_a_camera_that_is_not_the_model_s(tmp_path: Path) -> None:
    streamed = rewrite_file(vision(), "net", Request(stream_input=True)).data
    with pytest.raises(MsfError, match="a camera is for a model with --stream-input --pixel-format uint8"):
        verify(vision(), streamed, 1, camera=Camera.parse("64x48:rgb565"))
    short = tmp_path / "f.bin"
    short.write_bytes(b"123")
    result = load_bytes(vision(), tmp_path).rewrite(camera="64x48:rgb565")
    with pytest.raises(MsfError, match="has 3 bytes, but a frame of 64x48 pixels, rgb565, crop, area has 6,144"):
        verify(vision(), result.data, 0, [short], camera=Camera.parse("64x48:rgb565"))


def load_bytes(data: bytes, directory: Path) -> Model:
    (directory / "m.tflite").write_bytes(data)
    return load(directory / "m.tflite")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--camera", "64x48"), "'64x48' is no camera"),
        (("--camera", "64x48:gray8"), "gray8 has none"),
        (("--fit", "stretch"), "add --camera"),
        (("--fit", "crop"), "add --camera"),
        (("--resize", "area"), "add --camera"),
        (("--camera", "64x48:rgb565", "--pixel-format", "rgb565"), "leave --pixel-format out"),
        (("--camera", "64x48:rgb565", "--input", "nowhere"), "the input file nowhere cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence(options: tuple[str, ...], sentence: str, model: Path, tmp_path: Path) -> None:
    command = ["export", str(model), "-o", str(tmp_path / "p"), "--format", "c", *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "p").exists()


def test_a_step_model_takes_no_camera(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(write_model(time_series(13)))
    command = ["export", str(tmp_path / "m.tflite"), "-o", str(tmp_path / "p"), "--format", "c", "--stateful=2"]
    result = CliRunner().invoke(main, [*command, "--camera", "64x48:rgb565"])
    assert result.exit_code == 2
    assert "no step model" in result.output


def test_the_image_is_as_the_original_says() -> None:
    from tflm_msf.program.decode import streamed_image

    for name in ("tflm__person_detect", "mlperf__vww_96", "nanou__tinyagri_60x80"):
        data = corpus_file(f"{name}.tflite").read_bytes()
        result = rewrite_file(data, name, Request(stream_input=True)).data
        graph = read_model(data, name).main
        assert streamed_image(read_model(result, name)) == graph.tensors[graph.inputs[0]].shape[1:]


def test_fast_memory_counts_as_ram(tmp_path: Path) -> None:
    options = ("--format", "c", "--camera", "320x240:rgb565", "--fast-ram", "8000", "--no-self-check", "--json")
    said = export(corpus_file("tflm__person_detect.tflite"), tmp_path / "p", *options)
    size = re.search(r"FAST_SIZE (\d+)u", (tmp_path / "p" / "net.h").read_text())
    assert size is not None and json.loads(said)["ram"]["fast"] == int(size[1]) > 0
