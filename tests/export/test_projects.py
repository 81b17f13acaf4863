"""Exported projects build as they are; those that need no TFLM run and find their outputs right."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result

from benchmarks.emulator import build, load_core, missing_tools, run
from testing.corpus import corpus_file
from testing.layers import Geometry, Weighting
from tests.small_models import small_model
from tests.time_series import Axis, TimeSeries, time_series
from tflm_msf.boards import load_boards
from tflm_msf.cli import main
from tflm_msf.export import kernel_sources
from tflm_msf.tflite_io import write_model

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "samples" / "digits" / "digits_int8.tflite"
SEVEN = ROOT / "samples" / "digits" / "images" / "digit_7.bin"
EXAMPLES = ROOT / "tflm_kernels" / "examples"
DOUBLES = Path(__file__).parent / "doubles"
TFLM = (f"-I{DOUBLES / 'tflm'}", f"-I{ROOT / 'tests' / 'adapter'}", "-DDOUBLE_MICRO_LOG")
OLD_TFLM = (*TFLM, f"-I{DOUBLES / 'reporter'}", "-DDOUBLE_REPORTER")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
PASS = re.compile(r"latency: \d+ us, arena: (\d+) of \1 bytes, largest output: number (\d+), self-check: PASS")

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")

WAYS_IN = [(), ("--stream-input",), ("--stream-input", "--pixel-format", "uint8")]
WAYS_IN_NAMES = ["whole", "streamed", "pixels"]


def export(model: Path, output: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["export", str(model), "-o", str(output), *options])


def exported(model: Path, output: Path, *options: str) -> Path:
    result = export(model, output, *options)
    assert result.exit_code == 0, result.output
    return output


def call(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_syntax(source: Path, *flags: str) -> None:
    call("g++", "-x", "c++", "-std=c++11", "-fno-exceptions", "-fno-rtti", "-fsyntax-only", *WARNINGS, *flags, source)


def run_sketch(directory: Path, main_file: Path, kernels: Path) -> str:
    """What a sketch that needs no TFLM prints on this computer."""
    sources = [*kernels.rglob("*.c"), *main_file.parent.glob("*.c")]
    objects = directory / "objects"
    objects.mkdir()
    call("cc", "-std=c99", "-O1", "-c", *WARNINGS, f"-I{kernels}", *sources, cwd=objects)
    flags = ("-std=c++11", *WARNINGS, f"-I{kernels}", f"-I{main_file.parent}", f"-I{DOUBLES / 'arduino'}")
    units = (main_file, DOUBLES / "arduino" / "run.cpp")
    call("g++", *flags, "-o", directory / "sketch", "-x", "c++", *units, "-x", "none", *objects.glob("*.o"))
    return call(directory / "sketch")


@needs_compiler
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
def test_a_c_project_builds_with_make_and_passes(tmp_path: Path, options: tuple[str, ...]) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "c", "--input", str(SEVEN), *options)
    printed = call("make", "CFLAGS=-std=c99 -pedantic -O1 -Wall -Wextra -Werror", cwd=project)
    assert "number 7" in printed
    assert "self-check: PASS (0 of 10 output bytes differ from TFLM)" in printed


@needs_compiler
def test_a_c_project_of_a_real_model_passes(tmp_path: Path) -> None:
    model = corpus_file("mlperf__ic_resnet8.tflite")
    project = exported(model, tmp_path / "p", "--format", "c", "--max-overhead", "1.3")
    assert "self-check: PASS" in call("make", "CFLAGS=-O1", cwd=project)


@needs_compiler
def test_the_self_check_can_fail(tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "c", "--name", "digits")
    case = project / "digits_case.c"
    text = case.read_text()
    start = text.index("output_0[10] = {\n") + len("output_0[10] = {\n")
    first = re.compile(r"\d+").search(text, start)
    assert first
    case.write_text(f"{text[: first.start()]}{(int(first[0]) + 1) % 256}{text[first.end() :]}")
    done = subprocess.run(["make", "CFLAGS=-O1"], cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert "self-check: FAIL (1 of 10 output bytes differ from TFLM)" in done.stdout


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_a_c_project_builds_with_cmake(tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "c")
    call("cmake", "-S", project, "-B", tmp_path / "b")
    call("cmake", "--build", tmp_path / "b")
    assert "self-check: PASS" in call(tmp_path / "b" / "self_check")


@pytest.mark.parametrize("name", ["m4", "rv32"])
@pytest.mark.parametrize("model", ["digits", "mlperf__ic_resnet8", "mlperf__kws_dscnn"])
def test_a_c_project_runs_on_an_emulated_core(name: str, model: str, tmp_path: Path) -> None:
    core = load_core(name)
    if {core.gcc, core.command[0]} & set(missing_tools()):
        pytest.skip(f"{core.gcc} or {core.command[0]} is not installed")
    file = DIGITS if model == "digits" else corpus_file(f"{model}.tflite")
    project = exported(file, tmp_path / "p", "--format", "c")
    files = {path.name: path.read_text() for path in project.glob("*.[ch]")}
    done = run(core, build(core, {**files, **kernel_sources()}))
    assert done.status == 0, done.output
    assert "self-check: PASS" in done.output


@needs_compiler
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
def test_a_sketch_without_tflm_runs(options: tuple[str, ...], tmp_path: Path) -> None:
    arguments = ("--format", "arduino", "--runtime", "c", "--name", "digits", "--input", str(SEVEN), *options)
    project = exported(DIGITS, tmp_path / "p", *arguments)
    kernels = project / "libraries" / "tflm_msf" / "src"
    printed = run_sketch(tmp_path, project / "digits" / "digits.ino", kernels)
    lines = printed.splitlines()
    assert len(lines) == 2
    for line in lines:
        found = PASS.fullmatch(line)
        assert found, printed
        assert found[2] == "7"


@needs_compiler
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
@pytest.mark.parametrize("library", [TFLM, OLD_TFLM], ids=["new", "old"])
def test_a_sketch_for_tflm_compiles(options: tuple[str, ...], library: tuple[str, ...], tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "arduino", "--name", "digits", *options)
    flags = (*library, f"-I{DOUBLES / 'arduino'}", f"-I{project / 'libraries' / 'tflm_msf' / 'src'}")
    check_syntax(project / "digits" / "digits.ino", *flags)
    check_syntax(project / "digits" / "digits.cpp", *flags)
    assert (project / "libraries" / "tflm_msf" / "library.properties").is_file()


@needs_compiler
@pytest.mark.parametrize("board", load_boards(), ids=lambda board: str(board.name))
def test_a_project_for_each_board(board: str, tmp_path: Path) -> None:
    name = board.name  # type: ignore[attr-defined]
    project = exported(DIGITS, tmp_path / "p", "--format", "platformio", "--board", name, "--name", "digits")
    (directory,) = [project / path for path in ("lib/tflm_msf", "components/tflm_msf") if (project / path).is_dir()]
    flags = [f"-I{directory / 'src'}", *TFLM, f"-I{DOUBLES / 'arduino'}", f"-I{DOUBLES / 'idf'}"]
    ini = configparser.ConfigParser()
    ini.read(project / "platformio.ini")
    (section,) = ini.sections()
    assert section == f"env:{name}"
    sources = list((project / "src").glob("*.cpp"))
    for source in sources:
        check_syntax(source, *flags)
    for source in (project / "src").glob("*.c"):
        call("cc", "-std=c99", "-fsyntax-only", *WARNINGS, f"-I{directory / 'src'}", source)
    assert len(sources) + len(list((project / "src").glob("*.c"))) >= 3
    if ini[section]["framework"] == "espidf":
        assert "main.cpp" in (project / "src" / "CMakeLists.txt").read_text()
        assert (directory / "idf_component.yml").is_file()


@needs_compiler
def test_a_platformio_project_without_tflm_runs(tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "platformio", "--board", "nucleo_f446re")
    assert "lib_deps" not in (project / "platformio.ini").read_text()
    printed = run_sketch(tmp_path, project / "src" / "main.cpp", project / "lib" / "tflm_msf" / "src")
    assert PASS.match(printed)


@needs_compiler
def test_esp_idf_without_tflm(tmp_path: Path) -> None:
    options = ("--format", "platformio", "--board", "esp32-c3-devkitm-1", "--runtime", "c", "--name", "digits")
    project = exported(DIGITS, tmp_path / "p", *options)
    component = project / "components" / "tflm_msf"
    assert not (component / "idf_component.yml").exists()
    flags = ("-DESP_PLATFORM", f"-I{component / 'src'}", f"-I{DOUBLES / 'idf'}")
    call("cc", "-std=c99", "-fsyntax-only", *WARNINGS, *flags, project / "src" / "main.c")
    assert "digits.c digits_case.c main.c" in (project / "src" / "CMakeLists.txt").read_text()


@needs_compiler
@pytest.mark.parametrize(
    ("sketch", "name", "options"),
    [("keyword_spotting", "kws", ()), ("person_detection", "person", ("--stream-input",))],
)
def test_examples_compile_with_a_user_s_model(sketch: str, name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    made = exported(DIGITS, tmp_path / "p", "--format", "arduino", "--name", name, *options)
    source = EXAMPLES / sketch / f"{sketch}.ino"
    flags = (*TFLM, f"-I{DOUBLES / 'arduino'}", f"-I{made / 'libraries' / 'tflm_msf' / 'src'}")
    check_syntax(source, *flags, f"-I{made / name}")
    done = subprocess.run(["g++", "-x", "c++", "-fsyntax-only", *flags, source], capture_output=True, text=True)
    assert f"make {name}.h with `tflm-msf export`" in done.stderr  # without the model it says what is missing


@needs_compiler
def test_the_streaming_example_compiles_with_a_step_model(tmp_path: Path) -> None:
    layers = TimeSeries(Random(0), Axis.COLUMN)
    x = layers.conv(layers.window(30, 40), 8, Geometry((3, 1), same=False), Weighting())
    (tmp_path / "m.tflite").write_bytes(write_model(layers.model([layers.dense(x, 3, Weighting())])))
    options = ("--format", "arduino", "--name", "wake", "--stateful", "3")
    made = exported(tmp_path / "m.tflite", tmp_path / "p", *options)
    source = EXAMPLES / "keyword_streaming" / "keyword_streaming.ino"
    flags = (*TFLM, f"-I{DOUBLES / 'arduino'}", f"-I{made / 'libraries' / 'tflm_msf' / 'src'}")
    check_syntax(source, *flags, f"-I{made / 'wake'}")
    done = subprocess.run(["g++", "-x", "c++", "-fsyntax-only", *flags, source], capture_output=True, text=True)
    assert "make wake.h with `tflm-msf export`" in done.stderr
    check_syntax(made / "wake" / "wake.ino", *flags, f"-I{made / 'wake'}")


@needs_compiler
@pytest.mark.parametrize("stream_input", [(), ("--stream-input",)])
def test_a_step_model_is_checked_as_soon_as_its_window_is_full(stream_input: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(write_model(time_series(13)))
    options = ("--format", "c", "--name", "net", "--stateful", "2", *stream_input)
    project = exported(tmp_path / "m.tflite", tmp_path / "p", *options)
    assert "self-check: PASS" in call("make", "CFLAGS=-O1 -Wall -Wextra -Wconversion -Werror", cwd=project)
    header = (project / "net.h").read_text()
    assert "#define NET_HOP 2u" in header and "uint32_t net_warm_up(void);" in header
    options = ("--format", "arduino", "--runtime", "c", *options[2:])
    arduino = exported(tmp_path / "m.tflite", tmp_path / "a", *options)
    printed = run_sketch(tmp_path, arduino / "net" / "net.ino", arduino / "libraries" / "tflm_msf" / "src")
    assert "self-check: PASS" in printed and "FAIL" not in printed


def test_the_committed_example_is_what_export_writes_today(tmp_path: Path) -> None:
    options = ("--format", "arduino", "--name", "digits", "--input", str(SEVEN))
    made = exported(DIGITS, tmp_path / "p", *options) / "digits"
    names = {path.name for path in made.iterdir()}
    assert names == {path.name for path in (EXAMPLES / "digits").iterdir()}
    stale = [name for name in names if (made / name).read_text() != (EXAMPLES / "digits" / name).read_text()]
    assert not stale, "run samples/make_examples.sh"


def test_a_rewritten_model_is_exported_as_it_is(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["rewrite", str(DIGITS), "--stream-input", "-o", str(tmp_path / "r.tflite")])
    assert result.exit_code == 0
    project = exported(tmp_path / "r.tflite", tmp_path / "p", "--format", "c")
    assert "self-check: PASS" in call("make", "CFLAGS=-O1", cwd=project)
    seven = exported(tmp_path / "r.tflite", tmp_path / "q", "--format", "c", "--input", str(SEVEN))
    assert "number 7" in call("make", "CFLAGS=-O1", cwd=seven)
    for option in (("--ram-limit", "64k"), ("--weights", "plain")):
        refused = export(tmp_path / "r.tflite", tmp_path / "x", "--format", "c", *option)
        assert refused.exit_code == 2
        assert "is rewritten already" in refused.output
    assert not (tmp_path / "x").exists()


def test_plain_weights_are_exported(tmp_path: Path) -> None:
    packed = exported(DIGITS, tmp_path / "b", "--format", "c", "--name", "digits")
    plain = exported(DIGITS, tmp_path / "p", "--format", "c", "--name", "digits", "--weights", "plain")
    assert (packed / "digits.h").read_text() == (plain / "digits.h").read_text()
    assert (packed / "digits.c").read_text() != (plain / "digits.c").read_text()
    assert "self-check: PASS" in call("make", "CFLAGS=-O1", cwd=plain)


def test_what_is_there_stays_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "p"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    (target / "main.c").write_text("mine too")
    refused = export(DIGITS, target, "--format", "c")
    assert refused.exit_code == 2
    assert "is not empty" in refused.output
    assert "--force" in refused.output
    assert (target / "main.c").read_text() == "mine too"
    assert len(list(target.iterdir())) == 2
    exported(DIGITS, target, "--format", "c", "--force")
    assert (target / "mine.txt").read_text() == "mine"
    assert (target / "main.c").read_text() != "mine too"


def test_a_new_directory_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def failing(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr("tflm_msf.cli.export.write_whole", failing)
    result = export(DIGITS, tmp_path / "p", "--format", "c")
    assert result.exit_code == 2
    assert "cannot be written: No space left on device" in result.output
    assert len(written) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("")
    result = export(DIGITS, tmp_path / "p", "--format", "c")
    assert result.exit_code == 2
    assert "cannot be written: Not a directory" in result.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--format", "platformio", "--board", "nowhere"), "there is no board 'nowhere'"),
        (("--format", "platformio", "--runtime", "tflm"), "no TFLM library for nucleo_f446re"),
        (("--format", "c", "--runtime", "tflm"), "needs no TFLM"),
        (
            ("--format", "esp-idf", "--board", "pico"),
            "and the chip of pico is another one (RP2040)",
        ),
        (("--format", "cmsis-pack", "--board", "esp32dev"), "the chip of esp32dev is another one (ESP32)"),
        (("--format", "c", "--name", "msf"), "the name 'msf' is taken"),
        (("--format", "c", "--name", "a b"), "cannot be part of C names"),
        (("--format", "tflm", "--name", "switch"), "'switch' is a word of C++'s own"),
        (("--format", "arduino", "--without-kernels"), "--without-kernels is for --format c"),
        (("--format", "c", "--skip-softmax"), "--skip-softmax is for --format c --without-kernels"),
        (("--format", "c", "--input", "nowhere.bin"), "the input file nowhere.bin cannot be read"),
        (("--format", "c", "--ram-limit", "1k"), "the least reachable is"),
    ],
)
def test_what_cannot_be_is_one_sentence(options: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    result = export(DIGITS, tmp_path / "p", *options)
    assert result.exit_code == 2
    assert sentence in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["c", "arduino", "platformio", "zephyr", "cmsis-pack", "tflm"])
def test_every_format_counts_for_a_board_as_rewrite_does(kind: str, tmp_path: Path) -> None:
    result = export(DIGITS, tmp_path / "p", "--format", kind, "--board", "hifive1-revb", "--ram-limit", "300")
    refused = CliRunner().invoke(
        main, ["rewrite", str(DIGITS), "--board", "hifive1-revb", "--ram-limit", "300", "-o", str(tmp_path / "o")]
    )
    assert result.exit_code == refused.exit_code == 2
    if kind != "cmsis-pack":  # that is not for RISC-V
        assert result.output == refused.output


def test_the_chip_of_the_board_is_what_is_built_for(tmp_path: Path) -> None:
    result = export(DIGITS, tmp_path / "p", "--format", "esp-idf", "--board", "esp32-c3-devkitm-1")
    assert "set-target esp32c3 build" in result.output


def test_a_model_with_an_operator_that_stays_needs_tflm(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(write_model(small_model()))
    exported(model, tmp_path / "fused", "--format", "c")
    corpus = corpus_file("haverland__dig_class100_s1.tflite")
    result = export(corpus, tmp_path / "p", "--format", "c", "--max-overhead", "1")
    assert result.exit_code == 2
    assert "is not part of a fusion block" in result.output
