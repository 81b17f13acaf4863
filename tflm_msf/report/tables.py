"""Tables for the terminal, made from the same values that ``--json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from tflm_msf.advice import MOST_SAID
from tflm_msf.arena import C_EXPORT
from tflm_msf.printable import printable, ranges
from tflm_msf.sizes import format_size

Json = Mapping[str, Any]

NAME_WIDTH = 32


class _PlainTable(Table):
    """A table whose cells are shown as they are: names from a file are no markup and do not steer the terminal."""

    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        shown = (printable(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*shown, style=style, end_section=end_section)


def plain_table(title: str, *columns: str, texts: Sequence[str] = ()) -> Table:
    """An empty table with a title; the first column and those of ``texts`` are text, which may take several lines, the
    others are numbers, which stay whole. Without lines between columns, so that more fits 80 characters.
    """
    table = _PlainTable(
        title=printable(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for index, column in enumerate(columns):
        is_text = index == 0 or column in texts
        table.add_column(column, justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    return table


def short_name(name: str) -> str:
    """A tensor's name in a width that fits a column: converters join the names of everything they folded."""
    first = name.split(";")[0]
    return first if len(first) <= NAME_WIDTH else f"…{first[1 - NAME_WIDTH :]}"


def _ratio(before: int | None, after: int | None) -> str:
    return f"{before / after:.1f}x less" if before and after and after < before else ""


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M"


def rewrite_table(report: Json) -> RenderableType:
    """Before and after, the blocks, what stayed unfused, and the arena size for the sketch."""
    title = f"Arena ({report['target']['about']}) and flash, bytes"
    table = plain_table(title, "", "original", "rewritten", "")
    before, after = report["arena"]["original"] or {}, report["arena"]["plan"] or {}
    for part in ("head", "tail", "total"):
        row = (before.get(part), after.get(part))
        table.add_row(part, format_size(row[0]), format_size(row[1]), _ratio(*row) if part == "total" else "")
    flash = report["flash"]
    table.add_row("model file", format_size(flash["original"]), format_size(flash["plan"]), "")
    macs = report["macs"]
    table.add_row("MACs", f"{macs['original']:,}", f"{macs['plan']:,}", f"F = {report['overhead']:.3f}")
    time = report["time"]
    if time:
        slowdown = f"{time['slowdown']:.3f} x the fastest plan"
        table.add_row(f"instructions on {time['core']}, estimated", "", _millions(time["instructions"]), slowdown)
    parts: list[RenderableType] = [table, blocks_table(report["blocks"])]
    if report["overhead"] is not None and report["overhead"] < 1:
        parts.append(Text("F is below 1: rows and columns that no later operator reads are not computed."))
    if report["proved"] is False:
        parts.append(Text("Not proved to be the least: not every execution order or placement could be ruled out."))
    parts.extend(Text(printable(f"Warning: {warning}"), style="yellow") for warning in report["warnings"])
    if report["simplified"]:
        parts.append(simplified_table(report["simplified"]))
    if report["endings"]:
        parts.append(endings_table(report["endings"]))
    if report["pixels"]:
        parts.append(_rows_text(report["pixels"]))
    parts += [Text(line) for line in step_lines(report)]
    parts += [Text(printable(line)) for line in (*report["notes"], *advice_text(report["advice"]))]
    if report["memories"]:
        parts += [Text(line) for line in memory_lines(report["memories"])]
    if report["needed"]:
        parts.append(Text(arena_code(report["needed"], report["target"]["name"])))
    return Group(*parts)


def memory_lines(memories: Json) -> list[str]:
    """What lies in which memory, and what is read and written in the slow one."""
    if memories["slow"] == 0:
        return [
            f"The whole arena has room in {memories['fast_ram']:,} bytes of fast memory: let it lie there, "
            f"{memories['fast']:,} bytes; no slow memory is needed."
        ]
    times = ", ".join(f"{t['milliseconds']:.2f} ms at {t['megabytes_per_second']:g} MB/s" for t in memories["times"])
    return [
        f"Two memories: {memories['fast']:,} bytes fast, {memories['slow']:,} slow (the arena). An inference reads and "
        f"writes {memories['traffic']:,} bytes in the slow one ({memories['least_traffic']:,} if inputs and outputs "
        f"were all): {times}.",
        f"alignas(16) static uint8_t fast_memory[{memories['fast']}];\n"
        "msf_set_fast_memory(fast_memory, sizeof fast_memory);  // before AllocateTensors",
    ]


