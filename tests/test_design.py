"""DESIGN.md argues in chapters of one form, about functions that exist, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "DESIGN.md").read_text(encoding="utf-8")
CHAPTERS = dict(re.findall(r"^## (\d+ .+)\n((?:(?!^## ).*\n)+)", TEXT, re.MULTILINE))
PARTS = ("**Idea.**", "**Rejected.**", "**Claim.**", "**Why.**", "**Where:**", "**Broken by:**")
REFERENCE = re.compile(r"`([\w/.]+\.(?:py|c|h))::(\w+)`")


def is_defined(path: str, name: str) -> bool:
    """True if a file defines a function or class of that name."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".py"):
        return re.search(rf"^ *(?:def|class) {name}\b", text, re.MULTILINE) is not None
    return re.search(rf"^[\w *]*\b{name}\([^;]*?\) \{{", text, re.MULTILINE) is not None


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_a_picture_and_an_argument_that_tests_would_break(chapter: str) -> None:
    text = CHAPTERS[chapter]
    picture, *parts = [text.index(part) for part in ("```", *PARTS)]
    assert [picture, *parts] == sorted([picture, *parts])
    where, broken_by = text[parts[-2] : parts[-1]], text[parts[-1] :]
    for line, count in ((where, where.count("`") // 2), (broken_by, broken_by.count("`") // 2)):
        references = REFERENCE.findall(line)
        assert len(references) == count > 0
        for path, name in references:
            assert is_defined(path, name), (path, name)
    assert all(path.startswith("tests/") and name.startswith("test_") for path, name in REFERENCE.findall(broken_by))


def test_there_are_chapters_and_a_glossary_and_others_point_here() -> None:
    assert len(CHAPTERS) >= 18
    assert "## Glossary" in TEXT
    for document in ("README.md", "CONTRIBUTING.md", "tflm_kernels/SPEC.md"):
        assert "DESIGN.md" in (ROOT / document).read_text(encoding="utf-8"), document


def test_links_inside_lead_to_headings() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_every_budget_of_the_search_is_named() -> None:
    """Whoever adds one says in the text what is lost with it."""
    defined = re.compile(r"^((?:MOST|MANY)_[A-Z_]+)\b.* = ", re.MULTILINE)
    package = ROOT / "tflm_msf"
    sources = {path: defined.findall(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")}
    of_the_search = (
        package / "search",
        package / "arena" / "placement",
        package / "blocks",
        package / "network" / "orders.py",
    )
    budgets = {name for path, names in sources.items() if {path, *path.parents} & {*of_the_search} for name in names}
    named = set(re.findall(r"`((?:MOST|MANY)_[A-Z_]+)`", TEXT))
    assert len(budgets) >= 10
    assert budgets <= named <= set().union(*sources.values())
