"""Projects for ESP-IDF, Zephyr and CMSIS-Pack keep the rules of each, build with stand-ins for them, and run."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from benchmarks.emulator import build, link_objects, load_core, missing_tools, run
from testing.corpus import corpus_file
from tflm_msf.cli import main

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "samples" / "digits" / "digits_int8.tflite"
DOUBLES = Path(__file__).parent / "doubles"
TFLM = (f"-I{DOUBLES / 'tflm'}", f"-I{ROOT / 'tests' / 'adapter'}", "-DDOUBLE_MICRO_LOG")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
PASS = re.compile(r"latency: \d+ us, arena: (\d+) of \1 bytes, largest output: number \d+, self-check: PASS")
WAYS_IN = [(), ("--stream-input",), ("--stream-input", "--pixel-format", "uint8")]
WAYS_IN_NAMES = ["whole", "streamed", "pixels"]
MODELS = ["digits", "mlperf__kws_dscnn"]

needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


def model_file(name: str) -> Path:
    return DIGITS if name == "digits" else corpus_file(f"{name}.tflite")


def exported(model: Path, output: Path, *options: str) -> Path:
    result = CliRunner().invoke(main, ["export", str(model), "-o", str(output), "--name", "net", *options])
    assert result.exit_code == 0, result.output
    return output


def call(*command: object, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(source: Path, directory: Path, *definitions: str) -> Path:
    """Configured and built with CMake on this computer."""
    flags = [f"-DCMAKE_{language}_FLAGS=-O1 -Wall -Wextra -Werror" for language in ("C", "CXX")]
    call("cmake", "-S", source, "-B", directory, *flags, *definitions)
    call("cmake", "--build", directory)
    return directory


def check_syntax(directory: Path, *flags: str) -> None:
    for source in directory.glob("*.cpp"):
        command = ["g++", "-std=c++11", "-fno-exceptions", "-fno-rtti", "-fsyntax-only", *WARNINGS, *flags]
        call(*command, f"-I{directory}", source)


def run_emulated(name: str, directory: Path, kernels: Path, doubles: Path, stand_in: Path) -> str:
    """What a project's main.cpp prints on an emulated core."""
    core = load_core(name)
    compiler = f"{core.prefix}g++"
    if {core.gcc, core.command[0]} & set(missing_tools()) or shutil.which(compiler) is None:
        pytest.skip(f"{compiler} or {core.command[0]} is not installed")
    objects = []
    work = directory / f"objects_{name}"
    work.mkdir()
    for source in [*kernels.rglob("*.c"), *directory.glob("*.c"), directory / "main.cpp", stand_in]:
        is_c = source.suffix == ".c"
        target = work / f"{source.stem}.o"
        command = [core.gcc if is_c else compiler, *core.cflags, "-O2", "-std=c99" if is_c else "-std=c++11"]
        command += [] if is_c else ["-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"]
        call(*command, "-w", f"-I{kernels}", f"-I{directory}", f"-I{doubles}", "-c", source, "-o", target)
        named = work / f"{source.stem}-{hash(target.read_bytes()):x}.o"
        objects.append(target.rename(named))
    done = run(core, link_objects(core, objects))
    assert done.status == 0, done.output
    return str(done.output)


def passes(printed: str) -> bool:
    lines = [line for line in printed.splitlines() if line]
    return len(lines) == 2 and all(PASS.fullmatch(line) for line in lines)


# ---- ESP-IDF ----


