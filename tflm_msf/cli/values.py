"""How reports for scripts are printed. Loads nothing: `--help` needs it too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

SCHEMA_VERSION = 2
"""Of what ``--json`` prints (docs/JSON.md): raised when a key goes or changes its meaning, not when one is added.
2: arenas are those of a target, which is named; the wheel's are `verify`'s."""


def print_json(kind: str, value: Mapping[str, Any], aside: bool = False) -> None:
    """A report for scripts, on stdout, or on stderr if it stands ``aside`` for a file that goes to stdout.

    ``kind`` is the command, or "error": it names the part of the schema that describes the report.
    """
    schema = f"tflm-msf/{kind}/{SCHEMA_VERSION}"
    click.echo(json.dumps({"schema": schema, **value}, indent=2), err=aside)
