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
SIMULATORS = ROOT / "build" / "simulators"
CORES = ("m4", "m33", "m55", "rv32", "lx106")
"""Cores in QEMU, where instructions are counted."""

SIMULATED = ("vexriscv", "rp2040")
"""Cores that are simulated to the cycle: in RTL, and by a cycle model."""

BOARDS = tuple(sorted(path.stem for path in (EMULATED / "boards").glob("*.json")))
"""All of them, and those on which bits are compared only."""

WARNINGS = ("-Wall", "-Wextra", "-Werror")
OPTIMIZED = ("-std=gnu99", "-O2", "-ffunction-sections", "-fdata-sections")
TIMEOUT_SECONDS = 1800
"""Simulated cores run some million cycles a second, and a computer may have other things to do."""

PSRAM_BYTES = 16 << 20
"""Of slow memory, where a core has some."""

IN_PSRAM = '__attribute__((section(".psram")))'
"""What puts a static array there."""

INSTALL = "tools/install_emulators.sh"
INSTALL_SIMULATORS = "make simulators"


class EmulatorError(Exception):
    """A compiler or an emulator is missing, or refused what it was given: a sentence, then what it printed."""


@dataclass(frozen=True)
class Core:
    """One emulated core: how to compile for it and how to run it. ``psram``: where slow memory begins."""

    name: str
    prefix: str
    arch: str
    cflags: tuple[str, ...]
    ldflags: tuple[str, ...]
    command: tuple[str, ...]
    marks: tuple[str, str] | None
    psram: str = ""

    @property
    def gcc(self) -> str:
        """The C compiler's name."""
        return f"{self.prefix}gcc"


@dataclass(frozen=True)
class Run:
    """What a program printed, its exit status, and what ran between each pair of marks.

    ``instructions`` are empty for VexRiscv, which does not count them; ``cycles``, and the ``lines`` that a cache of
    the flash fetched, are there for simulated cores only; bytes ``loaded`` and ``stored`` in slow memory for those
    cores in QEMU that have some.
    """

    output: str
    status: int
    instructions: tuple[int, ...]
    cycles: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    loaded: tuple[int, ...] = ()
    stored: tuple[int, ...] = ()


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
        command=tuple(build["run"].replace("{simulators}", str(SIMULATORS)).split()),
        marks=(build["marks"]["begin"], build["marks"]["end"]) if "marks" in build else None,
        psram=build.get("psram", ""),
    )


def missing_tools(names: Sequence[str] = CORES) -> tuple[str, ...]:
    """Programs that are needed for these cores and are not on this computer."""
    cores = [load_core(name) for name in names]
    scripts = [word for core in cores for word in core.command[1:] if word.startswith(str(SIMULATORS))]
    needed = dict.fromkeys(["gcc", *(core.gcc for core in cores), *(core.command[0] for core in cores), *scripts])
    return tuple(program for program in needed if shutil.which(program) is None and not Path(program).is_file())


def build(core: Core, sources: Mapping[str, str], flags: Sequence[str] = OPTIMIZED, link: Sequence[str] = ()) -> Path:
    """An ELF file for ``core`` out of C files and headers, given by name, and the core's own start-up code.

    ``flags`` are for the compiler, ``link`` for the linker.
    """
    return link_objects(core, compile_objects(core, sources, flags), link)


def link_objects(core: Core, objects: Sequence[Path], options: Sequence[str] = (), linker: str = "gcc") -> Path:
    """An ELF file for ``core`` out of object files, named after their content, and the core's own start-up code."""
    files = [*objects, *_support_objects(core)]
    command = [f"{core.prefix}{linker}", *core.cflags, *core.ldflags, "-Wl,--gc-sections", *options, *map(str, files)]
    return _made("elf", command, files, "program.elf")


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


def run(core: Core, elf: Path, options: Sequence[str] = ()) -> Run:
    """Runs a program to its end. A run that takes more than ``TIMEOUT_SECONDS`` is an error.

    ``options`` are for a simulator: how its flash behaves.
    """
    with _scratch() as directory:
        counts = directory / "counts"
        command = [word.replace("{firmware}", str(elf)) for word in core.command]
        if core.marks is None:
            command += ["--counts", str(counts), *options]
        else:
            plugin = f"{_plugin('count')},begin={core.marks[0]},end={core.marks[1]},counts={counts}"
            command += ["-plugin", f"{plugin},from={core.psram},size={PSRAM_BYTES}" if core.psram else plugin]
        done = _run_to_its_end(core, elf, command)
        told = counts.read_text() if counts.exists() else ""
    if "total" not in told:
        raise EmulatorError(f"{elf} did not run on {core.name}:\n{done.stderr}")
    counted = ("instructions", "cycles", "lines", "loaded", "stored")
    return Run(done.stdout, done.returncode, *(_counted(what, told) for what in counted))


