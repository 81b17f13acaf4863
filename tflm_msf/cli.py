"""The command line: parse, call, print."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import click

from tflm_msf import __version__
from tflm_msf.choice import DEFAULT_CORE
from tflm_msf.cli_boards import boards, fits
from tflm_msf.cli_common import (
    MODEL,
    as_json,
    board,
    busy,
    core,
    int8_io,
    limits,
    max_overhead,
    max_slowdown,
    pixel_format,
    pixel_range,
    preset,
    print_json,
    ram_limit,
    read_file,
    stream_input,
    weights,
    write_whole,
)
from tflm_msf.cli_export import export
from tflm_msf.compare import compare as compare_presets
from tflm_msf.compare import front_curves, tflm_today
from tflm_msf.errors import MsfError
from tflm_msf.fusion.presets import Preset
from tflm_msf.fusion.search import as_networkx
from tflm_msf.graph.pixels import make_pixels
from tflm_msf.inspect import inspect as inspect_model
from tflm_msf.ops.conditions import ALWAYS_REQUIRED
from tflm_msf.printable import printable
from tflm_msf.program.layout import Weights
from tflm_msf.report import tables
from tflm_msf.report.comparison import comparison_table
from tflm_msf.report.dag import dag_file
from tflm_msf.report.operators import operators as list_operators
from tflm_msf.report.operators import operators_list, operators_markdown
from tflm_msf.report.picture import draw_fronts
from tflm_msf.rewrite import Planner, front_json, rewrite_file
from tflm_msf.verify import verify as verify_models


class _Commands(click.Group):
    """Turns whatever a user can do wrong into one sentence on stderr and exit status 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs a command and leaves the process."""
        kwargs["standalone_mode"] = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # paths may hold what the terminal cannot show
        try:
            sys.exit(super().main(*args, **kwargs) or 0)
        except click.exceptions.NoArgsIsHelpError as shown:
            shown.show()
            sys.exit(2)
        except click.ClickException as error:
            message = error.format_message()
            click.echo(f"tflm-msf: {printable(message if message.endswith('.') else message + '.')}", err=True)
        except MsfError as error:
            click.echo(f"tflm-msf: {printable(str(error))}", err=True)
        except OSError as error:  # a full disk behind stdout, say
            click.echo(f"tflm-msf: stopped by the operating system: {printable(str(error))}.", err=True)
        except (click.Abort, KeyboardInterrupt):
            click.echo("tflm-msf: stopped before it was done; nothing was written.", err=True)
        sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Fit a network into a microcontroller that it does not fit.

    Reads an int8 .tflite model, fuses runs of its layers so that they never hold a whole feature map, and writes a
    .tflite model that gives the same bits in stock TensorFlow Lite Micro (with the tflm_kernels library registered)
    out of a fraction of the arena.

    \b
    Start here:
      tflm-msf rewrite model.tflite                    least RAM at no extra compute
      tflm-msf rewrite model.tflite --ram-limit 64KiB  least compute that fits
      tflm-msf plan model.tflite                       what is possible, at what price
      tflm-msf verify model.tflite model_msf.tflite    is it still my model?
    """  # noqa: D301 - \b is for click: it keeps the lines after it as they are


@main.command()
@click.argument("model", type=MODEL)
@click.option("-o", "--output", type=MODEL, help="The rewritten model. [default: MODEL_msf.tflite beside MODEL]")
@ram_limit
@max_overhead
@max_slowdown
@core
@board
@stream_input
@pixel_format
@pixel_range
@int8_io
@preset
@weights
@as_json
def rewrite(
    model: Path,
    output: Path | None,
    ram_limit: int | None,
    max_overhead: float | None,
    max_slowdown: float | None,
    core: str | None,
    board: str | None,
    stream_input: bool,
    pixel_format: str | None,
    pixel_range: tuple[float, float] | None,
    int8_io: bool,
    preset: str,
    weights: str,
    as_json: bool,
) -> None:
    """Rewrite MODEL so that it takes less arena.

    Without a limit: the least RAM at no extra compute (F = 1). --ram-limit: the least compute that fits.
    --max-overhead: the least RAM for at most F times the multiply-accumulates. Both: what fits, if it stays below F.
    --max-slowdown: the least RAM for at most so many times the estimated time of the fastest plan on --core; with
    --ram-limit, the fastest that fits, if it stays below.
    --board: as --ram-limit, with what the board has, by what TFLM allocates on it; --ram-limit may lower it.
    """
    output = output or model.with_name(f"{model.stem}_msf.tflite")
    pixels = make_pixels(pixel_format, pixel_range)
    with busy(f"Searching the fusions of {model.name}"):
        result = rewrite_file(
            read_file(model),
            str(model),
            limits(board, ram_limit, max_overhead, max_slowdown, core),
            stream_input,
            int8_io,
            Preset(preset),
            pixels,
            Weights(weights),
        )
    write_whole(output, result.data)
    report = {"output": str(output), **result.report}
    if as_json:
        print_json(report)
        return
    if report["already_rewritten"]:
        click.echo(f"{model} was rewritten by tflm-msf already and stays as it is.")
    else:
        tables.show(tables.rewrite_table(report))
    click.echo(f"Wrote {output}")


