"""What can be known of the kernels without running them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.emulator import CORES, load_core
from tests.kernels.sanitized import ROOT, SOURCES, compiler, kernel_sources
from tests.kernels.stack import ENTRIES, call_graph, worst_case

MOST_STACK = 1024
"""Bytes on any core, as SECURITY.md says."""


def cppcheck(directory: Path, *sources: Path) -> subprocess.CompletedProcess[str]:
    checks = (
        "--enable=warning,performance,portability",
        "--inconclusive",
        "--std=c99",
        "--quiet",
        "--max-configs=64",
        "--error-exitcode=9",
    )
    command = [compiler("cppcheck"), *checks, f"-I{directory}", *map(str, sources)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cppcheck_finds_nothing() -> None:
    done = cppcheck(SOURCES, *kernel_sources())
    assert (done.returncode, done.stderr) == (0, "")


def test_cppcheck_would_find_something(tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.c"
    faulty.write_text("int f(int i) { int a[4] = {0}; if (i) i = 1; return a[4]; }\n")
    assert cppcheck(tmp_path, faulty).returncode == 9


@pytest.mark.parametrize("level", ["-Os", "-O2"])
@pytest.mark.parametrize("name", CORES)
def test_stack_is_bounded(name: str, level: str) -> None:
    core = load_core(name)
    for entry, nbytes in worst_case(compiler(core.gcc), (*core.cflags, level)).items():
        assert 100 < nbytes <= MOST_STACK, f"{entry}: {nbytes} bytes"


def test_the_bound_is_the_documented_one() -> None:
    assert f"at most {MOST_STACK:,} bytes of stack" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_call_graph_has_all_operators_below_invoke() -> None:
    graph = call_graph(compiler("gcc"), ("-O0",))
    assert set(ENTRIES) <= graph.frames.keys()
    running = [name for name in graph.frames if name.endswith(":run") or ":run_" in name]
    assert len(running) > 15
    deepest = max(graph.deepest(name) for name in running if "msf_engine" not in name)
    assert graph.deepest("msf_invoke") > deepest + graph.frames["msf_invoke"]
