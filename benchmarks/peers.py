"""Original and rewritten model in the same TFLM on emulated cores: ``python -m benchmarks.peers --tflm DIR``.

DIR is a checkout of tflite-micro in which its own makefile has put what it needs, CMSIS-NN included
(``make -f tensorflow/lite/micro/tools/make/Makefile third_party_downloads OPTIMIZED_KERNEL_DIR=cmsis_nn``). Nothing is
downloaded here and nothing is written there.

All is compiled by one compiler at -O2 with NDEBUG; what is counted is one whole ``Invoke``, SOFTMAX included, and every
output byte is compared with what the wheel's TFLM gave. The original's layers run in CMSIS-NN, the rewritten model's
blocks in these kernels, in the same interpreter.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console

from benchmarks.bench import corpus_file
from benchmarks.cortex_m_cycles import estimate
from benchmarks.emulator import BUILD, ROOT, SUPPORT, Core, EmulatorError, Run, link_objects, load_core, run
from benchmarks.firmware import Case, make_cases
from benchmarks.pages import write_table
from benchmarks.variants import in_long_chunks
from tflm_msf.choice import FREE_OVERHEAD
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.planner import Planner
from tflm_msf.tflite_io import read_model, write_model

MODELS = (
    *("tflm__person_detect", "mlperf__vww_96", "mlperf__ic_resnet8", "mlperf__kws_dscnn"),
    *("sscma__fomo_mnv2_035", "emza__ssd_slim_120x160"),
)
CORES = ("m4", "m55")
MAIN = Path(__file__).parent / "firmware" / "peers.cc"
RESULTS = Path(__file__).parent / "peers.json"
TABLE = "peers table"
"""What its place in README is called."""
MAKEFILE = "tensorflow/lite/micro/tools/make/Makefile"
KERNELS = ROOT / "tflm_kernels" / "src"
ARENA_SIZE = 384 * 1024
STEPS = 4
"""Of a model that keeps a state; the last one is counted."""


MACROS = ("-DNDEBUG", "-DTF_LITE_STATIC_MEMORY", "-DCMSIS_NN", "-DARM_NN_ENABLE_F16=0", "-DARM_NN_ENABLE_F32=0")
COMMON = ("-O2", "-ffunction-sections", "-fdata-sections", "-funsigned-char", "-w", *MACROS)
LANGUAGES = {
    ".cc": ("g++", "-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
    ".cpp": ("g++", "-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
    ".c": ("gcc", "-std=gnu11"),
}

OF_TFLM = (
    "tensorflow/compiler/mlir/lite/**/*.cc",
    "tensorflow/lite/core/**/*.cc",
    "tensorflow/lite/kernels/**/*.cc",
    "tensorflow/lite/micro/*.cc",
    "tensorflow/lite/micro/arena_allocator/*.cc",
    "tensorflow/lite/micro/memory_planner/*.cc",
    "tensorflow/lite/micro/tflite_bridge/*.cc",
)
"""What the interpreter consists of; operators come one by one."""

NOT_OF_TFLM = re.compile(
    r"_test\.cc$|/(test|fake|mock)_\w+\.cc$|/recording_|/hexdump|compression|portable_tensor_utils"
)
OF_THE_REFERENCE = "tensorflow/lite/kernels/internal/portable_tensor_utils.cc"
"""What TFLM's own kernels need besides, to unpack weights of 4 bits."""


