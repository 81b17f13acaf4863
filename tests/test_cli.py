"""The commands as a user meets them: files in, files out, sentences on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from testing.corpus import corpus_model
from testing.layers import Geometry, Layers, Weighting
from tests.small_models import small_model
from tflm_msf.cli import COMMANDS, main
from tflm_msf.cli.export import export
from tflm_msf.cli.rewrite import rewrite
from tflm_msf.graph import Model, Signature
from tflm_msf.tflite_io import read_model, write_model


def network() -> Model:
    """A residual network with a classifier on a 20x20 image: blocks, strips and a trade-off."""
    layers = Layers(Random(5))
    x = layers.conv(layers.input(1, 20, 20, 3), 8, Geometry((3, 3), (2, 2)), Weighting())
    y = layers.conv(x, 48, Geometry((1, 1)), Weighting())
    y = layers.depthwise(y, 1, Geometry((3, 3)), Weighting())
    y = layers.conv(y, 8, Geometry((1, 1)), Weighting())
    x = layers.add(x, y)
    x = layers.depthwise(x, 1, Geometry((3, 3), (2, 2)), Weighting())
    return layers.model([layers.dense(layers.mean(x, keep_dims=False), 5, Weighting())])


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(network()))
    return path


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path) -> Done:
    """In this process, which has everything imported already."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return Done(done.exit_code, done.stdout, done.stderr)


