"""Puts damaged model files to `rewrite`, `plan` and `inspect`: each has to end well, or in one sentence with status 2.

``python -m tests.fuzz.fuzz_models --count 200000`` runs cases 0 to 199999 in several processes, each with little
memory, and prints how they ended.
Files that went wrong are kept in ``build/fuzz/models``; the same number makes the same file.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from types import FrameType
from typing import NoReturn

from click.testing import CliRunner

from testing.corpus import DIRECTORY
from tests.fuzz.mutate_models import mutated
from tests.kernels.seeds import models
from tests.small_models import small_model
from tests.tflite_io.samples import conv_model, everything_model
from tflm_msf.cli import main as command_line
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.printable import printable
from tflm_msf.rewrite import rewrite_file
from tflm_msf.tflite_io import read_model, write_model

MOST_SECONDS = 5.0
"""Of the processor's time, for one command."""

MOST_MEMORY = 768 << 20
"""Bytes of address space beyond what a process has once everything is imported."""

STUCK_SECONDS = 90
"""Of anybody's time: after so long in one piece of C code, a process is ended."""

CASES_AT_ONCE = 100
CASES_OF_A_POOL = 20_000
"""Then come fresh processes: click's test runner keeps some kilobytes of every command."""

REAL = (
    "nanou__tinyagri_60x80",
    "sscma__fomo_mnv2_035",
    "mlperf__kws_dscnn",
    "mlperf__ic_resnet8",
    "mlperf__kws_aww_u8in",
)
"""Models of the corpus that are planned in a fraction of a second."""

REAL_SHARE = 0.005
PLANNED_SHARE = 0.1
INSPECTED_SHARE = 0.4
"""Of the cases: all are rewritten, and planning and inspecting start with the same reading."""

TABLE_SHARE = 0.1
"""Tables take longer to lay out than most files to read; the other cases ask for JSON."""

OPTIONS = ((), (), (), ("--ram-limit", "3000"), ("--max-overhead", "1.5"), ("--stream-input",), ("--int8-io",))
FINDINGS = Path(__file__).parents[2] / "build" / "fuzz" / "models"


@dataclass(frozen=True)
class Outcome:
    """How many cases ended in which way, and what went wrong: a text for the number of each such case."""

    ends: Counter[str]
    wrong: dict[int, str]


class TooSlowError(BaseException):
    """A command has used up its time. No ``Exception``, so that nobody takes it for a fault of the file."""


@cache
def subjects() -> tuple[tuple[tuple[bytes, Model], ...], ...]:
    """Files and the models in them: small ones made in place and what they are rewritten to, and real ones."""
    made = [*models().values(), small_model(), conv_model(), everything_model()]
    files = [write_model(model) for model in made]
    files += [rewrite_file(file, "model").data for file in files[:-1]]
    real = [path.read_bytes() for path in (DIRECTORY / f"{name}.tflite" for name in REAL) if path.exists()]
    return tuple(tuple((file, read_model(file, "model")) for file in kind) for kind in (files, real))


@dataclass(frozen=True)
class Case:
    """A damaged file, options for rewriting it, ``--json`` or nothing for all commands, and what else to try."""

    data: bytes
    options: tuple[str, ...]
    form: tuple[str, ...]
    planned: bool
    inspected: bool


def case(number: int) -> Case:
    """The case with this number, always the same."""
    dice = Random(number)
    small, real = subjects()
    data, model = dice.choice(real if real and dice.random() < REAL_SHARE else small)
    damaged = mutated(data, model, dice)
    form = () if dice.random() < TABLE_SHARE else ("--json",)
    planned, inspected = dice.random() < PLANNED_SHARE, dice.random() < INSPECTED_SHARE
    return Case(damaged, dice.choice(OPTIONS), form, planned, inspected)


