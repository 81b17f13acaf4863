"""The command line: parse, call, print. Each command's module is loaded when it is called."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from tflm_msf import __version__
from tflm_msf.cli.values import SCHEMA_VERSION, print_json
from tflm_msf.errors import USAGE_STATUS, MsfError
from tflm_msf.printable import printable

COMMANDS: Mapping[str, tuple[str, str]] = {
    "analyze": ("analyze", "Show what MODEL takes, what rewriting gives, what to do."),
    "rewrite": ("rewrite", "Rewrite MODEL so that it takes less arena."),
    "plan": ("plan", "Show the trade-off between arena and compute for MODEL."),
    "report": ("report", "Write a page about MODEL, with pictures."),
    "advise": ("advise", "Show which changes of MODEL's network would pay."),
    "verify": ("verify", "Compare every bit of two models in real TFLM."),
    "check": ("check", "Check MODEL against limits, for continuous integration."),
    "inspect": ("inspect", "Show what MODEL consists of, and what is in its fusion blocks."),
    "compare": ("plan", "Show what earlier methods would reach for MODEL."),
    "fits": ("boards", "Show which boards hold MODEL, before and after."),
    "export": ("export", "Write MODEL as source code."),
    "boards": ("boards", "List the boards that --board takes."),
    "operators": ("inspect", "List the TFLite operators, and which are fused."),
}
"""Module of each command in this package, and what `--help` says of it, for which the module is not loaded."""


class _Commands(click.Group):
    """Turns whatever a user can do wrong into one sentence on stderr and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        """Their names, those that one starts with first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click passes it
        """A command, from its module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click passes it
        """Lists the commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *more: Any, **kwargs: Any) -> Any:
        """Runs a command and leaves the process."""
        kwargs["standalone_mode"] = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # paths may hold what the terminal cannot show
        try:
            sys.exit(super().main(args, *more, **kwargs) or 0)
        except click.exceptions.NoArgsIsHelpError as shown:
            shown.show()
            sys.exit(2)
        except click.ClickException as error:
            message = error.format_message()
            _end(message if message.endswith(".") else message + ".", USAGE_STATUS, args)
        except MsfError as error:
            _end(str(error), error.status, args)
        except OSError as error:  # a full disk behind stdout, say
            _end(f"stopped by the operating system: {error}.", USAGE_STATUS, args)
        except (click.Abort, KeyboardInterrupt):
            _end("stopped before it was done; nothing was written.", USAGE_STATUS, args)


def _end(message: str, status: int, args: Sequence[str] | None) -> NoReturn:
    """Leaves with a sentence on stderr, and for scripts that asked for JSON as JSON on stdout."""
    click.echo(f"tflm-msf: {printable(message)}", err=True)
    if "--json" in (sys.argv[1:] if args is None else args):
        with suppress(OSError):  # there may be no room on stdout, which is what the message says
            print_json("error", {"error": {"message": message, "status": status}})
    sys.exit(status)


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    """The tool's version, which is that of the kernels in it, and those of what it writes."""
    if value and not context.resilient_parsing:
        from tflm_msf.format import VERSION

        click.echo(f"tflm-msf {__version__}, kernels {__version__}, program format {VERSION}, JSON {SCHEMA_VERSION}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show versions."
)
def main() -> None:
    """Fit a network into a microcontroller that it does not fit.

    Reads an int8 .tflite model, fuses runs of its layers so that they never hold a whole feature map, and writes a
    .tflite model that gives the same bits in stock TensorFlow Lite Micro (with the tflm_kernels library registered)
    out of a fraction of the arena.

    \b
    Start here:
      tflm-msf analyze model.tflite                    what it takes, and what would help
      tflm-msf rewrite model.tflite                    least RAM at no extra compute
      tflm-msf rewrite model.tflite --ram-limit 64KiB  the fastest that fits
      tflm-msf plan model.tflite                       what is possible, at what price
      tflm-msf verify model.tflite model_msf.tflite    is it still my model?
    """  # noqa: D301 - \b is for click: it keeps the lines after it as they are