@main.command()
@click.argument("model", type=MODEL)
@core
@stream_input
@int8_io
@preset
@click.option("--picture", type=MODEL, help="Draw the front, with those of the presets: a .png, .svg or .pdf file.")
@click.option("--dag", type=MODEL, help="Write the fusion DAG that is searched: a .graphml or .json file.")
@as_json
def plan(
    model: Path,
    core: str | None,
    stream_input: bool,
    int8_io: bool,
    preset: str,
    picture: Path | None,
    dag: Path | None,
    as_json: bool,
) -> None:
    """Show the trade-off between arena and compute for MODEL.

    Every line is a plan that no other beats in both. Give its total as --ram-limit, its F as --max-overhead, or its
    slowdown as --max-slowdown to `rewrite`. Instructions are estimates, and leave out what stays a TFLM builtin.
    """
    with busy(f"Searching the fusions of {model.name}"):
        planner = Planner.of(read_file(model), str(model), stream_input, int8_io, Preset(preset))
        front = front_json(planner)
    if picture is not None:
        with busy(f"Searching the presets for {model.name}"):
            content = draw_fronts(model.name, front_curves(planner), tflm_today(planner), picture.suffix[1:])
        write_whole(picture, content)
    if dag is not None:
        write_whole(dag, dag_file(as_networkx(planner.network, planner.edges), dag.suffix[1:]))
    if as_json:
        print_json({"source": str(model), "front": front})
    else:
        tables.show(tables.front_table(front, core or DEFAULT_CORE))


@main.command()
@click.argument("model", type=MODEL)
@stream_input
@int8_io
@as_json
def compare(model: Path, stream_input: bool, int8_io: bool, as_json: bool) -> None:
    """Show what earlier methods would reach for MODEL, beside what `rewrite` does.

    Each preset allows some of the schedules only: layerwise as TFLM, mcunetv2 and streamnet one fused head, msf-cnn
    blocks one output element wide, full everything. All of them run on the same kernels and give the same bits:
    `rewrite --preset` makes the model.
    """
    with busy(f"Searching the presets for {model.name}"):
        compared = compare_presets(read_file(model), str(model), stream_input, int8_io)
    if as_json:
        print_json(compared)
    else:
        tables.show(comparison_table(compared))


@main.command()
@click.argument("original", type=MODEL)
@click.argument("rewritten", type=MODEL)
@click.option("--runs", type=click.IntRange(min=0), default=20, show_default=True, help="Random inputs to try.")
@click.option("--inputs", "inputs", type=MODEL, multiple=True, help="A file of raw input values; repeatable.")
@click.argument("more_inputs", type=MODEL, nargs=-1, metavar="[FILE]...")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random inputs.")
@as_json
def verify(
    original: Path,
    rewritten: Path,
    more_inputs: tuple[Path, ...],
    runs: int,
    inputs: tuple[Path, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Run ORIGINAL and REWRITTEN in the real TFLM interpreter and compare every bit.

    Compares all outputs and every inner tensor that both models have, measures both arenas, and checks the measured
    arena of REWRITTEN against the prediction. Every FILE (after --inputs, or at the end) holds one raw input. Exit
    status 0 only if everything agrees, 1 if it does not.
    """
    with busy("Running both models in TFLM"):
        sources = (str(original), str(rewritten))
        report = verify_models(read_file(original), read_file(rewritten), runs, (*inputs, *more_inputs), seed, sources)
    if as_json:
        print_json(report.to_json())
    else:
        tables.show(tables.verify_table(report.to_json()))
    if not report.passed:
        raise SystemExit(1)


@main.command()
@click.argument("model", type=MODEL)
@as_json
def inspect(model: Path, as_json: bool) -> None:
    """Show what MODEL consists of: operators, shapes, MACs, arena, and the insides of fusion blocks."""
    found = inspect_model(read_file(model), str(model))
    if as_json:
        print_json(found)
    else:
        tables.show(tables.operators_table(found))


@main.command()
@click.option("--markdown", is_flag=True, help="Print docs/OPERATORS.md.")
@as_json
def operators(markdown: bool, as_json: bool) -> None:
    """List the TFLite operators: which are fused, on what conditions, and which are passed through."""
    if as_json:
        print_json({"always": list(ALWAYS_REQUIRED), "operators": list_operators()})
    elif markdown:
        click.echo(operators_markdown(), nl=False)
    else:
        tables.show(operators_list())


main.add_command(boards)
main.add_command(fits)
main.add_command(export)
