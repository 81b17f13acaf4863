"""Rewriting during a PlatformIO build: when it happens, when not, and how it fails."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from testing.layers import Geometry, Layers, Weighting
from tests.kernels.library import Status
from tests.platformio.pio import EMULATED, ROOT, make_project, need_emulators, program, run_pio, write_options
from tflm_msf.tflite_io import write_model
from tools.hook_options import BEGIN, END, README, table

MAIN = """#include <stdio.h>
#include "net.h"
int main(void) { printf("arena %d\\n", (int)NET_ARENA_SIZE); return (int)net_init(); }
"""
OPTIONS = "custom_tflm_msf_model = models/net.tflite\ncustom_tflm_msf_format = c\n"
SCRIPT = ROOT / "tflm_kernels" / "extra_script.py"
REWRITES = "tflm-msf: rewriting net.tflite"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    need_emulators()
    program("tflm-msf")
    made = make_project(tmp_path / "project", OPTIONS, MAIN)
    write_net(made, seed=1)
    return made


def write_net(project: Path, seed: int) -> None:
    """Two convolutions; small networks need 3 to 10 kB."""
    layers = Layers(Random(seed))
    x = layers.conv(layers.input(1, 24, 24, 1), 8, Geometry(), Weighting())
    x = layers.conv(x, 4, Geometry(stride=(2, 2)), Weighting())
    (project / "models").mkdir(exist_ok=True)
    (project / "models" / "net.tflite").write_bytes(write_model(layers.model([x])))


def build(project: Path) -> tuple[bool, str]:
    done = run_pio(project, "run")
    return done.returncode == 0, done.stdout + done.stderr


def arena_of(project: Path, init: Status = Status.OK) -> int:
    """The arena that the firmware says, and that its initialisation ends so."""
    firmware = project / ".pio" / "build" / "it" / "firmware.elf"
    qemu = [sys.executable, str(EMULATED / "scripts" / "run.py"), "m4", str(firmware)]
    done = subprocess.run(qemu, capture_output=True, text=True)
    assert done.returncode == init, done.stderr
    return int(done.stdout.split()[1])


def test_rewrites_when_something_changed_and_only_then(project: Path) -> None:
    ok, told = build(project)
    assert ok, told
    assert REWRITES in told
    arena = arena_of(project)

    ok, told = build(project)
    assert ok, told
    assert REWRITES not in told
    assert "Compiling" not in told

    plain = "custom_tflm_msf_weights = plain\ncustom_tflm_msf_int8_io = no\n"
    write_options(project, OPTIONS + plain)
    ok, told = build(project)
    assert ok, told
    assert REWRITES in told
    assert arena_of(project) == arena

    write_options(project, OPTIONS + "custom_tflm_msf_ram_limit = 100KiB")
    ok, told = build(project)
    assert ok, told
    assert REWRITES in told
    assert arena_of(project) >= arena

    streamed = "custom_tflm_msf_stream_input = yes\ncustom_tflm_msf_pixel_format = uint8\n"
    write_options(project, OPTIONS + streamed + "custom_tflm_msf_pixel_range = -1 1")
    ok, told = build(project)
    assert ok, told
    assert REWRITES in told
    assert arena_of(project, Status.SOURCE_MISSING) <= arena
    write_options(project, OPTIONS)

    write_net(project, seed=2)
    ok, told = build(project)
    assert ok, told
    assert REWRITES in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("custom_tflm_msf_ram_limit = 1k", "does not fit 1,000 bytes of arena: the least reachable is"),
        ("custom_tflm_msf_board = nucleo_f44", "did you mean nucleo_f446re"),
        ("custom_tflm_msf_int8_io = maybe", "Option '--int8-io' does not take a value"),
        (
            "custom_tflm_msf_ram_limt = 64k",
            "there is no option custom_tflm_msf_ram_limt; the closest is custom_tflm_msf_ram_limit",
        ),
        ("custom_tflm_msf_output = x", "there is no option custom_tflm_msf_output"),
        ("custom_tflm_msf_targt = c", "the closest is custom_tflm_msf_target"),
        ("custom_tflm_msf_pixel_range = 0 1", "--pixel-range says what the bytes of a --pixel-format stand for"),
        ("custom_tflm_msf_weights = blocks", "'blocks' is not one of 'packed', 'plain'"),
        ("custom_tflm_msf_tool = /nowhere/tflm-msf", "not a program"),
    ],
)
def test_fails_in_one_sentence(project: Path, options: str, message: str) -> None:
    write_options(project, OPTIONS + options)
    ok, told = build(project)
    assert not ok
    assert message in told
    (line,) = [line for line in told.splitlines() if line.startswith("Error:")]
    assert line.startswith("Error: tflm-msf: ")
    assert line.endswith(".")
    assert "Traceback" not in told
    assert "Compiling" not in told


def test_a_typo_in_the_name_of_the_model_option_fails_too(project: Path) -> None:
    write_options(project, "custom_tflm_msf_modle = models/net.tflite")
    ok, told = build(project)
    assert not ok
    assert "there is no option custom_tflm_msf_modle; the closest is custom_tflm_msf_model." in told


def test_each_model_may_have_options_of_its_own(project: Path) -> None:
    second = project / "models" / "rows.tflite"
    second.write_bytes((project / "models" / "net.tflite").read_bytes())
    models = "\n    models/net.tflite\n    models/rows.tflite --stream-input --pixel-format uint8"
    write_options(project, f"custom_tflm_msf_model ={models}\ncustom_tflm_msf_format = c")
    ok, told = build(project)
    assert ok, told
    (net,) = (project / ".pio").rglob("net.h")
    (rows,) = (project / ".pio").rglob("rows.h")
    assert "net_input(" in net.read_text()
    assert "rows_input(" not in rows.read_text()
    assert "a byte for each channel" in rows.read_text()


def test_pixel_format_gives_rows_of_bytes(project: Path) -> None:
    write_options(project, OPTIONS + "custom_tflm_msf_stream_input = yes\ncustom_tflm_msf_pixel_format = uint8")
    ok, told = build(project)
    assert ok, told
    (header,) = (project / ".pio").rglob("net.h")
    assert "a byte for each channel" in header.read_text()


def test_the_options_in_the_readme_are_those_of_the_tool() -> None:
    text = README.read_text("utf-8")
    assert text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip() == table(), "tools/hook_options.py --write"
    names = set(re.findall(r"`custom_tflm_msf_(\w+)`", table()))
    assert {"pixel_format", "pixel_range", "max_slowdown", "core", "target", "board", "model", "tool"} <= names


def test_missing_model_is_named(project: Path) -> None:
    (project / "models" / "net.tflite").unlink()
    ok, told = build(project)
    assert not ok
    assert f"there is no model {project}/models/net.tflite" in told


class Environment:
    """What the script asks of SCons before it looks for the tool."""

    def GetProjectOption(self, name: str, default: str) -> str:  # noqa: N802 - PlatformIO's name
        return {"custom_tflm_msf_model": "models/net.tflite"}.get(name, default)

    def GetProjectOptions(self, as_dict: bool) -> dict[str, str]:  # noqa: N802 - PlatformIO's name
        assert as_dict
        return {"custom_tflm_msf_model": "models/net.tflite"}

    def subst(self, text: str) -> str:
        return text

    def Exit(self, status: int) -> None:  # noqa: N802 - SCons' name
        raise SystemExit(status)


def test_missing_tool_says_how_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SystemExit, match="1"):
        runpy.run_path(str(SCRIPT), {"Import": lambda *_: None, "env": Environment(), "projenv": None})
    told = capsys.readouterr().err
    assert told.startswith(
        "Error: tflm-msf: the program tflm-msf is not installed: run `pip install` with the directory"
    )
    assert told.count("\n") == 1


def test_makes_a_ready_resolver_for_tflm(project: Path) -> None:
    """PlatformIO finds TFLM, here a double of its headers, through the library's header."""
    library = project / "lib" / "tflm_double" / "src"
    include = library / "tensorflow" / "lite"
    for header in ("c/common.h", "micro/kernels/kernel_util.h", "micro/micro_mutable_op_resolver.h"):
        (include / header).parent.mkdir(parents=True, exist_ok=True)
        (include / header).write_text('#include "double.h"\n')
    shutil.copy(ROOT / "tests" / "adapter" / "double.h", library)
    (project / "src" / "main.c").unlink()
    (project / "src" / "main.cpp").write_text(
        "#include <stdio.h>\n"
        '#include "net.h"\n'
        "alignas(16) static uint8_t arena[net::kArenaSize];\n"
        "int main() {\n"
        "  net::Resolver resolver;\n"
        "  if (net::AddOperators(resolver) != kTfLiteOk) return 1;\n"
        '  printf("arena %d\\n", (int)sizeof(arena));\n'
        "  return resolver.FindOp(\"MSF_BLOCK\") == nullptr || net::kModel[4] != 'T';\n"
        "}\n"
    )
    write_options(project, "custom_tflm_msf_model = models/net.tflite\nbuild_flags = -DDOUBLE_TFLM_REGISTRATION")
    ok, told = build(project)
    assert ok, told
    assert arena_of(project) > 1000
