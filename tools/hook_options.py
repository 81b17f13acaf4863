"""The options of the PlatformIO hook, from those of ``tflm-msf export``: the table in tflm_kernels/README.md.

``python tools/hook_options.py`` prints it; ``--write`` puts it into the README.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import click

from tflm_msf.cli.export import export

README = Path(__file__).parent.parent / "tflm_kernels" / "README.md"
BEGIN, END = "<!-- option table begin -->", "<!-- option table end -->"

HOOK = {
    "model": "An original int8 `.tflite`, or a pattern; several, one a line, each with more options behind it: "
    "`models/kws.tflite --stream-input`.",
    "tool": "The `tflm-msf` program, if it is not on the `PATH`.",
    "format": "`tflm` (default): `person.h` and `person.cpp` with the model, the arena size and a ready resolver; `c`: "
    "`person.h` and `person.c` that need no TFLM.",
}
NOT_OF_THE_HOOK = {
    "model",
    "kind",
    "output",
    "force",
    "as_json",
    "without_kernels",
    "runtime",
    "input_file",
    "no_self_check",
    "source",
    "_q",
    "_v",
}


def table() -> str:
    """One line for each option: its name, what it may be, what it does."""
    lines = ["| option | value | meaning |", "| --- | --- | --- |"]
    lines += [f"| `custom_tflm_msf_{name}` | | {about} |" for name, about in HOOK.items()]
    lines += [_line(option) for option in export.params if _is_shown(option)]
    return "\n".join(lines)


def _is_shown(option: click.Parameter) -> bool:
    return isinstance(option, click.Option) and option.name not in NOT_OF_THE_HOOK


def _line(option: click.Parameter) -> str:
    assert isinstance(option, click.Option)
    name = option.opts[0].removeprefix("--").replace("-", "_")
    return f"| `custom_tflm_msf_{name}` | {_value(option)} | {(option.help or '').replace('|', '/')} |"


def _value(option: click.Option) -> str:
    if option.is_flag:
        return "`yes`, `no`"
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    words = {"float range": "a number", "size": "bytes", "text": "a name"}
    return option.metavar or words.get(option.type.name, option.type.name)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in tflm_kernels/README.md")
    if parser.parse_args().write:
        text = README.read_text("utf-8")
        README.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.S), "utf-8")
    print(table())


if __name__ == "__main__":
    main()