def run_json(*arguments: str | Path) -> dict[str, Any]:
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def assert_refused(done: Done, *parts: str) -> None:
    """One sentence on stderr, status 2, and nothing else."""
    assert done.returncode == 2, done.stdout + done.stderr
    if done.stdout:
        assert json.loads(done.stdout)["error"] == {"message": done.stderr[len("tflm-msf: ") : -1], "status": 2}
    assert done.stderr.startswith("tflm-msf: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith(".\n")
    for part in parts:
        assert part in done.stderr


def test_rewrite_reports_what_scripts_need(model: Path) -> None:
    report = run_json("rewrite", model)
    assert report["output"] == str(model.with_name("net_msf.tflite"))
    assert Path(report["output"]).exists()
    assert report["overhead"] == pytest.approx(report["macs"]["plan"] / report["macs"]["original"], abs=1e-5)
    assert report["overhead"] <= 1
    assert report["schema"] == "tflm-msf/rewrite/2"
    assert report["target"]["name"] == "arm-static-2024"
    for which in ("original", "plan"):
        size = report["arena"][which]
        assert size["head"] + size["tail"] == size["total"] <= size["minimum"]
    assert report["arena"]["plan"]["total"] < report["arena"]["original"]["total"]
    assert report["arena"]["plan"]["minimum"] <= report["needed"]["static"] < report["needed"]["dynamic"]
    assert report["flash"]["plan"] == Path(report["output"]).stat().st_size
    assert report["flash"]["original"] == model.stat().st_size
    assert report["blocks"]
    assert isinstance(report["unfused"], list)


def test_a_rewritten_model_verifies(model: Path) -> None:
    report = run_json("rewrite", model, "-o", model.with_name("out.tflite"))
    verified = run_json("verify", model, report["output"], "--runs", "3")
    assert verified["bit_exact"] is True
    assert verified["runs"] == 3
    assert verified["values_compared"] > 0
    assert verified["problems"] == []
    assert verified["arena"]["rewritten"]["total"] < verified["arena"]["original"]["total"]


def test_plain_weights_change_neither_bits_nor_arena(model: Path) -> None:
    packed = run_json("rewrite", model, "-o", model.with_name("packed.tflite"))
    plain = run_json("rewrite", model, "--weights", "plain", "-o", model.with_name("plain.tflite"))
    assert Path(plain["output"]).read_bytes() != Path(packed["output"]).read_bytes()
    assert plain["arena"] == packed["arena"]
    verified = run_json("verify", model, plain["output"], "--runs", "3")
    assert verified["bit_exact"] is True
    assert verified["problems"] == []


def test_the_time_of_a_library_is_not_estimated(model: Path) -> None:
    assert run_json("rewrite", model, "--weights", "plain")["time"] is None
    assert "instructions" not in run("rewrite", model, "--weights", "plain").stdout
    done = run("rewrite", model, "--weights", "plain", "--max-slowdown", "1.2")
    assert_refused(done, "is not estimated: leave --max-slowdown out, or choose --weights packed")


def test_input_files_may_follow_one_option_or_be_repeated(model: Path, tmp_path: Path) -> None:
    output = run_json("rewrite", model)["output"]
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.dat")
        files[-1].write_bytes(bytes([number]) * 1200)
    assert run_json("verify", model, output, "--runs", "0", "--inputs", *files)["runs"] == 3
    assert run_json("verify", model, output, "--runs", "1", "--inputs", files[0], "--inputs", files[1])["runs"] == 3


def test_other_bits_give_status_1(model: Path, tmp_path: Path) -> None:
    other = network()
    weights = next(index for index, t in enumerate(other.main.tensors) if t.data is not None and len(t.shape) == 4)
    changed = list(other.main.tensors)
    changed[weights] = replace(changed[weights], data=bytes(len(changed[weights].data or b"")))
    path = tmp_path / "other.tflite"
    path.write_bytes(write_model(replace(other, graphs=(replace(other.main, tensors=tuple(changed)),))))
    done = run("verify", model, path, "--runs", "2", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["bit_exact"] is False


def least_of(front: list[dict[str, Any]]) -> dict[str, Any]:
    """The plan of the least arena."""
    return min(front, key=lambda point: point["minimum"])


def test_every_point_of_the_front_can_be_asked_for(model: Path, tmp_path: Path) -> None:
    """No other plan that takes no more arena and no more MACs is as fast."""
    front = run_json("plan", model)["front"]
    assert len({point["macs"] for point in front}) > 1, "the network is too easy to show a trade-off"
    assert [point["macs"] for point in front] == sorted(point["macs"] for point in front)
    output = tmp_path / "point.tflite"
    for point in front:
        for limit in (point["minimum"], point["minimum"] + 1):
            limits = ("--ram-limit", str(limit), "--max-overhead", str(point["overhead"] + 1e-6))
            assert run_json("rewrite", model, "-o", output, *limits)["macs"]["plan"] == point["macs"]
        slowdown = str(point["instructions"]["m4"] / min(other["instructions"]["m4"] for other in front) + 1e-4)
        limits = ("--max-slowdown", slowdown, "--max-overhead", str(point["overhead"] + 1e-6))
        assert run_json("rewrite", model, "-o", output, *limits)["arena"]["plan"]["total"] == point["total"]
    least = least_of(front)["minimum"]
    below = run("rewrite", model, "-o", output, "--ram-limit", str(least - 1), "--json")
    assert_refused(below, f"{least:,} bytes")


@pytest.mark.parametrize(("text", "nbytes"), [("64KiB", 65536), ("64kB", 64000), ("65536", 65536), ("0.064MB", 64000)])
def test_sizes_are_read_as_people_write_them(model: Path, text: str, nbytes: int) -> None:
    assert run_json("rewrite", model, "--ram-limit", text)["needed"]["dynamic"] <= nbytes


def test_a_limit_out_of_reach_names_the_least_that_is_in_reach(model: Path) -> None:
    least = least_of(run_json("plan", model)["front"])
    done = run("rewrite", model, "--ram-limit", "1k")
    assert_refused(done, str(model), "1,000 bytes", f"{least['minimum']:,} bytes", f"{least['overhead']:.3f}")
    assert not model.with_name("net_msf.tflite").exists()


def test_both_limits_hold_or_the_message_tells_which_one_does_not(model: Path) -> None:
    front = run_json("plan", model)["front"]
    cheapest = least_of([point for point in front if point["macs"] == front[0]["macs"]])
    smallest = least_of(front)
    below, output = str(cheapest["minimum"] - 1), model.with_name("net_msf.tflite")
    done = run("rewrite", model, "--ram-limit", below, "--max-overhead", str(cheapest["overhead"]))
    assert_refused(
        done, f"{cheapest['minimum'] - 1:,} bytes", "only at a MAC overhead of", "allow more overhead or more RAM"
    )
    assert not output.exists()
    enough = str(smallest["overhead"] + 1e-6)
    report = run_json("rewrite", model, "--ram-limit", below, "--max-overhead", enough)
    assert report["needed"]["dynamic"] < cheapest["minimum"]


def test_a_limit_on_time_is_kept_on_each_core(model: Path) -> None:
    front = run_json("plan", model)["front"]
    for core in ("m4", "lx106"):
        fastest = min(point["instructions"][core] for point in front)
        slowest = max(point["instructions"][core] for point in front) / fastest
        for limit in (1.0, (1 + slowest) / 2, slowest + 0.001):
            report = run_json("rewrite", model, "--core", core, "--max-slowdown", str(limit))
            allowed = [point for point in front if point["instructions"][core] <= limit * fastest]
            assert report["needed"]["dynamic"] == min(point["minimum"] for point in allowed)
            assert report["time"]["core"] == core
            assert report["time"]["slowdown"] <= limit + 0.001


def test_a_limit_on_time_that_the_ram_does_not_allow_is_refused(model: Path, tmp_path: Path) -> None:
    slower = tmp_path / "ic.tflite"
    slower.write_bytes(corpus_model("mlperf__ic_resnet8"))
    least = str(least_of(run_json("plan", slower)["front"])["minimum"])
    done = run("rewrite", slower, "--ram-limit", least, "--max-slowdown", "1")
    assert_refused(
        done, f"{int(least):,} bytes", "times the fastest plan's estimated time on m4", "above the 1 allowed"
    )
    assert_refused(run("rewrite", model, "--max-slowdown", "0.9"), "max-slowdown", "0.9")
    assert_refused(run("rewrite", model, "--core", "z80"), "z80", "m4")


def test_a_board_says_whose_time_counts(model: Path) -> None:
    report = run_json("rewrite", model, "--board", "hifive1-revb", "--max-slowdown", "9")
    assert report["time"]["core"] == "rv32"
    assert run_json("rewrite", model, "--board", "pico", "--max-slowdown", "9")["time"]["core"] == "m0plus"
    done = run("rewrite", model, "--board", "bluepill_f103c8", "--max-slowdown", "2")
    assert_refused(done, "cortex-m3 of bluepill_f103c8", "--core", "rv32")
    report = run_json("rewrite", model, "--board", "bluepill_f103c8", "--max-slowdown", "9", "--core", "m33")
    assert report["time"]["core"] == "m33"


def test_plan_shows_the_time_on_a_core(model: Path) -> None:
    assert "m55" in run("plan", model, "--core", "m55").stdout


@pytest.mark.parametrize("limit", ["12 parsecs", "-5", "64 KiBs", ""])
def test_what_is_no_size_is_refused_with_what_would_be_one(model: Path, limit: str) -> None:
    done = run("rewrite", model, "--ram-limit", limit)
    assert done.returncode == 2
    assert f"'{limit}' is not a size: write 65536, 64KiB" in " ".join(done.stderr.split())
    assert not model.with_name("net_msf.tflite").exists()


def test_inspect_shows_operators_and_the_insides_of_blocks(model: Path) -> None:
    before = run_json("inspect", model)
    assert [op["operator"] for op in before["operators"]][:2] == ["CONV_2D", "CONV_2D"]
    assert before["operators"][0]["macs"] == 10 * 10 * 8 * 27
    after = run_json("inspect", run_json("rewrite", model)["output"])
    assert {op["operator"] for op in after["operators"]} == {"MSF_BLOCK"}
    inside = [stage["op"] for block in after["blocks"] for stage in block["stages"]]
    assert inside.count("DEPTHWISE_CONV_2D") == 2


@pytest.mark.parametrize("command", ["rewrite", "plan", "inspect"])
def test_tables_are_shown_without_json(model: Path, command: str) -> None:
    done = run(command, model)
    assert done.returncode == 0
    assert "─" in done.stdout


BAD_FILES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "text": lambda _: b"This is a shopping list: bread, butter, a smaller network.\n" * 20,
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("command", ["rewrite", "plan", "inspect"])
def test_files_that_are_no_models_are_refused(model: Path, kind: str, command: str) -> None:
    bad = model.with_name("bad.tflite")
    bad.write_bytes(BAD_FILES[kind](model.read_bytes()))
    output = model.with_name("bad_msf.tflite")
    output.write_bytes(b"keep me")
    assert_refused(run(command, bad), str(bad))
    assert output.read_bytes() == b"keep me"
    assert sorted(path.name for path in model.parent.iterdir()) == ["bad.tflite", "bad_msf.tflite", "net.tflite"]


def test_a_bad_tensor_index_is_named(tmp_path: Path) -> None:
    good = small_model("xy")
    op = replace(good.main.ops[0], inputs=(99,))
    path = tmp_path / "bad.tflite"
    path.write_bytes(write_model(replace(good, graphs=(replace(good.main, ops=(op,)),))))
    assert_refused(run("rewrite", path), str(path), "99", "RELU")


def test_paths_that_cannot_be_read_or_written_are_named(model: Path, tmp_path: Path) -> None:
    assert_refused(run("rewrite", tmp_path / "missing.tflite"), "missing.tflite")
    assert_refused(run("rewrite", tmp_path), str(tmp_path))
    assert_refused(run("rewrite", model, "-o", tmp_path / "no" / "such" / "out.tflite"), "out.tflite")


def test_rewriting_a_rewritten_model_changes_nothing(model: Path) -> None:
    first = run_json("rewrite", model)
    second = run_json("rewrite", first["output"])
    assert Path(second["output"]).read_bytes() == Path(first["output"]).read_bytes()
    assert (first["already_rewritten"], second["already_rewritten"]) == (False, True)
    assert second.keys() - first.keys() == set()
    assert second["arena"]["plan"] == first["arena"]["plan"]
    assert len(second["blocks"]) == len(first["blocks"])
    assert "was rewritten by tflm-msf already and stays as it is" in run("rewrite", first["output"]).stdout


@pytest.mark.parametrize(
    "option",
    [
        ("--ram-limit", "64k"),
        ("--max-overhead", "2"),
        ("--stream-input",),
        ("--int8-io",),
        ("--preset", "layerwise"),
        ("--weights", "plain"),
    ],
)
def test_a_rewritten_model_has_no_other_plans(model: Path, option: tuple[str, ...]) -> None:
    output = run_json("rewrite", model)["output"]
    assert_refused(run("rewrite", output, *option), "rewritten by tflm-msf already")
    assert_refused(run("plan", output), "rewritten by tflm-msf already")


@pytest.mark.parametrize("options", [(), ("--ram-limit", "4k"), ("--max-overhead", "1.5"), ("--stream-input",)])
def test_the_same_bytes_whatever_the_hash_seed(model: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Sets are walked in an order that depends on it."""
    outputs = []
    for seed in ("1", "2", "random"):
        output = tmp_path / f"{seed}.tflite"
        command = [sys.executable, "-m", "tflm_msf", "rewrite", str(model), "-o", str(output), *options]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]


def test_control_flow_is_refused(tmp_path: Path) -> None:
    good = small_model("xy")
    path = tmp_path / "two.tflite"
    path.write_bytes(write_model(replace(good, graphs=(good.main, good.main))))
    assert_refused(run("rewrite", path), "2 subgraphs")


def test_a_float_model_comes_out_as_it_was_with_the_reasons(tmp_path: Path) -> None:
    good = small_model("xyz")
    tensors = tuple(
        replace(tensor, dtype=type(tensor.dtype).FLOAT32, quantization=None) for tensor in good.main.tensors
    )
    path = tmp_path / "float.tflite"
    path.write_bytes(write_model(replace(good, graphs=(replace(good.main, tensors=tensors),))))
    report = run_json("rewrite", path)
    assert report["blocks"] == []
    assert all("float32, not int8" in entry["reason"] for entry in report["unfused"])
    assert run_json("verify", path, report["output"], "--runs", "2")["bit_exact"] is True


def test_a_signature_that_names_an_inner_tensor_loses_the_name_and_it_is_said(tmp_path: Path) -> None:
    model = network()
    inner = model.main.ops[1].outputs[0]
    path = tmp_path / "stale.tflite"
    signature = Signature("serve", 0, (("in", model.main.inputs[0]),), (("y", model.main.outputs[0]), ("x", inner)))
    path.write_bytes(write_model(replace(model, signatures=(signature,))))
    report = run_json("rewrite", path)
    assert len(report["notes"]) == 1
    assert "Signature 'serve' named the inner tensor" in report["notes"][0]
    assert "its output 'x'" in report["notes"][0]
    (kept,) = read_model(Path(report["output"]).read_bytes(), "out").signatures
    assert [name for name, _ in kept.outputs] == ["y"]
    assert run_json("verify", path, report["output"], "--runs", "2")["bit_exact"] is True
    assert "its output 'x'" in " ".join(run("rewrite", path).stdout.split())


def test_help_lists_every_command_without_loading_any() -> None:
    """What it takes is counted in processor time, and in modules: NumPy's alone takes longer than all of this."""
    script = "import sys, tflm_msf.cli\ntry: tflm_msf.cli.main()\nfinally: print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True)
    assert not {"numpy", "rich", "tflite", "tflm_msf.planner"} & set(done.stderr.split())
    listed = [line.split()[0] for line in done.stdout.split("Commands:\n")[1].splitlines()]
    assert listed == list(COMMANDS)
    for command in listed:
        assert "--help" in run(command, "--help").stdout
    assert_refused(run("rewrit"), "No such command 'rewrit'")


def test_what_contradicts_itself_is_refused_before_anything_is_searched(model: Path) -> None:
    pixels = ("--pixel-format", "uint8")
    assert_refused(run("rewrite", model, *pixels), "add --stream-input")
    assert_refused(run("export", model, "--format", "c", "-o", model.parent / "out", *pixels), "add --stream-input")
    assert_refused(run("rewrite", model, "--board", "pico", "--ram-limit", "1MiB"), "less than the limit")


def test_export_takes_every_option_of_rewrite() -> None:
    ours, theirs = ({option.name for option in command.params} for command in (export, rewrite))
    assert theirs - ours == {"in_place", "with_advice"}


def test_a_plan_that_fills_its_room_is_timed_beside_the_front(model: Path) -> None:
    report = run_json("rewrite", model, "--ram-limit", "64KiB", "--no-advice")
    assert report["time"]["slowdown"] >= 1
    assert max(report["needed"].values()) <= 65536
