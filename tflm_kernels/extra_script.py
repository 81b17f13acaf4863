"""Rewrites the models that a PlatformIO project names, before anything is compiled. See README.md for the options.

Runs inside PlatformIO's Python, which knows nothing of tflm-msf: the tool is called as a program.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

Import("env", "projenv")  # noqa: F821 - SCons defines it

PREFIX = "custom_tflm_msf_"
OF_THE_HOOK = ("model", "tool", "format")
NUMBERS = re.compile(r"[-+.\de]+\s+[-+.\de]+", re.IGNORECASE)  # two for one option, a range
INSTALL = "the program tflm-msf is not installed: run `pip install tflm-msf`, or name it with custom_tflm_msf_tool"


class HookError(Exception):
    """A sentence for the user."""


def option(name, default=""):
    """The value of a custom_tflm_msf_ option in the user's platformio.ini."""
    return str(env.GetProjectOption(PREFIX + name, default)).strip()  # noqa: F821


def find_models(project):
    """Files that the option names: paths or patterns, relative to the project, one a line."""
    found = []
    for line in option("model").splitlines():
        pattern = line.strip()
        if not pattern:
            continue
        absolute = Path(os.path.normpath(project / Path(pattern).expanduser()))
        matches = sorted(absolute.parent.glob(absolute.name))
        if not matches:
            raise HookError(f"there is no model {absolute}; correct {PREFIX}model")
        found += matches
    return found


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

    `yes` switches an option on, `no` leaves it out. The tool refuses what it does not know, with its own sentence.
    """
    kind = option("format", "tflm")
    arguments = ["--format", kind, *(["--without-kernels"] if kind == "c" else [])]
    for name, value in sorted(env.GetProjectOptions(as_dict=True).items()):  # noqa: F821
        said = str(value).strip()
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in OF_THE_HOOK or said.lower() in ("", "no"):
            continue
        argument = "--" + name.removeprefix(PREFIX).replace("_", "-")
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


def main():
    """Make the sources of all models, and have them compiled with the project's own."""
    if not option("model"):
        return
    project = Path(env.subst("$PROJECT_DIR"))  # noqa: F821
    directory = Path(env.subst("$PROJECT_WORKSPACE_DIR")) / "tflm_msf"  # noqa: F821
    tool, arguments = find_tool(), tool_options()
    for model in find_models(project):
        sources = generate(model, tool, arguments, directory)
        projenv.Append(CPPPATH=[str(sources)])  # noqa: F821
        projenv.BuildSources(str(Path("$BUILD_DIR") / "tflm_msf" / sources.name), str(sources))  # noqa: F821


try:
    main()
except HookError as error:
    sys.stderr.write(f"Error: tflm-msf: {str(error).rstrip('.')}.\n")
    env.Exit(1)  # noqa: F821
