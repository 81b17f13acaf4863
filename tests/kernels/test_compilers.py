"""The kernels compile without a warning as what they claim to be, and need little stack."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.kernels.sanitized import SOURCES, WARNINGS, compiler, kernel_sources

MOST_STACK = 640
"""Bytes that one function may take."""

ROOMS = ("format", "kernel", "engine", "library")


def compile_all(name: str, *options: str, sources: list[Path] | None = None) -> None:
    for source in sources or kernel_sources():
        command = [compiler(name), *options, f"-I{SOURCES}", "-c", str(source), "-o", "/dev/null"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stderr == ""


@pytest.mark.parametrize("compiler_name", ["gcc", "clang"])
@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_as_strict_c99(compiler_name: str, level: str) -> None:
    strict = ("-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef")
    compile_all(compiler_name, "-std=c99", level, *WARNINGS, *strict)


def test_headers_as_cpp11(tmp_path: Path) -> None:
    source = tmp_path / "user.cpp"
    names = ["msf.h", *(f"{room}/{path.name}" for room in ROOMS for path in sorted((SOURCES / room).glob("*.h")))]
    headers = "".join(f'#include "{name}"\n' for name in names)
    source.write_text(f"{headers}int main() {{ return msf_prepare(nullptr, 0, nullptr, 0) == MSF_OK; }}\n")
    compile_all("g++", "-std=c++11", *WARNINGS, sources=[source])


@pytest.mark.slow
def test_the_static_analyzer_finds_nothing() -> None:
    compile_all("gcc", "-std=c99", "-O1", "-fanalyzer", "-Werror")


@pytest.mark.parametrize("level", ["-Os", "-O2", "-O3"])
def test_no_function_takes_much_stack(level: str) -> None:
    compile_all("gcc", "-std=c99", level, f"-Wstack-usage={MOST_STACK}", "-Werror")


def test_no_function_is_recursive() -> None:
    """Recursion would leave the stack without a bound. Read from the calls in unoptimised assembly (x86-64)."""
    calls: dict[str, set[str]] = {}
    for source in kernel_sources():
        command = [compiler("gcc"), "-std=c99", "-O0", "-S", "-o", "-", f"-I{SOURCES}", str(source)]
        function = ""
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.split()
            if line and not line[0].isspace() and words[0].endswith(":") and not line.startswith("."):
                function = words[0][:-1]
                calls.setdefault(function, set())
            elif words[:1] == ["call"]:
                calls[function].add(words[1].removesuffix("@PLT"))
    reached = {caller: set(callees) for caller, callees in calls.items()}
    for _ in calls:
        for callees in reached.values():
            callees |= {deeper for callee in callees for deeper in reached.get(callee, ())}
    assert "msf_invoke" in reached and len(reached["msf_invoke"]) > 10
    assert not [caller for caller, callees in reached.items() if caller in callees]
