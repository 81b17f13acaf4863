"""Single flipped bits all over rewritten files: each that is in anything the file says is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random
from typing import NamedTuple

import pytest

from testing.corpus import corpus_model
from tflm_msf.arena import OFFLINE_PLAN
from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.inputs import make_inputs
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model
from tflm_msf.verify import verify
from tflm_msf.verify.holds import compare_content

MODELS = ("mlperf__kws_dscnn", "mlperf__ic_resnet8", "haverland__dig_class100_s1")
SOURCES = ("the original", "the file")


class Region(NamedTuple):
    """A part of the file: its name, and the bytes that it takes."""

    name: str
    bytes: range


class Files(NamedTuple):
    """An original, its rewritten file, and the parts of that."""

    original: Model
    rewritten: bytes
    regions: tuple[Region, ...]


@cache
def files(name: str) -> Files:
    data = corpus_model(name)
    content = rewrite_file(data, name).data
    return Files(read_model(data, name), content, tuple(_regions(content)))


def _regions(content: bytes) -> Iterator[Region]:
    """Parameters, programs, the offline plan, and all the rest: the records of tensors, operators and the file."""
    model = read_model(content, "it")
    graph = model.main
    parts = {
        "params": [tensor.data for tensor in graph.tensors if tensor.data],
        "programs": [op.custom_options for op in graph.ops if op.custom_options],
        "plan": [dict(model.metadata)[OFFLINE_PLAN]],
    }
    known: set[int] = set()
    for name, blobs in parts.items():
        for blob in blobs:
            at = content.index(blob)
            known.update(range(at, at + len(blob)))
            yield Region(name, range(at, at + len(blob)))
    first = 0
    for at in (*sorted(known), len(content)):
        if at > first:
            yield Region("records", range(first, at))
        first = at + 1


def flips(name: str, count: int) -> Iterator[tuple[str, bytes]]:
    """As many files with one flipped bit, a quarter in each kind of region."""
    random = Random(name)
    found = files(name)
    for number in range(count):
        kind = ("params", "programs", "plan", "records")[number % 4]
        places = [region.bytes for region in found.regions if region.name == kind]
        (place,) = random.choices(places, [len(place) for place in places])
        content = bytearray(found.rewritten)
        content[random.choice(place)] ^= 1 << random.randrange(8)
        yield kind, bytes(content)


def is_found(name: str, content: bytes) -> bool:
    """What ``verify`` sees before it runs anything: an unsound file, or one that holds something else."""
    try:
        model = read_model(content, "it")
        return bool(compare_content(files(name).original, model, SOURCES).problems)
    except MsfError:
        return True


def check(name: str, count: int) -> dict[str, int]:
    """Flips that are not found, by region: none of them may change anything that the file says."""
    unseen: dict[str, int] = {}
    whole = read_model(files(name).rewritten, "it")
    for kind, content in flips(name, count):
        if not is_found(name, content):
            assert kind == "records"
            assert said(read_model(content, "it")) == said(whole)
            assert_runs_the_same(files(name).rewritten, content)
            unseen[kind] = unseen.get(kind, 0) + 1
    return unseen


def said(model: Model) -> Model:
    """All that the file says, but for who wrote it."""
    return replace(model, metadata=tuple(entry for entry in model.metadata if entry[0] == OFFLINE_PLAN))


def assert_runs_the_same(content: bytes, other: bytes) -> None:
    one, two = Session(content), Session(other)
    assert one.arena() == two.arena()
    for values in make_inputs(one.model.main, 3, 0):
        for ours, theirs in zip(one.run(values), two.run(values), strict=True):
            assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_every_flip_that_says_something_else_is_found(name: str) -> None:
    assert set(check(name, 40)) <= {"records"}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_thousand_flips(name: str) -> None:
    unseen = check(name, 1000)
    assert set(unseen) <= {"records"}
    assert sum(unseen.values()) < 100
    print(f"{name}: {unseen} of 1000 not found")


def test_regions_cover_the_file() -> None:
    for name in MODELS:
        regions = files(name).regions
        assert sum(len(region.bytes) for region in regions) == len(files(name).rewritten)
        assert {region.name for region in regions} == {"params", "programs", "plan", "records"}


def fails(name: str, content: bytes) -> bool:
    try:
        return not verify(corpus_model(name), content, sources=SOURCES).passed
    except MsfError:
        return True


def test_verify_fails_for_a_flip_in_each_kind_of_region() -> None:
    """As a user runs it, with default options."""
    for kind, content in flips(MODELS[0], 3):
        assert fails(MODELS[0], content), kind