@dataclass(frozen=True)
class Tree:
    """A checkout: where TFLM is, and what its makefile downloaded. ``reference``: its own kernels, without CMSIS-NN."""

    tflm: Path
    reference: bool = False

    @property
    def downloads(self) -> Path:
        """Where TFLM's makefile puts what it needs."""
        return self.tflm / "tensorflow/lite/micro/tools/make/downloads"

    @property
    def includes(self) -> tuple[str, ...]:
        """Flags for all headers, and for whose kernels they declare."""
        cmsis_nn = self.downloads / "cmsis_nn"
        places = [self.tflm, KERNELS, cmsis_nn, cmsis_nn / "Include", self.downloads / "flatbuffers/include"]
        places += [self.downloads / "gemmlowp", self.downloads / "ruy", SUPPORT / "common"]
        return (*(f"-I{place}" for place in places), *(("-UCMSIS_NN",) if self.reference else ()))

    def check(self) -> None:
        """Raises MsfError unless it is such a checkout."""
        needed = [self.tflm / "tensorflow/lite/micro/micro_interpreter.h"]
        needed += [self.downloads / part for part in ("cmsis_nn/Include/arm_nnfunctions.h", "gemmlowp", "ruy")]
        needed += [self.downloads / "flatbuffers/include/flatbuffers/flatbuffers.h"]
        for path in needed:
            if not path.exists():
                raise MsfError(
                    f"{path} is not there: give a checkout of tflite-micro in which `make -f "
                    f"{MAKEFILE} third_party_downloads OPTIMIZED_KERNEL_DIR=cmsis_nn` has run."
                )

    def sources(self, builtins: Sequence[str]) -> list[Path]:
        """The interpreter, the operators ``builtins`` with CMSIS-NN, and CMSIS-NN."""
        found = [path for pattern in OF_TFLM for path in sorted(self.tflm.glob(pattern))]
        core = [path for path in found if not NOT_OF_TFLM.search(str(path))]
        cmsis_nn = sorted((self.downloads / "cmsis_nn/Source").rglob("*.c"))
        wanted = [path for path in cmsis_nn if not re.search(r"_f(16|32)\.c$|_flt\.c$|LSTM|SVDF", str(path))]
        return [*core, *self._operators(builtins), *([self.tflm / OF_THE_REFERENCE] if self.reference else wanted)]

    def _operators(self, builtins: Sequence[str]) -> Iterator[Path]:
        """The file that registers each operator, CMSIS-NN's instead of the reference one, and what they share."""
        kernels = self.tflm / "tensorflow/lite/micro/kernels"
        texts = {path: path.read_text(encoding="utf-8") for path in sorted(kernels.glob("*.cc"))}
        yield kernels / "kernel_util.cc"
        stems = {self._registers(texts, builtin).stem for builtin in builtins}
        for stem in sorted(stems):
            fast, shared = kernels / "cmsis_nn" / f"{stem}.cc", kernels / f"{stem}_common.cc"
            yield fast if fast.exists() and not self.reference else kernels / f"{stem}.cc"
            if shared.exists():
                yield shared

    def _registers(self, texts: dict[Path, str], builtin: str) -> Path:
        for path, text in texts.items():
            if re.search(rf"Registration Register_{builtin}\(\)", text):
                return path
        raise MsfError(f"{self.tflm} has no operator {builtin}.")

    def headers(self) -> str:
        """Changes when a header of the checkout does."""
        return _fingerprint([*self.tflm.glob("tensorflow/**/*.h"), *self.downloads.rglob("*.h")])


def _fingerprint(files: Sequence[Path]) -> str:
    told = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(files)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True)
class Peer:
    """One ``Invoke`` of a model: instructions, estimated cycles, and TFLM's ``arena_used_bytes()``."""

    instructions: int
    cycles: float
    arena: int


@dataclass(frozen=True)
class Row:
    """A model on a core, as it was and rewritten."""

    model: str
    core: str
    macs: int
    original: Peer
    rewritten: Peer


@dataclass(frozen=True)
class Subject:
    """A model, its rewriting at F = 1.0, and cases with outputs that TFLM gave for the first."""

    name: str
    original: Model
    rewritten: Model
    cases: Sequence[Case]
    macs: int