def arena_code(needed: Mapping[str, int], target: str) -> str:
    """What to write into a sketch: one constant if the target is known, else one for each way to build TFLM."""
    static, dynamic = needed["static"], needed["dynamic"]
    if target == C_EXPORT.name:
        return f"The exported program holds its arena: {static:,} bytes."
    if static == dynamic:
        return f"constexpr int kArenaSize = {static};  // {target}, 16-byte aligned buffer"
    return (
        "#ifdef TF_LITE_STATIC_MEMORY  // as ESP-IDF and upstream build TFLM\n"
        f"constexpr int kArenaSize = {static};  // 16-byte aligned buffer\n"
        "#else  // as Arduino builds it\n"
        f"constexpr int kArenaSize = {dynamic};\n"
        "#endif"
    )


def advice_text(advice: Sequence[Json]) -> list[str]:
    """A line for each of the best few."""
    lines = []
    for entry in advice[:MOST_SAID]:
        compute = "" if entry["overhead"] <= 1 else f" at F = {entry['overhead']:.3f}"
        what = entry["change"] or " ".join(entry["options"])
        lines.append(f"Would help: {what} ({entry['arena']:,} bytes of arena{compute})")
    return lines


def step_lines(report: Json) -> list[str]:
    """What a step model is, and what a step takes beside its window planned as a whole."""
    step = report["step"]
    if step is None:
        return []
    lines = [f"Step model: {step['about']}."]
    if "macs_of_window" in step:
        total, whole = ((size or {}).get("total") for size in (report["arena"]["plan"], step["arena_of_window"]))
        lines.append(
            f"A step makes {report['macs']['plan']:,} MACs in {format_size(total)} bytes of arena, {step['state']:,} "
            f"of them state; the window planned as a whole makes {step['macs_of_window']:,} in {format_size(whole)}."
        )
    return lines


def _rows_text(pixels: Json) -> Text:
    times = f"; an inference fetches each {pixels['fetches']} times" if pixels["fetches"] > 1 else ""
    return Text(f"Rows of the streamed input hold {pixels['about']}{times}.")


def blocks_table(blocks: Sequence[Json]) -> Table:
    """One line per fusion block."""
    columns = ("operators", "tile width", "workspace", "MACs", "output")
    table = plain_table("Fusion blocks", *columns, texts=["output"])
    for block in blocks:
        run = ranges(block["operators"]) or "the input"
        run += f"; {len(block['again'])} of them again" if block["again"] else ""
        table.add_row(
            run,
            str(block["tile_w"]),
            format_size(block["workspace"]),
            f"{block['macs']:,}",
            short_name(block["output"]),
        )
    return table


def simplified_table(simplified: Sequence[Json]) -> Table:
    """Operators that were folded away before anything was fused."""
    table = _text_table("Simplified", "operators", "what was done")
    for change in simplified:
        names = list(dict.fromkeys(entry["operator"] for entry in change["operators"]))
        indices = ranges([entry["index"] for entry in change["operators"]])
        table.add_row(f"{', '.join(names)} ({indices})", change["says"])
    return table


def endings_table(endings: Sequence[Json]) -> Table:
    """Operators at which blocks end, those first for which the most bytes stay whole."""
    table = _text_table("What ends a block", "operators", "reason", "whole tensors")
    for entry in endings:
        operators = f"{entry['operator']} ({ranges(entry['indices'])})"
        table.add_row(operators, entry["reason"], format_size(entry["bytes"]))
    return table


def _text_table(title: str, *columns: str) -> Table:
    """A table of which the first two columns are text."""
    return plain_table(title, *columns, texts=columns[:2])


def front_table(front: Sequence[Json], core: str) -> Table:
    """The trade-off between arena and compute, with the time on ``core``."""
    title = f"Pareto front; {core}: estimated instructions"
    table = plain_table(title, "F", "MACs", core, "slower", "arena", "limit", "head", "blocks", "proved")
    fastest = min(point["instructions"][core] for point in front)
    if "traffic" in front[0]:
        return _front_of_two(front, core)
    for point in front:
        instructions = point["instructions"][core]
        table.add_row(
            f"{point['overhead']:.3f}",
            _millions(point["macs"]),
            _millions(instructions),
            f"{instructions / fastest if fastest else 1:.3f}",
            format_size(point["total"]),
            format_size(point["minimum"]),
            format_size(point["head"]),
            str(len(point["blocks"])),
            "yes" if point["proved"] else "no",
        )
    return table


def _front_of_two(front: Sequence[Json], core: str) -> Table:
    """The trade-off between traffic in slow memory and compute."""
    title = f"Pareto front for two memories, bytes; {core}: estimated instructions"
    table = plain_table(title, "F", "MACs", core, "traffic", "fast", "slow: limit", "head", "blocks", "proved")
    for point in front:
        table.add_row(
            f"{point['overhead']:.3f}",
            _millions(point["macs"]),
            _millions(point["instructions"][core]),
            *(format_size(point[name]) for name in ("traffic", "fast", "minimum", "head")),
            str(len(point["blocks"])),
            "yes" if point["proved"] else "no",
        )
    return table


