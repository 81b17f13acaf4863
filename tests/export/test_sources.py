"""Projects with a driver: compiled and run with stand-ins for the driver, what they see and hear is what it sends."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from benchmarks.emulator import missing_tools
from testing.corpus import corpus_file
from tests.export.test_ecosystems import DOUBLES, TFLM, call, check_syntax, needs_compiler, passes, run_emulated
from tflm_msf.camera import Camera, camera_frame, network_image
from tflm_msf.cli import main
from tflm_msf.errors import MsfError
from tflm_msf.export.labels import Label, labels_header
from tflm_msf.png import read_png
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model

CAMERAS = {
    ("arduino", "esp32-cam"): "320x240:rgb565",
    ("arduino", "ov2640"): "160x120:gray8",
    ("arduino", "ov7670-nano33"): "160x120:rgb565",
    ("esp-idf", "esp32-cam"): "320x240:rgb565",
    ("esp-idf", "ov2640"): "240x240:yuv422",
    ("zephyr", "ov2640"): "320x240:rgb565-le",
}
"""Formats and the cameras that they have drivers for, with an image that each sends."""
MODELS = {"tflm__person_detect": 1, "mlperf__vww_96": 3}
KEYWORDS = {
    "mlperf__strm_ww_1d": (),
    "stateful/esphome__mww_okay_nabu": (),
    "mlperf__strm_ww_1d streamed": ("--stream-input",),
}
PLACES = {
    "arduino": ("net", "libraries/tflm_msf/src", "net.ino", ("arduino", "esp_camera", "tflm"), "arduino/run.cpp"),
    "esp-idf": ("main", "components/tflm_msf/src", "main.cpp", ("idf", "esp_camera"), "idf/run.cpp"),
    "zephyr": ("app/src", "modules/tflm_msf/src", "main.cpp", ("zephyr", "tflm"), "zephyr/run.c"),
}
"""Where a format has its sources, kernels and program, and which stand-ins it is built with."""


def export(model: Path, output: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["export", str(model), "-o", str(output), "--name", "net", *options])


def exported(model: Path, output: Path, *options: str) -> Path:
    result = export(model, output, *options)
    assert result.exit_code == 0, result.output
    return output


def run(kind: str, project: Path, work: Path) -> list[str]:
    """What a project prints on this computer, with stand-ins."""
    sources, kernels, program, doubles, stand_in = PLACES[kind]
    include = [f"-I{project / sources}", f"-I{project / kernels}", *(f"-I{DOUBLES / double}" for double in doubles)]
    (work / "o").mkdir()
    units = [*(project / kernels).rglob("*.c"), *(project / sources).glob("*.c")]
    done = f"cd {work / 'o'} && cc -std=c99 -O1 -c -Wall -Wextra -Werror {' '.join(map(str, [*include, *units]))}"
    call("sh", "-c", done)
    flags = ("-std=c++11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", *include)
    files = (project / sources / program, DOUBLES / stand_in)
    call("g++", *flags, "-o", work / "out", "-x", "c++", *files, "-x", "none", *(work / "o").glob("*.o"))
    return [line for line in call(work / "out").splitlines() if line]


def what_doubles_send(camera: Camera) -> bytes:
    place = np.arange(camera.frame_bytes, dtype=np.int64)
    return bytes((place * 7 // 5 + place // 999).astype(np.uint8).tobytes())


@needs_compiler
@pytest.mark.parametrize(("kind", "source"), CAMERAS)
@pytest.mark.parametrize("model", MODELS)
def test_a_camera_is_seen_as_the_original_sees_it(model: str, kind: str, source: str, tmp_path: Path) -> None:
    text = CAMERAS[kind, source]
    if text.endswith("gray8") and MODELS[model] == 3:
        text = text.replace("gray8", "yuv422")
    labels = tmp_path / "labels.txt"
    labels.write_text("nobody\nsomebody\n")
    options = ("--format", kind, "--source", source, "--camera", text, "--labels", str(labels), "--runtime", "c")
    said = run(kind, exported(corpus_file(f"{model}.tflite"), tmp_path / "p", *options), tmp_path)
    assert re.search(r"self-check: PASS$", said[0]), said
    camera = Camera.parse(text)
    image = network_image(camera, what_doubles_send(camera), 96, 96, MODELS[model])
    session = Session(corpus_file(f"{model}.tflite").read_bytes())
    (expected,) = session.run([(image.astype(np.int16) - 128).astype(np.int8)[None]])
    best = int(np.argmax(expected))
    assert len(said) == 5
    assert all(line.endswith(f"largest output: number {best}") for line in said[1::2]), said
    assert said[2::2] == [("nobody", "somebody")[best]] * 2


@needs_compiler
@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("model", KEYWORDS)
def test_a_microphone_s_features_reach_the_network(model: str, kind: str, tmp_path: Path) -> None:
    name, *_ = model.split()
    options = ("--format", kind, "--source", "pdm-mic", "--runtime", "c", *KEYWORDS[model])
    said = run(kind, exported(corpus_file(f"{name}.tflite"), tmp_path / "p", *options), tmp_path)
    assert re.search(r"self-check: PASS$", said[0]), said
    assert len(said) >= 2
    assert all(re.fullmatch(r"latency: \d+ us, largest output: number \d+", line) for line in said[1:]), said


@needs_compiler
@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("hop", ["1", "3"])
def test_a_step_model_hears_only_what_is_new(hop: str, kind: str, tmp_path: Path) -> None:
    options = ("--format", kind, "--source", "pdm-mic", "--runtime", "c", f"--stateful={hop}")
    project = exported(corpus_file("mlperf__strm_ww_1d.tflite"), tmp_path / "p", *options)
    text = (project / PLACES[kind][0] / PLACES[kind][2]).read_text()
    assert re.search(rf"kRows = {hop}, .*kNewRows = {hop}, ", text, re.S)
    assert re.search(r"self-check: PASS$", run(kind, project, tmp_path)[0])


@needs_compiler
@pytest.mark.parametrize(
    ("kind", "source", "model"),
    [(kind, source, "tflm__person_detect") for kind, source in CAMERAS]
    + [(kind, "pdm-mic", "mlperf__strm_ww_1d") for kind in PLACES],
)
@pytest.mark.parametrize("check", [(), ("--no-self-check",)], ids=["checked", "unchecked"])
def test_projects_for_tflm_compile(kind: str, source: str, model: str, check: tuple[str, ...], tmp_path: Path) -> None:
    project = exported(corpus_file(f"{model}.tflite"), tmp_path / "p", "--format", kind, "--source", source, *check)
    sources, kernels, program, doubles, _ = PLACES[kind]
    flags = (*TFLM, f"-I{project / kernels}", *(f"-I{DOUBLES / double}" for double in doubles), "-Wno-unused-function")
    if program.endswith(".ino"):
        (project / sources / program).rename(project / sources / "main.cpp")
    check_syntax(project / sources, *flags)


@pytest.mark.parametrize(("board", "source"), [("esp32dev", "esp32-cam"), ("nano33ble", "ov7670-nano33")])
def test_platformio_gets_the_driver_s_library(board: str, source: str, tmp_path: Path) -> None:
    options = ("--format", "platformio", "--board", board, "--source", source)
    project = exported(corpus_file("tflm__person_detect.tflite"), tmp_path / "p", *options)
    ini = (project / "platformio.ini").read_text()
    manifest = project / "src" / "idf_component.yml"
    if "framework = espidf" in ini:
        assert "espressif/esp32-camera" in manifest.read_text()
        assert "esp32-camera" in (project / "src" / "CMakeLists.txt").read_text()
    elif board == "nano33ble":
        assert "Arduino_OV767X" in ini


def png(picture: np.ndarray) -> bytes:
    """A PNG file whose rows take all filters in turns."""
    height, width, channels = picture.shape
    rows, above = b"", np.zeros(width * channels, int)
    for y in range(height):
        row = picture[y].reshape(-1).astype(int)
        left, corner = np.roll(row, channels), np.roll(above, channels)
        left[:channels] = corner[:channels] = 0
        p = left + above - corner
        a, b, c = abs(p - left), abs(p - above), abs(p - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        predicted = [np.zeros_like(row), left, above, (left + above) // 2, paeth][y % 5]
        rows += bytes([y % 5]) + ((row - predicted) % 256).astype(np.uint8).tobytes()
        above = row
    kind = {1: 0, 3: 2, 4: 6}[channels]

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_read(channels: int) -> None:
    picture = np.random.default_rng(channels).integers(0, 256, (17, 9, channels), dtype=np.uint8)
    expected = np.repeat(picture, 3, axis=-1) if channels == 1 else picture[..., :3]
    np.testing.assert_array_equal(read_png(png(picture)), expected)
    for damaged in (b"", png(picture)[:60], b"\x89PNG\r\n\x1a\n", png(picture)[:20] + b"\x05" + png(picture)[21:]):
        with pytest.raises(MsfError):
            read_png(damaged)


@pytest.mark.parametrize("size", [(0, 0), (3, 0), (0, 3), (1, 9000)])
def test_a_picture_of_no_size_or_too_much_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(MsfError, match=f"is {size[1]} x {size[0]} pixels: a side may have 1 to 8,192"):
        read_png(png(np.zeros((*size, 3), np.uint8)))


@pytest.mark.parametrize(("threshold", "step"), [(1e308, "127"), (-1e308, "-128"), (0.5, "0")])
def test_a_threshold_is_a_value_of_the_output(threshold: float, step: str) -> None:
    model = read_model(corpus_file("tflm__person_detect.tflite").read_bytes(), "it")
    header = labels_header(model, "net", (Label("a", threshold), Label("b", None)))["net_labels.h"]
    assert f"\n    {step}, -128,\n" in header


@pytest.mark.parametrize("core", ["m4", "m55", "rv32", "rp2040"])
@pytest.mark.parametrize("model", MODELS)
def test_a_picture_on_an_emulated_core(model: str, core: str, tmp_path: Path) -> None:
    if missing_tools([core]):
        pytest.skip(f"{', '.join(missing_tools([core]))} is not installed")
    y, x = np.mgrid[0:60, 0:80]
    picture = np.stack([x * 3, y * 4, (x + y) * 2 % 256], axis=-1).astype(np.uint8)
    (tmp_path / "cat.png").write_bytes(png(picture))
    options = (
        "--format",
        "zephyr",
        "--runtime",
        "c",
        "--source",
        str(tmp_path / "cat.png"),
        "--camera",
        "80x60:rgb565",
    )
    project = exported(corpus_file(f"{model}.tflite"), tmp_path / "p", *options)
    camera = Camera.parse("80x60:rgb565")
    first = ", ".join(map(str, camera_frame(camera, picture)[:16]))
    assert first in (project / "app" / "src" / "net_case.c").read_text()
    sources, kernels, _, _, stand_in = PLACES["zephyr"]
    assert passes(run_emulated(core, project / sources, project / kernels, DOUBLES / "zephyr", DOUBLES / stand_in))


@needs_compiler
@pytest.mark.parametrize("kind", ["c", "cmsis-pack"])
def test_a_picture_and_labels_in_plain_c(kind: str, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(np.full((96, 96, 3), 200, np.uint8)))
    (tmp_path / "labels.txt").write_text('no "one", 0.99\nperson?, 0.99\n')
    options = ("--format", kind, "--source", str(tmp_path / "cat.png"), "--labels", str(tmp_path / "labels.txt"))
    project = exported(corpus_file("tflm__person_detect.tflite"), tmp_path / "p", *options)
    if kind == "c":
        printed = call("make", "-C", project, "CFLAGS=-std=c99 -O1 -Wall -Wextra -Werror")
        assert "self-check: PASS" in printed
        assert re.search(r'^label: (no "one"|person\?|nothing that counts)$', printed, re.M)


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        ("tflm__person_detect", ("arduino", "pdm-mic"), "the network takes 96x96x1 values: it hears nothing"),
        ("mlperf__vww_96", ("zephyr", "pdm-mic"), "it hears nothing"),
        ("mlperf__kws_dscnn", ("esp-idf", "esp32-cam"), "the network takes 49x10x1 values: it sees nothing"),
        (
            "tflm__person_detect",
            ("zephyr", "esp32-cam"),
            "no driver in --format zephyr: it is for arduino",
        ),
        ("tflm__person_detect", ("c", "ov2640"), "zephyr, platformio on esp32-c3-devkitm-1 or"),
        ("tflm__person_detect", ("platformio", "ov2640"), "has no driver in --format platformio on nucleo_f446re"),
        ("tflm__person_detect", ("tflm", "ov2640"), "--format tflm writes only the model"),
        ("tflm__person_detect", ("arduino", "webcam"), "there is no source 'webcam'"),
        ("tflm__person_detect", ("arduino", "nowhere.png"), "the picture nowhere.png cannot be read"),
        ("tflm__person_detect", ("arduino", "esp32-cam", "--camera", "321x240:rgb565"), "sends no image of 321x240"),
        ("tflm__person_detect", ("arduino", "esp32-cam", "--camera", "320x240:rgb888"), "sends no rgb888"),
        ("mlperf__strm_ww_1d", ("arduino", "pdm-mic", "--camera", "320x240:rgb888"), "pdm-mic hears"),
        (
            "tflm__person_detect",
            ("arduino", "rows", "--labels", "nowhere"),
            "the file of labels nowhere cannot",
        ),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    model: str, options: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    kind, source, *more = options
    file = corpus_file(f"{model}.tflite")
    result = export(file, tmp_path / "p", "--format", kind, "--source", source, *more)
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("one\n", "gives 2 values and the file of labels has 1"),
        ("a,b,c\nd\n", "line 1"),
        (",1\nb", "line 1"),
        ("", "has no labels: write a name a line"),
        (" \n\n", "has no labels"),
    ],
)
def test_labels_that_do_not_fit(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(text)
    options = ("--format", "c", "--labels", str(tmp_path / "labels.txt"))
    result = export(corpus_file("tflm__person_detect.tflite"), tmp_path / "p", *options)
    assert result.exit_code == 2
    assert sentence in result.output