def subject(name: str) -> Subject:
    """Reads and plans a model of the corpus; of one with a state, a later step counts. Raises MsfError if it is not
    there.
    """
    data = corpus_file(name).read_bytes()
    runs = STEPS if len(read_model(data, name).graphs) > 1 else 1
    planner = Planner.of(data, name)
    rewritten = in_long_chunks(planner, FREE_OVERHEAD).model
    return Subject(name, read_model(data, name), rewritten, make_cases(data, runs), planner.network.macs)


def builtins_of(*models: Model) -> list[str]:
    """TFLM's own operators in models."""
    return sorted({op.builtin for model in models for op in model.main.ops if not op.custom_code})


def run_in_tflm(
    core: Core, library: Sequence[Path], tree: Tree, model: Model, cases: Sequence[Case]
) -> tuple[Path, Run, int]:
    """Runs a model in TFLM on a core: the program, what it did, and TFLM's ``arena_used_bytes()``.

    Raises EmulatorError if a single output byte is wrong.
    """
    operators = builtins_of(model)
    resolver = " ".join(f"resolver.Add{''.join(map(str.title, op.split('_')))}();" for op in operators)
    header = f"#define CASE_COUNT {len(cases)}\n#define ARENA_SIZE {ARENA_SIZE}\n#define OPERATORS {len(operators)}\n"
    header += f"#define VARIABLES {sum(op.builtin == 'VAR_HANDLE' for op in model.main.ops)}\n"
    header += f"#define ADD_OPERATORS(resolver) {resolver}\n"
    image = {"model_bytes": write_model(model), "case_bytes": b"".join(case.inputs + case.outputs for case in cases)}
    directory = BUILD / "peers" / hashlib.sha256(header.encode() + b"".join(image.values())).hexdigest()[:20]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "peers.h").write_text(header)
    for name, content in image.items():
        (directory / name).write_bytes(content)
    (directory / "images.c").write_text("".join(_IMAGE % (name, name, directory / name) for name in image))
    flags = (*tree.includes, f"-I{directory}")
    objects = [compile_file(core, path, flags, str(directory)) for path in (MAIN, directory / "images.c")]
    elf = link_objects(core, [*objects, *library], linker="g++")
    done = run(core, elf)
    if done.status != 0:
        raise EmulatorError(f"a model in TFLM on {core.name} is wrong:\n{done.output}")
    return elf, done, json.loads(done.output.splitlines()[-1])["arena"]


def measure(core: Core, library: Sequence[Path], tree: Tree, model: Model, cases: Sequence[Case]) -> Peer:
    """What a model takes in TFLM on a core. Raises EmulatorError as :func:`run_in_tflm` does."""
    elf, done, arena = run_in_tflm(core, library, tree, model, cases)
    return Peer(done.instructions[-1], estimate(core, elf).cycles, arena)


_IMAGE = r"""__asm__(
    ".section .rodata.image, \"a\"\n .balign 16\n .global %s\n %s: .incbin \"%s\"\n .balign 16\n .text");
"""