def verify_table(report: Json) -> RenderableType:
    """What was compared, the verdict, both arenas, and the first differences."""
    table = plain_table("Measured in TFLM on this computer, bytes", "", "original", "rewritten", "")
    original, rewritten = report["arena"]["original"] or {}, report["arena"]["rewritten"] or {}
    for part in ("head", "tail", "total"):
        before, after = original.get(part), rewritten.get(part)
        ratio = _ratio(before, after) if part == "total" and before and after else ""
        table.add_row(part, format_size(before), format_size(after), ratio)
    lines = [
        Text(
            printable(f"  {m['tensor']}[{m['index']}] in run {m['run']}: expected {m['expected']:g}, got {m['got']:g}")
        )
        for m in report["mismatches"]
    ]
    problems = [Text(printable(problem), style="bold red") for problem in report["problems"]]
    notes = [Text(f"Note: {note}") for note in report["notes"]]
    return Group(table, *_content_lines(report["content"]), _verdict(report), *lines, *problems, *notes)


def _content_lines(content: Json) -> list[Text]:
    """What of the file was compared, besides its interface."""
    counts = (
        f"{content['operators']:,} operators, {content['programs']:,} programs, {content['tensors']:,} tensors, "
        f"{content['constants']:,} bytes of constants, {content['offsets']:,} offsets"
    )
    return [
        Text(f"Compared: types, shapes, scales, names and signatures; {counts}, {content['how']}."),
        *(Text(f"Note: {note}") for note in content["notes"]),
    ]


def _verdict(report: Json) -> Text:
    runs = f"{report['values_compared']:,} values in {report['runs']} runs"
    if not report["reproducible"]:
        first = ", ".join(f"'{name}'" for name in report["unreproducible"][:3])
        return Text(
            printable(
                f"Cannot be compared: the original itself is not reproducible. What it computes in {first}, and in "
                "what follows from there, depends on what was in memory before."
            ),
            style="bold yellow",
        )
    if report["bit_exact"] is None:
        return Text("NOT compared.", style="bold red")
    if report["runs"] == 0:
        return Text("NOT the same file; it was not run.", style="bold red")
    hangs = report["content"]["hangs_on_libm"]
    if not report["bit_exact"] and not (hangs and report["passed"]):
        return Text("NOT the same.", style="bold red")
    if report["problems"]:
        return Text(f"The same bits in {runs}, but the file is not what it should be:", style="bold red")
    if hangs:
        return Text(
            f"{report['values_differing']:,} of {runs} differ, with this computer's C library. Entries of tables hang "
            "on how a C library rounds (--allow-libm): on a device others may.",
            style="yellow",
        )
    return Text(f"Bit-exact: {runs}.", style="green")


def operators_table(model: Json) -> RenderableType:
    """Operators of a model with shapes, MACs and live bytes; blocks with what they contain."""
    columns = ("#", "operator", "output", "shape", "MACs", "live bytes", "note")
    table = plain_table(f"{model['source']}: operators", *columns, texts=["operator", "output", "note"])
    for op in model["operators"]:
        macs = "" if op["macs"] is None else f"{op['macs']:,}"
        shape = "x".join(map(str, op["shape"]))
        table.add_row(
            str(op["index"]),
            op["operator"],
            short_name(op["output"]),
            shape,
            macs,
            format_size(op["live_bytes"]),
            op["note"],
        )
    parts: list[RenderableType] = [table]
    if model["peak"]:
        parts.append(_peak_table(model["peak"]))
    parts.extend(_stages_table(block) for block in model["blocks"])
    if model["step"]:
        parts.append(Text(f"Step model: {model['step']['about']}."))
    if model["pixels"]:
        parts.append(_rows_text(model["pixels"]))
    sizes = plain_table("Arena, bytes", "", "head", "tail", "total")
    size = model["arena"] or {}
    sizes.add_row(model["target"]["about"], *(format_size(size.get(part)) for part in ("head", "tail", "total")))
    return Group(*parts, sizes)


def _peak_table(peak: Json) -> Table:
    title = f"The most bytes are live during operator {peak['operator']}: {peak['bytes']:,}"
    table = plain_table(title, "tensor", "shape", "bytes")
    for tensor in peak["tensors"]:
        table.add_row(short_name(tensor["name"]), "x".join(map(str, tensor["shape"])), format_size(tensor["bytes"]))
    return table


def _stages_table(block: Json) -> Table:
    title = f"Block {block['index']}: {block['workspace']:,} bytes of workspace, {block['params']:,} of parameters"
    table = plain_table(title, "stage", "map", "keeps", texts=["keeps"])
    for stage in block["stages"]:
        table.add_row(stage["op"], stage["map"], stage["keeps"])
    return table