def attempt(tried: Case, directory: Path) -> str:
    """Runs commands on a file. Returns how they ended; raises AssertionError, or what they raised."""
    path, output = directory / "model.tflite", directory / "out.tflite"
    path.write_bytes(tried.data)
    output.unlink(missing_ok=True)
    rewritten = run("rewrite", str(path), "-o", str(output), *tried.options, *tried.form)
    readable = "not inspected"
    if tried.inspected:
        readable = "readable" if run("inspect", str(path), *tried.form) else "not readable"
        assert not rewritten or run("inspect", str(output), *tried.form), "what was written cannot be read"
    if tried.planned:
        run("plan", str(path), *tried.form)
    assert sorted(directory.iterdir()) == sorted([path, output] if rewritten else [path])
    return f"{'rewritten' if rewritten else 'refused'}, {readable}"


def run(*arguments: str) -> bool:
    """Whether a command succeeds; AssertionError if it neither does nor ends in one sentence with status 2."""
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        done = CliRunner().invoke(command_line, arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    for error in _causes(done.exception):
        if isinstance(error, MemoryError) or not isinstance(error, (MsfError, Exception, SystemExit)):
            raise error
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.exit_code == 0:
        return True
    said = done.stderr
    assert done.exit_code == 2, f"status {done.exit_code}: {said}"
    if "--json" in arguments:
        told = json.loads(done.stdout)["error"]
        assert told["status"] == 2 and said == f"tflm-msf: {printable(told['message'])}\n", done.stdout
    else:
        assert done.stdout == ""
    assert said.startswith("tflm-msf: ") and said.endswith(".\n") and said[:-1].isprintable(), repr(said)
    assert len(said) < 20_000, repr(said)
    return False


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def run_cases(start: int, stop: int) -> Outcome:
    """Runs the cases with these numbers in this process."""
    outcome = Outcome(Counter(), {})
    with tempfile.TemporaryDirectory(prefix="msf-fuzz-") as directory:
        for number in range(start, stop):
            tried = case(number)
            faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
            try:
                outcome.ends[attempt(tried, Path(directory))] += 1
            except (Exception, TooSlowError):
                FINDINGS.mkdir(parents=True, exist_ok=True)
                (FINDINGS / f"{number}.tflite").write_bytes(tried.data)
                outcome.wrong[number] = f"{' '.join(tried.options)}\n{traceback.format_exc()}"
            finally:
                faulthandler.cancel_dump_traceback_later()
    return outcome


def limit_process() -> None:
    """Lets this process take a little more memory than it has, and raise an exception when its timer ends."""
    subjects()
    gc.freeze()
    with contextlib.suppress(OSError):
        os.nice(5)
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + MOST_MEMORY, has + MOST_MEMORY))
    signal.signal(signal.SIGPROF, _time_is_up)


def _time_is_up(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TooSlowError(f"more than {MOST_SECONDS} s")


def fuzz(start: int, count: int, workers: int) -> Outcome:
    """Runs ``count`` cases in ``workers`` processes. A process that dies ends it all with BrokenProcessPool."""
    total = Outcome(Counter(), {})
    context = multiprocessing.get_context("spawn")
    began = told = time.monotonic()
    stop = start + count
    for pool_start in range(start, stop, CASES_OF_A_POOL):
        firsts = range(pool_start, min(pool_start + CASES_OF_A_POOL, stop), CASES_AT_ONCE)
        with ProcessPoolExecutor(workers, context, limit_process) as pool:
            jobs = {pool.submit(run_cases, first, min(first + CASES_AT_ONCE, stop)) for first in firsts}
            for job in as_completed(jobs):
                total.ends.update(job.result().ends)
                total.wrong.update(job.result().wrong)
                for number, what in job.result().wrong.items():
                    print(f"--- case {number} {what}", file=sys.stderr, flush=True)
                if time.monotonic() - told > 30:
                    told = time.monotonic()
                    print(f"{total.ends.total()} cases, {told - began:.0f} s", file=sys.stderr, flush=True)
    return total


def main() -> int:
    """Runs the cases asked for on the command line, and prints how they ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200_000, help="cases")
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    arguments = parser.parse_args()
    began = time.monotonic()
    total = fuzz(arguments.start, arguments.count, arguments.workers)
    for end, number in total.ends.most_common():
        print(f"{number:8} {end}")
    print(f"{len(total.wrong):8} wrong, {time.monotonic() - began:.0f} s")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
