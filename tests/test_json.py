"""What `--json` prints is what docs/schema.json says, for every command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.arena.test_refusals import joined
from tests.test_advice import with_float_ends
from tests.test_cli import network, run
from tflm_msf.cli import COMMANDS
from tflm_msf.tflite_io import write_model

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "schema.json").read_text("utf-8"))["$defs"]
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = {
    "type",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "$ref",
    "anyOf",
    "const",
    "description",
    "allOf",
}


def faults(value: Any, schema: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Where ``value`` is not what the part of JSON Schema that is used here says; a key that is not listed is one."""
    assert schema.keys() <= KNOWN
    if "$ref" in schema:
        yield from faults(value, SCHEMA[schema["$ref"].removeprefix("#/$defs/")], where)
    elif "allOf" in schema:
        parts = [SCHEMA[p["$ref"].removeprefix("#/$defs/")] if "$ref" in p else p for p in schema["allOf"]]
        required = [key for part in parts for key in part["required"]]
        properties = {key: value for part in parts for key, value in part["properties"].items()}
        yield from faults(value, {"type": "object", "required": required, "properties": properties}, where)
    elif "anyOf" in schema:
        if not any(list(faults(value, option)) == [] for option in schema["anyOf"]):
            yield f"{where}: {value!r} is none of {schema['anyOf']}"
    elif "const" in schema:
        if value != schema["const"]:
            yield f"{where}: {value!r} is not {schema['const']!r}"
    else:
        yield from _typed_faults(value, schema, where)


def _typed_faults(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    allowed = tuple(kind for name in names for kind in TYPES[name])
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        yield f"{where}: {value!r} is no {' or '.join(names)}"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, schema.get("items", {"const": "nothing"}), f"{where}[{index}]")
    elif isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key in set(schema.get("required", ())) - value.keys():
            yield f"{where}: {key} is missing"
        for key, item in value.items():
            if key not in properties and others is None:
                yield f"{where}: {key} is not in the schema"
            else:
                yield from faults(item, properties.get(key, others), f"{where}.{key}")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.tflite").write_bytes(write_model(network()))
    Path("f.tflite").write_bytes(write_model(with_float_ends(network())))
    Path("j.tflite").write_bytes(write_model(joined(11)))
    Path("l.toml").write_text('[x]\narena = "64k"\noverhead = 1.0\nflash = 10\ninstructions = 5\n')
    Path("m.toml").write_text('[x]\narena = "64k"\n')
    assert run("rewrite", "a.tflite").returncode == 0


COMMAND_LINES = """
rewrite a.tflite
rewrite f.tflite --stream-input --pixel-format uint8 --pixel-range 0 1
rewrite a_msf.tflite -o b.tflite
rewrite a.tflite --weights plain
rewrite a.tflite --ram-limit 1
rewrite j.tflite
verify j.tflite j_msf.tflite --runs 1
plan f.tflite
compare a.tflite
inspect f.tflite
inspect a_msf.tflite
verify a.tflite a_msf.tflite --runs 2
verify f.tflite a_msf.tflite --runs 2
fits f.tflite
boards
operators
advise a.tflite
advise f.tflite --ram-limit 1
analyze a.tflite
analyze f.tflite
report f.tflite --ram-limit 64k
report j.tflite
check a.tflite f.tflite --limits l.toml
check a_msf.tflite --original a.tflite --limits m.toml
check a_msf.tflite --limits nowhere
export a.tflite --format c -o out
rewrite nowhere
rewrite --nothing
""".strip().splitlines()


def test_every_command_prints_what_the_schema_says() -> None:
    seen = set()
    for line in COMMAND_LINES:
        done = run(*line.split(), "--json")
        printed = json.loads(done.stdout)
        tool, kind, version = printed["schema"].split("/")
        assert (tool, version) == ("tflm-msf", "2")
        assert kind == ("error" if done.stderr.startswith("tflm-msf: ") else line.split()[0])
        assert list(faults(printed, SCHEMA[kind], line)) == []
        seen.add(kind)
    assert seen == {*COMMANDS, "error"}


def test_the_validator_sees_what_is_wrong() -> None:
    good = {"schema": "tflm-msf/error/2", "error": {"message": "No.", "status": 2}}
    assert list(faults(good, SCHEMA["error"])) == []
    for bad in (
        {**good, "schema": "tflm-msf/error/1"},
        {**good, "more": 1},
        {"schema": good["schema"]},
        {**good, "error": {"message": "No.", "status": "2"}},
        {**good, "error": {"message": "No.", "status": True}},
        {**good, "error": None},
    ):
        assert len(list(faults(bad, SCHEMA["error"]))) == 1
