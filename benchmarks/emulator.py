"""Build C for an emulated core and run it, counting instructions.

Which compiler, which machine and which marks belong to a core is said in ``platformio/emulated/boards/*.json``.
Everything that is built goes below ``build/emulated`` and is reused as long as its sources stay the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
EMULATED = ROOT / "platformio" / "emulated"
SUPPORT = EMULATED / "support"
BUILD = ROOT / "build" / "emulated"
CORES = ("m4", "m33", "m55", "rv32", "lx106")

WARNINGS = ("-Wall", "-Wextra", "-Werror")
OPTIMIZED = ("-std=gnu99", "-O2", "-ffunction-sections", "-fdata-sections")
TIMEOUT_SECONDS = 300

INSTALL = "tools/install_emulators.sh"


class EmulatorError(Exception):
    """A compiler or an emulator is missing, or refused what it was given: a sentence, then what it printed."""


@dataclass(frozen=True)
class Core:
    """One emulated core: how to compile for it and how to run it."""

    name: str
    prefix: str
    arch: str
    cflags: tuple[str, ...]
    ldflags: tuple[str, ...]
    qemu: tuple[str, ...]
    marks: tuple[str, str]

    @property
    def gcc(self) -> str:
        """The C compiler's name."""
        return f"{self.prefix}gcc"


@dataclass(frozen=True)
class Run:
    """What a program printed, its exit status, and the instructions between each pair of marks."""

    output: str
    status: int
    instructions: tuple[int, ...]


@cache
def load_core(name: str) -> Core:
    """The core of ``boards/<name>.json``."""
    build = json.loads((EMULATED / "boards" / f"{name}.json").read_text())["build"]
    script = (f"-L{SUPPORT / build['arch']}", f"-T{build['ldscript']}") if build["ldscript"] else ()
    return Core(
        name=name,
        prefix=build["prefix"],
        arch=build["arch"],
        cflags=tuple(build["cflags"].split()),
        ldflags=(*build["ldflags"].split(), *script),
        qemu=tuple(build["qemu"].split()),
        marks=(build["marks"]["begin"], build["marks"]["end"]),
    )


def missing_tools() -> tuple[str, ...]:
    """Programs that are needed for the five cores and are not on this computer."""
    cores = [load_core(name) for name in CORES]
    needed = dict.fromkeys(["gcc", *(core.gcc for core in cores), *(core.qemu[0] for core in cores)])
    return tuple(program for program in needed if shutil.which(program) is None)


def build(core: Core, sources: Mapping[str, str], flags: Sequence[str] = OPTIMIZED) -> Path:
    """An ELF file for ``core`` out of C files and headers, given by name, and the core's own start-up code."""
    objects = [*compile_objects(core, sources, flags), *_support_objects(core)]
    command = [core.gcc, *core.cflags, *core.ldflags, "-Wl,--gc-sections", *map(str, objects)]
    return _made("elf", command, objects, "program.elf")


def compile_objects(core: Core, sources: Mapping[str, str], flags: Sequence[str]) -> list[Path]:
    """One object file for each C file, made anew only where that or a header that it includes has changed."""
    return [
        _compile(core, name, _with_headers(name, sources), (*flags, *WARNINGS))
        for name in sources
        if name.endswith(".c")
    ]


def _with_headers(name: str, sources: Mapping[str, str]) -> dict[str, str]:
    """A file and whatever it includes of ``sources``."""
    found: dict[str, str] = {}
    wanted = [name]
    while wanted:
        path = wanted.pop()
        if path in sources and path not in found:
            found[path] = sources[path]
            wanted += re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', sources[path], re.M)
    return found


def _support_objects(core: Core) -> list[Path]:
    paths = sorted(path for path in (SUPPORT / core.arch).glob("*.[cS]"))
    return [_compile(core, path.name, {path.name: path.read_text()}, OPTIMIZED) for path in paths]


def _compile(core: Core, name: str, files: Mapping[str, str], flags: Sequence[str]) -> Path:
    common = SUPPORT / "common"
    texts = {**files, **{path.name: path.read_text() for path in sorted(common.glob("*.h"))}}
    key = hashlib.sha256(json.dumps([core.gcc, core.cflags, list(flags), name, texts], sort_keys=True).encode())
    target = BUILD / "objects" / f"{core.name}-{Path(name).stem}-{key.hexdigest()[:20]}.o"
    if not target.exists():
        with _scratch() as directory:
            for path, text in texts.items():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / path).write_text(text)
            _call([core.gcc, *core.cflags, *flags, "-I.", "-c", name, "-o", "out.o"], directory)
            _publish(directory / "out.o", target)
    return target