@needs_cmake
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
@pytest.mark.parametrize("model", MODELS)
def test_an_esp_idf_project_builds_with_a_stand_in_and_passes(
    model: str, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDF_PATH", str(DOUBLES / "idf"))
    project = exported(model_file(model), tmp_path / "p", "--format", "esp-idf", "--runtime", "c", *options)
    assert passes(call(built(project, tmp_path / "b", "-DESP_PLATFORM=1") / "main" / "firmware"))


@needs_compiler
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
def test_an_esp_idf_project_for_tflm_compiles(options: tuple[str, ...], tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "esp-idf", *options)
    flags = (*TFLM, f"-I{project / 'components' / 'tflm_msf' / 'src'}", f"-I{DOUBLES / 'idf'}")
    check_syntax(project / "main", *flags)
    needed = yaml.safe_load((project / "main" / "idf_component.yml").read_text())["dependencies"]
    assert set(needed) == {"idf", "espressif/esp-tflite-micro"}
    assert (project / "components" / "tflm_msf" / "idf_component.yml").is_file()


@pytest.mark.parametrize("core", ["rv32", "m4"])
def test_an_esp_idf_project_passes_on_an_emulated_core(core: str, tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "esp-idf", "--runtime", "c", "--stream-input")
    kernels = project / "components" / "tflm_msf" / "src"
    assert passes(run_emulated(core, project / "main", kernels, DOUBLES / "idf", DOUBLES / "idf" / "run.cpp"))


@pytest.mark.parametrize("model", ["digits", "tflm__person_detect", "mlperf__vww_96"])
def test_partitions_are_as_esp_idf_wants_them(model: str, tmp_path: Path) -> None:
    project = exported(model_file(model), tmp_path / "p", "--format", "esp-idf")
    lines = (project / "partitions.csv").read_text().splitlines()
    end = 0x9000  # behind the boot loader and the table
    for line in lines[1:]:
        name, kind, subtype, offset, size = (word.strip() for word in line.split(","))
        assert len(name) <= 16
        assert (kind, subtype) in {("data", "nvs"), ("data", "phy"), ("app", "factory")}
        assert int(offset, 0) % (0x10000 if kind == "app" else 0x1000) == 0
        assert int(size, 0) % 0x1000 == 0
        assert int(offset, 0) == end
        end += int(size, 0)
    assert end <= 4 << 20
    for path in project.glob("sdkconfig.defaults*"):
        settings = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert settings
        assert all(re.fullmatch(r'CONFIG_[A-Z0-9_]+=(y|\d+|"[^"]+")', line) for line in settings)


# ---- Zephyr ----

MODULE_KEYS = {"name", "build", "tests", "samples", "boards", "blobs", "security", "package-managers", "runners"}
BUILD_KEYS = {
    "cmake",
    "kconfig",
    "cmake-ext",
    "kconfig-ext",
    "depends",
    "settings",
    "sysbuild-cmake",
    "sysbuild-kconfig",
}


def test_the_module_is_as_zephyr_wants_it(tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "zephyr")
    directory = project / "modules" / "tflm_msf"
    module = yaml.safe_load((directory / "zephyr" / "module.yml").read_text())
    assert set(module) <= MODULE_KEYS
    assert set(module["build"]) <= BUILD_KEYS
    assert (directory / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (directory / module["build"]["kconfig"]).is_file()
    kconfig = (directory / module["build"]["kconfig"]).read_text()
    known = {*re.findall(r"^config (\w+)$", kconfig, re.M), *KNOWN_TO_ZEPHYR}
    settings = re.findall(r"^CONFIG_(\w+)=(?:y|\d+)$", (project / "app" / "prj.conf").read_text(), re.M)
    assert set(settings) <= known
    assert {"TFLM_MSF", "TENSORFLOW_LITE_MICRO"} <= set(settings)


KNOWN_TO_ZEPHYR = {
    "CPP",
    "STD_CPP11",
    "STD_CPP17",
    "REQUIRES_FULL_LIBCPP",
    "TENSORFLOW_LITE_MICRO",
    "SPEED_OPTIMIZATIONS",
    "MAIN_STACK_SIZE",
}
"""Options of Zephyr's that a project sets."""


def test_an_application_has_overlays_for_three_boards_and_a_sample(tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "zephyr")
    sample = yaml.safe_load((project / "app" / "sample.yaml").read_text())
    boards = sample["common"]["platform_allow"]
    overlays = {path.stem for path in (project / "app" / "boards").glob("*.overlay")}
    assert overlays == {board.replace("/", "_") for board in boards}
    assert len(boards) == 3
    for path in (project / "app" / "boards").glob("*.overlay"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        assert re.fullmatch(r"\s*&\w+ \{(\s*[\w-]+ = (<\d+>|\"\w+\");)+\s*\};\s*", text)
    (pattern,) = sample["common"]["harness_config"]["regex"]
    assert re.search(pattern, "..., self-check: PASS")


@needs_cmake
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
@pytest.mark.parametrize("model", MODELS)
def test_a_zephyr_application_builds_with_a_stand_in_and_passes(
    model: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    project = exported(model_file(model), tmp_path / "p", "--format", "zephyr", "--runtime", "c", *options)
    double = f"-DZephyr_DIR={DOUBLES / 'zephyr'}"
    assert passes(call(built(project / "app", tmp_path / "b", double) / "app"))


@needs_compiler
@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
def test_a_zephyr_application_for_tflm_compiles(options: tuple[str, ...], tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "zephyr", *options)
    kernels = project / "modules" / "tflm_msf" / "src"
    check_syntax(project / "app" / "src", *TFLM, f"-I{kernels}", f"-I{DOUBLES / 'zephyr'}")


@pytest.mark.parametrize("core", ["m4", "rv32"])
def test_a_zephyr_application_passes_on_an_emulated_core(core: str, tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "zephyr", "--runtime", "c")
    kernels = project / "modules" / "tflm_msf" / "src"
    printed = run_emulated(core, project / "app" / "src", kernels, DOUBLES / "zephyr", DOUBLES / "zephyr" / "run.c")
    assert passes(printed)


# ---- CMSIS-Pack ----


def description(project: Path) -> ET.Element:
    (pdsc,) = project.glob("*.pdsc")
    return ET.parse(pdsc).getroot()


def files_of(root: ET.Element, **attributes: str) -> list[str]:
    found = root.iter("file")
    return [file.attrib["name"] for file in found if attributes.items() <= file.attrib.items()]


@pytest.mark.parametrize("options", WAYS_IN, ids=WAYS_IN_NAMES)
def test_a_pack_describes_all_that_it_holds(options: tuple[str, ...], tmp_path: Path) -> None:
    project = exported(DIGITS, tmp_path / "p", "--format", "cmsis-pack", *options)
    root = description(project)
    order = [child.tag for child in root]
    assert order == [
        "vendor",
        "name",
        "description",
        "url",
        "license",
        "releases",
        "keywords",
        "conditions",
        "components",
    ]
    (pdsc,) = project.glob("*.pdsc")
    assert pdsc.stem == f"{root.findtext('vendor')}.{root.findtext('name')}"
    assert (project / str(root.findtext("license"))).is_file()
    named = {name for name in files_of(root) if not name.endswith("/")}
    assert named == {
        p.relative_to(project).as_posix() for d in ("kernels", "model") for p in (project / d).rglob("*.*")
    }
    conditions = {condition.attrib["id"] for condition in root.iter("condition")}
    components = [component.attrib for component in root.iter("component")]
    assert {c["condition"] for c in components if "condition" in c} == conditions
    versions = {release.attrib["version"] for release in root.iter("release")}
    assert {component["Cversion"] for component in components} == versions
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    required = [element.attrib for element in root.iter("require")]
    keys = ("Cclass", "Cgroup", "Csub")
    assert all(any(all(c[k] == r[k] for k in keys) for c in components) for r in required)


@pytest.mark.parametrize("core", ["m4", "m55", "rv32", "rp2040"])
@pytest.mark.parametrize("model", MODELS)
def test_a_pack_passes_on_an_emulated_core(model: str, core: str, tmp_path: Path) -> None:
    there = load_core(core)
    if {there.gcc, there.command[0]} & set(missing_tools()):
        pytest.skip(f"{there.gcc} or {there.command[0]} is not installed")
    project = exported(model_file(model), tmp_path / "p", "--format", "cmsis-pack")
    root = description(project)
    sources: dict[str, str] = {}
    for name in files_of(root):
        if not name.endswith("/"):
            sources[name.split("/", 1)[1]] = (project / name).read_text()
    done = run(there, build(there, sources))
    assert done.status == 0, done.output
    assert "self-check: PASS" in done.output


@pytest.mark.parametrize("kind", ["esp-idf", "zephyr", "cmsis-pack"])
def test_without_a_self_check(kind: str, tmp_path: Path) -> None:
    options: tuple[Any, ...] = () if kind == "cmsis-pack" else ("--runtime", "c")
    project = exported(DIGITS, tmp_path / "p", "--format", kind, "--no-self-check", *options)
    assert not list(project.rglob("*_case.*"))
    assert "net_case" not in "".join(
        p.read_text() for p in project.rglob("*.*") if p.suffix in (".txt", ".pdsc", ".cpp")
    )


def test_a_pack_needs_no_tflm(tmp_path: Path) -> None:
    options = ["export", str(DIGITS), "-o", str(tmp_path / "p"), "--format", "cmsis-pack", "--runtime", "tflm"]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert "--format cmsis-pack needs no TFLM" in result.output
