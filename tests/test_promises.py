"""SUPPORTED.md and SECURITY.md name the tests that keep their promises; those exist, and not all of them are slow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def promises(document: str) -> list[tuple[str, str]]:
    """(promise, what keeps it) of each row of the tables that have such columns."""
    text = (ROOT / document).read_text(encoding="utf-8")
    tables = re.findall(r"^\| promise \| kept by \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [(row[0], row[1]) for table in tables for row in re.findall(r"^\| (.*?) \| (.*) \|$", table, re.MULTILINE)]


@pytest.mark.parametrize("document", ["SUPPORTED.md", "SECURITY.md"])
def test_every_promise_names_tests_that_exist(document: str) -> None:
    rows = promises(document)
    assert len(rows) >= 10
    for promise, keepers in rows:
        references = REFERENCE.findall(keepers)
        assert references and len(references) == keepers.count("`") // 2, promise
        for path, name in references:
            assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (path, name)


@pytest.mark.parametrize("document", ["SUPPORTED.md", "SECURITY.md"])
def test_no_promise_rests_on_slow_tests_alone(document: str) -> None:
    for promise, keepers in promises(document):
        assert not all(is_slow(path, name) for path, name in REFERENCE.findall(keepers)), promise


def is_slow(path: str, name: str) -> bool:
    """True if a test is left out of `make test`."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^((?:@.*\n(?:(?![@d]).*\n)*)*)def {name}\(", text, re.MULTILINE)
    return found is not None and "\n@pytest.mark.slow\n" in f"\n{found[1]}"