def _made(kind: str, command: Sequence[str], inputs: Sequence[Path], name: str) -> Path:
    """The output of a linker command, made unless it is there already. Inputs are named after their content."""
    scripts = [path.read_text() for path in sorted(SUPPORT.glob("*/*.ld"))]
    key = hashlib.sha256(json.dumps([list(command), [path.name for path in inputs], scripts]).encode()).hexdigest()[:20]
    target = BUILD / kind / key / name
    if not target.exists():
        with _scratch() as directory:
            _call([*command, "-o", name], directory)
            _publish(directory / name, target)
    return target


def run(core: Core, elf: Path) -> Run:
    """Runs a program to its end. A run that takes more than ``TIMEOUT_SECONDS`` is an error."""
    with _scratch() as directory:
        plugin = f"{_counter()},begin={core.marks[0]},end={core.marks[1]},counts={directory / 'counts'}"
        command = [*core.qemu, "-plugin", plugin, "-kernel", str(elf)]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise EmulatorError(f"{elf} did not end within {TIMEOUT_SECONDS} s on {core.name}.") from None
        except FileNotFoundError:
            raise EmulatorError(f"{core.qemu[0]} is missing: run {INSTALL}.") from None
        counts = (directory / "counts").read_text() if (directory / "counts").exists() else ""
    if "total" not in counts:
        raise EmulatorError(f"QEMU did not run {elf} on {core.name}:\n{done.stderr}")
    return Run(done.stdout, done.returncode, tuple(int(n) for n in re.findall(r"^region (\d+)$", counts, re.M)))


def _counter() -> Path:
    """The plugin that counts instructions, compiled for this computer."""
    source = (SUPPORT / "count.c").read_text()
    key = hashlib.sha256(source.encode()).hexdigest()[:20]
    target = BUILD / f"libcount-{key}.so"
    if not target.exists():
        with _scratch() as directory:
            (directory / "count.c").write_text(source)
            flags = ["-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]
            _call(["gcc", *flags, "count.c", "-o", "libcount.so"], directory)
            _publish(directory / "libcount.so", target)
    return target


def section_sizes(core: Core, file: Path) -> dict[str, int]:
    """Bytes of ``text`` (code and constants), ``data`` and ``bss`` of an object or program."""
    fields = _call([f"{core.prefix}size", str(file)], ROOT).splitlines()[1].split()
    return dict(zip(("text", "data", "bss"), map(int, fields[:3]), strict=True))


def linked_text(core: Core, sources: Mapping[str, str], roots: Sequence[str], flags: Sequence[str] = OPTIMIZED) -> int:
    """Bytes of code and constants that the functions ``roots`` and all they use from ``sources`` take."""
    objects = compile_objects(core, sources, flags)
    machine = ["-melf32lriscv"] if core.arch == "riscv" else []
    keep = [argument for root in roots for argument in ("-u", root)]
    command = [f"{core.prefix}ld", *machine, "-r", "--gc-sections", "-e", roots[0], *keep, *map(str, objects)]
    return section_sizes(core, _made("partial", command, objects, "kernels.o"))["text"]


def symbol_size(core: Core, elf: Path, name: str) -> int:
    """Bytes of a variable in a program."""
    for line in _call([f"{core.prefix}nm", "-S", str(elf)], ROOT).splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[3] == name:
            return int(fields[1], 16)
    raise EmulatorError(f"{elf} has no variable {name}.")


def _call(command: Sequence[str], directory: Path) -> str:
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise EmulatorError(f"{command[0]} is missing: run {INSTALL}.") from None
    if done.returncode != 0:
        raise EmulatorError(f"{command[0]} failed:\n{done.stderr}")
    return done.stdout


@contextmanager
def _scratch() -> Iterator[Path]:
    """A temporary directory beside the results, so that these can be moved into place whole."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="tmp-") as directory:
        yield Path(directory)


def _publish(made: Path, target: Path) -> None:
    """Several processes may make the same file at once; each sees nothing or all of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    made.replace(target)