def compile_file(core: Core, source: Path, flags: Sequence[str], key: str) -> Path:
    """An object file, made anew where ``key``, the flags or the file have changed."""
    compiler, *language = LANGUAGES[source.suffix]
    command = [f"{core.prefix}{compiler}", *core.cflags, *COMMON, *language, *flags, "-c", str(source)]
    digest = hashlib.sha256(json.dumps([command, key]).encode() + source.read_bytes()).hexdigest()[:20]
    target = BUILD / "peers" / f"{core.name}-{source.stem}-{digest}.o"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}.part")
        done = subprocess.run([*command, "-o", str(part)], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise EmulatorError(f"{source} does not compile for {core.name}:\n{done.stderr[:4000]}")
        part.replace(target)
    return target


def compile_library(core: Core, tree: Tree, builtins: Sequence[str], pool: ThreadPoolExecutor) -> list[Path]:
    """TFLM, CMSIS-NN and these kernels for a core."""
    headers = tree.headers()
    jobs = [(source, headers) for source in tree.sources(builtins)]
    own = headers + _fingerprint(list(KERNELS.rglob("*.h")))
    jobs += [(source, own) for source in (*sorted(KERNELS.rglob("*.c")), *sorted(KERNELS.rglob("*.cpp")))]
    return list(pool.map(lambda job: compile_file(core, job[0], tree.includes, job[1]), jobs))


def compare(each: Subject, name: str, library: Sequence[Path], tree: Tree) -> Row:
    """Runs a model as it was and rewritten. Raises EmulatorError as :func:`measure` does."""
    before, after = (
        measure(load_core(name), library, tree, model, each.cases) for model in (each.original, each.rewritten)
    )
    return Row(each.name, name, each.macs, before, after)


def table(rows: Sequence[Row]) -> str:
    """Markdown: instructions and estimated cycles per MAC, and arenas."""
    titles = ["model", "core", "instructions per MAC: CMSIS-NN", "rewritten", "ratio"]
    titles += ["cycles per MAC: CMSIS-NN", "rewritten", "ratio", "arena: original", "rewritten"]
    lines = ["| " + " | ".join(titles) + " |", "| --- | --- |" + " ---: |" * (len(titles) - 2)]
    for row in rows:
        before, after = row.original, row.rewritten
        cells = [row.model, row.core]
        for old, new in ((before.instructions, after.instructions), (before.cycles, after.cycles)):
            cells += [f"{old / row.macs:.2f}", f"{new / row.macs:.2f}", f"{new / old:.2f}"]
        lines.append("| " + " | ".join([*cells, f"{before.arena:,}", f"{after.arena:,}"]) + " |")
    return "\n".join(lines)


def read_results(path: Path = RESULTS) -> list[Row]:
    """What was found last."""
    found = json.loads(path.read_text())
    return [Row(**{**row, "original": Peer(**row["original"]), "rewritten": Peer(**row["rewritten"])}) for row in found]


def _keep(rows: Sequence[Row]) -> None:
    """Writes results, beside those of other models and cores that are there already, and the table in README."""
    new = {(row.model, row.core) for row in rows}
    known = read_results() if RESULTS.exists() else []
    results = [*rows, *(row for row in known if (row.model, row.core) not in new)]
    results.sort(key=lambda row: (CORES.index(row.core), MODELS.index(row.model)))
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(asdict(row)) for row in results) + "\n]\n")
    write_table(TABLE, table(results))


@click.command(help=__doc__)
@click.option("--tflm", type=click.Path(path_type=Path), required=True, help="Directory of a tflite-micro checkout.")
@click.option("--model", "models", multiple=True, default=MODELS, help="A model of the corpus; may be repeated.")
@click.option("--reference", is_flag=True, help="TFLM's own reference kernels instead of CMSIS-NN.")
@click.option("--core", "cores", multiple=True, default=CORES, type=click.Choice(CORES), help="May be repeated.")
@click.option("--write", is_flag=True, help="Keep what was found in benchmarks/peers.json and README.md.")
def main(tflm: Path, models: Sequence[str], reference: bool, cores: Sequence[str], write: bool) -> None:
    """Compile, run, print, write."""
    tree = Tree(tflm.resolve(), reference)
    try:
        if write and (reference or not set(models) <= set(MODELS)):
            raise MsfError("README's table is of CMSIS-NN and its own models: leave --reference or --write out.")
        tree.check()
        subjects = [subject(name) for name in models]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            builtins = builtins_of(*(model for each in subjects for model in (each.original, each.rewritten)))
            libraries = {name: compile_library(load_core(name), tree, builtins, pool) for name in cores}
            rows = [compare(each, name, libraries[name], tree) for name in cores for each in subjects]
    except (MsfError, EmulatorError) as error:
        click.echo(f"peers: {error}", err=True)
        sys.exit(2)
    Console().print(table(rows), markup=False, soft_wrap=True)
    if write:
        _keep(rows)


if __name__ == "__main__":
    main()
