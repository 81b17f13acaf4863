"""What MkDocs calls while it builds the documentation site: it writes the command line's own help into CLI.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from tflm_msf.cli import COMMANDS, main

PLACE = "<!-- every command's help -->"
WIDTH = 100


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page, with the help of all commands at the place for it."""
    return markdown.replace(PLACE, "\n\n".join(_sections())) if PLACE in markdown else markdown


def _sections() -> Iterator[str]:
    top = click.Context(main, info_name="tflm-msf", max_content_width=WIDTH, terminal_width=WIDTH)
    yield _section("tflm-msf", main.get_help(top))
    for name in COMMANDS:
        command = main.get_command(top, name)
        assert command is not None
        context = click.Context(command, top, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH)
        yield _section(f"tflm-msf {name}", command.get_help(context))


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text}\n```"
