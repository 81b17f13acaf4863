"""The most stack that a function of the kernels can take, from the compiler's own frame sizes and call graph.

``python -m tests.kernels.stack`` prints it for every emulated core. Library functions (``memcpy``, 64-bit division) and
the application's row source come on top.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.emulator import CORES, load_core
from tests.kernels.sanitized import SOURCES, kernel_sources

ENTRIES = ("msf_prepare", "msf_invoke")
INDIRECT = "__indirect_call"
CALLS_OPERATORS = ("msf_engine.c", "msf_prepare.c")
"""Call functions of the operators through the operator table."""

CALLS_THE_APPLICATION = "msf_source.c"


@dataclass(frozen=True)
class CallGraph:
    """Frame of each function in bytes, the functions that it calls, and the file that it is in."""

    frames: Mapping[str, int]
    calls: Mapping[str, frozenset[str]]
    files: Mapping[str, str]

    def deepest(self, function: str, above: tuple[str, ...] = ()) -> int:
        """Bytes that a call of ``function`` takes at the most, all it calls included."""
        assert function not in above, f"{function} is recursive"
        called = self.calls.get(function, frozenset()) - {INDIRECT}
        if INDIRECT in self.calls.get(function, ()):
            called |= self._called_by_address(self.files[function])
        known = [self.deepest(name, (*above, function)) for name in called if name in self.frames]
        return self.frames[function] + max(known, default=0)

    def _called_by_address(self, file: str) -> frozenset[str]:
        """All functions that may be meant: of any operator, or else in the same file, and without such calls."""
        if file == CALLS_THE_APPLICATION:
            return frozenset()
        if file in CALLS_OPERATORS:
            return frozenset(name for name in self.frames if self.files[name] not in CALLS_OPERATORS)
        return frozenset(n for n in self.frames if self.files[n] == file and not self._calls_by_address(n))

    def _calls_by_address(self, function: str) -> bool:
        called = self.calls.get(function, frozenset())
        return INDIRECT in called or any(self._calls_by_address(name) for name in called)


def call_graph(gcc: str, flags: tuple[str, ...]) -> CallGraph:
    """The kernels' call graph as a compiler sees it after inlining."""
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    files: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as directory:
        for source in kernel_sources():
            target = Path(directory) / f"{source.stem}.o"
            command = [
                gcc,
                *flags,
                "-std=c99",
                "-fcallgraph-info=su",
                f"-I{SOURCES}",
                "-c",
                str(source),
                "-o",
                str(target),
            ]
            subprocess.run(command, check=True, capture_output=True)
            text = target.with_suffix(".ci").read_text(encoding="utf-8")
            for name, nbytes in re.findall(
                r'^node: \{ title: "([^"]+)" label: "[^"]*\\n(\d+) bytes', text, re.MULTILINE
            ):
                frames[name], files[name] = int(nbytes), source.name
            for caller, callee in re.findall(r'sourcename: "([^"]+)" targetname: "([^"]+)"', text):
                calls.setdefault(caller, set()).add(callee)
            for name, nbytes in assembly_frames(source.read_text(encoding="utf-8")).items():
                frames[name], files[name] = nbytes, source.name
    return CallGraph(frames, {name: frozenset(called) for name, called in calls.items()}, files)


def assembly_frames(source: str) -> dict[str, int]:
    """Frames of functions in assembly, which no compiler knows: their sources say so."""
    functions = re.findall(r'^FUNCTION\("(\w+)",(?: /\* stack: (\d+) \*/)?', source, re.MULTILINE)
    return {name: int(nbytes) for name, nbytes in functions}


def worst_case(gcc: str, flags: tuple[str, ...]) -> dict[str, int]:
    """Bytes of stack for each of :data:`ENTRIES`."""
    graph = call_graph(gcc, flags)
    return {entry: graph.deepest(entry) for entry in ENTRIES}


if __name__ == "__main__":
    for core in map(load_core, CORES):
        for level in ("-Os", "-O2"):
            print(core.name, level, worst_case(core.gcc, (*core.cflags, level)))
