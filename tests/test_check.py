"""Limits in a file, and how `check` says that they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_cli import Done, network, run, run_json
from tflm_msf.graph import Model
from tflm_msf.tflite_io import read_model, write_model

KEPT, OTHER_BITS, USAGE, UNREADABLE, MISSED = range(5)


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(network()))
    return path


def with_blank_weights(model: Model) -> Model:
    """The same network without its first filter."""
    graph = model.main
    first = next(index for index, t in enumerate(graph.tensors) if t.data is not None and len(t.shape) == 4)
    blank = replace(graph.tensors[first], data=bytes(graph.tensors[first].nbytes))
    tensors = (*graph.tensors[:first], blank, *graph.tensors[first + 1 :])
    return replace(model, graphs=(replace(graph, tensors=tensors),))


def check(model: Path, limits: str, *options: str | Path) -> Done:
    file = model.with_name("limits.toml")
    file.write_text(limits)
    return run("check", model, "--limits", file, *options)


def test_an_original_is_taken_as_it_would_be_rewritten(model: Path) -> None:
    least = max(run_json("rewrite", model, "--max-overhead", "9")["needed"].values())
    done = check(model, '[mcu]\narena = "64KiB"\nflash = "1MiB"\noverhead = 1.0\ninstructions = 1e9\n', "--json")
    assert done.returncode == KEPT
    report = json.loads(done.stdout)
    assert [(entry["what"], entry["kept"]) for entry in report["limits"]] == [
        (what, True) for what in ("arena", "overhead", "flash", "instructions")
    ]
    assert check(model, f"[mcu]\narena = {least}\n").returncode == KEPT
    done = check(model, f"[mcu]\narena = {least // 2}\n", "--json")
    assert done.returncode == MISSED
    (entry,) = json.loads(done.stdout)["limits"]
    assert (entry["kept"], entry["limit"]) == (False, least // 2)
    assert entry["value"] >= least


@pytest.mark.parametrize("limit", ["flash = 100", "instructions = 10", 'arena = "1k"\noverhead = 1.0'])
def test_each_kind_of_limit_can_be_missed(model: Path, limit: str) -> None:
    done = check(model, f"[here]\n{limit}\n")
    assert done.returncode == MISSED
    assert "MISSED" in done.stdout
    assert "NOT all limits are kept." in done.stdout


def test_places_have_boards_and_the_worst_decides(model: Path) -> None:
    both = '[small]\nboard = "bluepill_f103c8"\n[big]\nboard = "nucleo_f446re"\ninstructions = 1e9\n'
    report = json.loads(check(model, both, "--json").stdout)
    assert {entry["place"] for entry in report["limits"]} == {"small", "big"}
    assert all(entry["kept"] for entry in report["limits"])
    done = check(model, both + "flash = 5\n", "--json")
    assert done.returncode == MISSED
    assert [entry["place"] for entry in json.loads(done.stdout)["limits"] if not entry["kept"]] == ["big"]


def test_several_models_are_checked_at_once_as_by_pre_commit(model: Path) -> None:
    other = model.with_name("other.tflite")
    other.write_bytes(model.read_bytes())
    report = json.loads(check(model, "[mcu]\nflash = 5000\n", other, "--json").stdout)
    assert [entry["source"] for entry in report["limits"]] == [str(model), str(other)]
    assert check(model, "[mcu]\nflash = 5000\n", other, "--original", other).returncode == USAGE


def test_a_rewritten_model_is_taken_as_it_is_and_compared(model: Path) -> None:
    output = Path(run_json("rewrite", model)["output"])
    size = output.stat().st_size
    done = check(output, f'[mcu]\narena = "64k"\nflash = {size}\n', "--original", model, "--json")
    assert done.returncode == KEPT
    assert json.loads(done.stdout)["bit_exact"] is True
    assert check(output, f"[mcu]\nflash = {size - 1}\n").returncode == MISSED
    other = model.with_name("other.tflite")
    other.write_bytes(write_model(with_blank_weights(network())))
    done = check(output, "[mcu]\nflash = 5\n", "--original", other)
    assert done.returncode == OTHER_BITS
    assert "NOT the same bits" in done.stdout


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("", "has no limits"),
        ("arena = 5", "'arena' stands alone"),
        ("[mcu]\nram = 5", "unknown key 'ram'"),
        ("[mcu]\narena = true", "'True' is not a size"),
        ('[mcu]\narena = "64 parsecs"', "is not a size"),
        ("[mcu]\noverhead = 0.5", "a number of at least 1"),
        ("[mcu]\noverhead = nan", "a number of at least 1"),
        ('[mcu]\ninstructions = "many"', "a number of at least 0"),
        ('[mcu]\ncore = "z80"', "names a core 'z80'"),
        ('[mcu]\nboard = "nucleo_f44"', "did you mean"),
        ("[mcu", "is no TOML"),
    ],
)
def test_limits_that_are_none_are_wrong_usage(model: Path, limits: str, said: str) -> None:
    done = check(model, limits)
    assert done.returncode == USAGE
    assert said in done.stderr
    assert done.stdout == ""


def test_a_file_that_cannot_be_read_has_a_status_of_its_own(model: Path) -> None:
    done = check(model.with_name("missing.tflite"), "[mcu]\narena = 5", "--json")
    assert done.returncode == UNREADABLE
    error = json.loads(done.stdout)["error"]
    assert "missing.tflite cannot be read" in error["message"]
    assert error["status"] == UNREADABLE
    model.write_bytes(b"no model")
    assert check(model, "[mcu]\narena = 5").returncode == UNREADABLE
    assert run("check", model).returncode == USAGE
    assert run("check", model, "--limits", model.with_name("nowhere.toml")).returncode == USAGE


def test_a_changed_file_with_the_same_outputs_is_not_said_to_have_other_bits(model: Path) -> None:
    output = Path(run_json("rewrite", model)["output"])
    rewritten = read_model(output.read_bytes(), "it")
    names = [replace(tensor, name=f"{tensor.name}_") for tensor in rewritten.main.tensors]
    graph = replace(rewritten.main, tensors=tuple(names))
    output.write_bytes(write_model(replace(rewritten, graphs=(graph,))))
    done = check(output, '[mcu]\narena = "64k"\n', "--original", model)
    assert done.returncode == OTHER_BITS
    assert "NOT what the original becomes, though outputs were the same in every run:" in done.stdout
    assert "NOT the same bits" not in done.stdout
    report = json.loads(check(output, '[mcu]\narena = "64k"\n', "--original", model, "--json").stdout)
    assert (report["bit_exact"], report["outputs_equal"]) == (False, True)
    assert report["problems"]
