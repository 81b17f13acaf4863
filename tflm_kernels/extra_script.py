"""Rewrites the models that a PlatformIO project names, before anything is compiled. See README.md for the options.

Runs inside PlatformIO's Python, which knows nothing of tflm-msf: the tool is called as a program.
"""

import difflib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

Import("env", "projenv")  # noqa: F821 - SCons defines it

PREFIX = "custom_tflm_msf_"
OF_THE_HOOK = ("model", "tool", "format")
NOT_OF_THE_HOOK = {"output", "force", "json", "help", "without_kernels", "runtime", "input", "no_self_check", "source"}
NUMBERS = re.compile(r"[-+.\de]+\s+[-+.\de]+", re.IGNORECASE)  # two for one option, a range
INSTALL = (
    "the program tflm-msf is not installed: run `pip install` with the directory that it came in, or name the "
    "program with custom_tflm_msf_tool"
)


class HookError(Exception):
    """A sentence for the user."""


def option(name, default=""):
    """The value of a custom_tflm_msf_ option in the user's platformio.ini."""
    return str(env.GetProjectOption(PREFIX + name, default)).strip()  # noqa: F821


def options_of_the_hook():
    """All custom_tflm_msf_ options of the user's platformio.ini without that prefix, with their values."""
    said = env.GetProjectOptions(as_dict=True)  # noqa: F821
    return {name.removeprefix(PREFIX): str(said[name]).strip() for name in sorted(said) if name.startswith(PREFIX)}


def find_models(project):
    """(file, further arguments) that the option names: a path or pattern, relative to the project, one a line."""
    found = []
    for line in option("model").splitlines():
        pattern, *more = re.split(r"\s+(?=--)", line.strip(), maxsplit=1)
        if not pattern:
            continue
        absolute = Path(os.path.normpath(project / Path(pattern).expanduser()))
        matches = sorted(absolute.parent.glob(absolute.name))
        if not matches:
            raise HookError(f"there is no model {absolute}; correct {PREFIX}model")
        found += [(match, shlex.split(*more) if more else []) for match in matches]
    return found


def refuse_unknown(known):
    """Every name has to be one of the hook's or, in ``known``, one of the tool's."""
    names = sorted({*OF_THE_HOOK, *known} - NOT_OF_THE_HOOK)
    for name in options_of_the_hook():
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1, cutoff=0)[0]
            raise HookError(f"there is no option {PREFIX}{name}; the closest is {PREFIX}{close}")


def known_to(tool):
    """Names of the options of `tflm-msf export`, from its help."""
    done = subprocess.run([tool, "export", "--help"], capture_output=True, text=True)  # noqa: S603
    return [name.replace("-", "_") for name in re.findall(r"^\s+(?:-\w, )?--([a-z0-9-]+)", done.stdout, re.MULTILINE)]


def find_tool():
    """The tflm-msf program: as named, on the PATH, or beside PlatformIO's Python."""
    named = option("tool")
    if named:
        tool = shutil.which(Path(named).expanduser())
        if tool is None:
            raise HookError(f"{PREFIX}tool names {named}, which is not a program")
        return tool
    tool = shutil.which("tflm-msf") or shutil.which("tflm-msf", path=str(Path(sys.executable).parent))
    if tool is None:
        raise HookError(INSTALL)
    return tool


def tool_options():
    """Arguments for `tflm-msf export` besides model and output: every other option of the project is one of the tool's.

    `yes` switches an option on, `no` leaves it out.
    """
    kind = option("format", "tflm")
    arguments = ["--format", kind, *(["--without-kernels"] if kind == "c" else [])]
    for name, said in options_of_the_hook().items():
        if name in OF_THE_HOOK or said.lower() in ("", "no"):
            continue
        argument = "--" + name.replace("_", "-")
        if said.lower() == "yes":
            arguments.append(argument)
        else:
            arguments += [argument, *said.split()] if NUMBERS.fullmatch(said) else [f"{argument}={said}"]
    return arguments


def stamp_of(model, tool, arguments):
    """Changes with whatever the result depends on: model, options, tool, kernels."""
    kernels = json.loads(Path("library.json").read_text("utf-8"))["version"]
    facts = json.dumps([tool, Path(tool).stat().st_mtime_ns, kernels, model.name, arguments])
    return hashlib.sha256(facts.encode() + model.read_bytes()).hexdigest()


def generate(model, tool, arguments, directory):
    """Sources for one model, in a directory of its own that is named after all that made it."""
    target = directory / f"{re.sub(r'[^A-Za-z0-9]+', '_', model.stem)}_{stamp_of(model, tool, arguments)[:12]}"
    if target.exists():
        return target
    print(f"tflm-msf: rewriting {model.name}")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as made:
        command = [tool, "export", str(model), *arguments, "-o", str(Path(made) / "sources")]
        done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise HookError(lines[-1].removeprefix("tflm-msf: ") if lines else f"{tool} failed with {done.returncode}")
        (Path(made) / "sources").replace(target)
    return target


def write_used(directories, directory):
    """The header with what all models use of the kernels, where the library finds it. A fuller record serves both."""
    entries = {}
    lacking = []
    for made in directories:
        text = (made / "msf_used.h").read_text("utf-8")
        lacking.append(set(re.findall(r"#define (MSF_WITHOUT_\w+)", text)))
        for op, record in re.findall(r"\[(\w+)\] = &(\w+),", text):
            entries[op] = min(record, entries.get(op, record), key=len)
    lines = ["#define MSF_USED_OPERATORS", *(f"  [{op}] = &{entries[op]}," for op in sorted(entries))]
    target = directory / "used"
    target.mkdir(parents=True, exist_ok=True)
    header = target / "msf_used.h"
    text = "".join(f"#define {part}\n" for part in sorted(set.intersection(*lacking))) + " \\\n".join(lines) + "\n"
    if not header.exists() or header.read_text("utf-8") != text:
        header.write_text(text, "utf-8")
    env.Append(CPPPATH=[str(target)])  # noqa: F821


def main():
    """Make the sources of all models, and have them compiled with the project's own."""
    if not option("model"):
        refuse_unknown([])
        return
    project = Path(env.subst("$PROJECT_DIR"))  # noqa: F821
    directory = Path(env.subst("$PROJECT_WORKSPACE_DIR")) / "tflm_msf"  # noqa: F821
    tool = find_tool()
    refuse_unknown(known_to(tool))
    made = [generate(model, tool, [*tool_options(), *more], directory) for model, more in find_models(project)]
    write_used(made, directory)
    for sources in made:
        projenv.Append(CPPPATH=[str(sources)])  # noqa: F821
        projenv.BuildSources(str(Path("$BUILD_DIR") / "tflm_msf" / sources.name), str(sources))  # noqa: F821


try:
    main()
except HookError as error:
    sys.stderr.write(f"Error: tflm-msf: {str(error).rstrip('.')}.\n")
    env.Exit(1)  # noqa: F821