def _run_to_its_end(core: Core, elf: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603
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
        install = INSTALL if core.marks else INSTALL_SIMULATORS
        raise EmulatorError(f"{command[0]} is missing: run {install}.") from None


def _counted(what: str, told: str) -> tuple[int, ...]:
    """The numbers behind a word in the lines of all regions."""
    return tuple(int(number) for number in re.findall(rf"^region\b.*\b{what} (\d+)", told, re.M))


@dataclass(frozen=True)
class Profile:
    """How often each instruction ran between the last pair of marks, and lines that caches fetched from flash.

    ``ran`` has, for an address, how often the instruction there ran and how often it was a branch that was taken.
    """

    ran: Mapping[int, tuple[int, int]]
    lines: Mapping[str, int]


def profile(core: Core, elf: Path) -> Profile:
    """Runs a program on a core in QEMU whose board says where flash is."""
    assert core.marks is not None
    with _scratch() as directory:
        counts = directory / "counts"
        build = json.loads((EMULATED / "boards" / f"{core.name}.json").read_text())
        flash = f"flash={build['build']['flash']},size={build['upload']['maximum_size']}"
        plugin = f"{_plugin('profile')},begin={core.marks[0]},end={core.marks[1]},counts={counts},{flash}"
        done = _run_to_its_end(
            core, elf, [*(w.replace("{firmware}", str(elf)) for w in core.command), "-plugin", plugin]
        )
        told = counts.read_text() if counts.exists() else ""
    if not told.endswith("total\n"):
        raise EmulatorError(f"{elf} did not run on {core.name}:\n{done.stderr}")
    ran = re.findall(r"^at (\w+) (\d+) (\d+)$", told, re.M)
    caches = re.findall(r"^cache (\w+) (\d+)$", told, re.M)
    return Profile({int(a, 16): (int(n), int(t)) for a, n, t in ran}, {name: int(n) for name, n in caches})


def _plugin(name: str) -> Path:
    """A plugin of ``support/``, compiled for this computer."""
    texts = {path.name: path.read_text() for path in (SUPPORT / f"{name}.c", SUPPORT / "plugin.h")}
    key = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:20]
    target = BUILD / f"lib{name}-{key}.so"
    if not target.exists():
        with _scratch() as directory:
            for path, text in texts.items():
                (directory / path).write_text(text)
            flags = ["-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]
            _call(["gcc", *flags, f"{name}.c", "-o", "plugin.so"], directory)
            _publish(directory / "plugin.so", target)
    return target


@dataclass(frozen=True)
class Disassembled:
    """An instruction as objdump writes it, and the function that it is in."""

    mnemonic: str
    operands: str
    function: str


def disassemble(core: Core, elf: Path) -> dict[int, Disassembled]:
    """The instructions of a program by address."""
    found: dict[int, Disassembled] = {}
    function = ""
    for line in _call([f"{core.prefix}objdump", "-d", "--no-show-raw-insn", str(elf)], ROOT).splitlines():
        if named := re.match(r"^[0-9a-f]+ <(.+)>:", line):
            function = named.group(1)
        elif read := re.match(r"^\s*([0-9a-f]+):\s+(\S+)\s*([^;@]*)", line):
            found[int(read.group(1), 16)] = Disassembled(read.group(2), read.group(3).strip(), function)
    return found


def section_sizes(core: Core, file: Path) -> dict[str, int]:
    """Bytes of ``text`` (code and constants), ``data`` and ``bss`` of an object or program."""
    fields = _call([f"{core.prefix}size", str(file)], ROOT).splitlines()[1].split()
    return dict(zip(("text", "data", "bss"), map(int, fields[:3]), strict=True))


def linked_text(core: Core, sources: Mapping[str, str], roots: Sequence[str], flags: Sequence[str] = OPTIMIZED) -> int:
    """Bytes of code and constants that the functions ``roots`` and all they use from ``sources`` take."""
    objects = compile_objects(core, sources, flags)
    machine = ["-melf32lriscv"] if core.prefix.startswith("riscv") else []
    keep = [argument for root in roots for argument in ("-u", root)]
    command = [f"{core.prefix}ld", *machine, "-r", "--gc-sections", "-e", roots[0], *keep, *map(str, objects)]
    return section_sizes(core, _made("partial", command, objects, "kernels.o"))["text"]


def code_of(core: Core, sources: Mapping[str, str], flags: Sequence[str] = OPTIMIZED) -> dict[str, int]:
    """Bytes of code of each C file in a program made of ``sources``, by the file's name without its suffix."""
    objects = [*compile_objects(core, sources, flags), *_support_objects(core)]
    command = [core.gcc, *core.cflags, *core.ldflags, "-Wl,--gc-sections,-M", *map(str, objects), "-o", "/dev/null"]
    kept = _call(command, ROOT).split("Linker script and memory map")[1]
    sizes: dict[str, int] = {}
    for size, name in re.findall(rf"^ \.text\S*\s+0x\w+\s+0x(\w+)\s+\S*/{core.name}-(\w+)-\w+\.o$", kept, re.M):
        sizes[name] = sizes.get(name, 0) + int(size, 16)
    return sizes


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
