"""What is installed with this package: nothing under a licence that we have not looked at, and in CI by hash."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-ci.txt"
EXTRAS = ("test", "emulated", "docs", "notebook", "plot")
"""Those that are installed for the tests; `test` names the last three."""
LICENCES = re.compile(
    r"(MIT|MIT-CMU|ISC|BSD|BSD-[23]-Clause|0BSD|Apache|Apache-2\.0|MPL|MPL-2\.0|Mozilla|PSF-2\.0"
    r"|Python Software Foundation|Zlib|CC0-1\.0|Public [Dd]omain)\b"
)
"""Those that let anybody use, change and pass on; MPL asks for its own files' sources only."""

SAID_ELSEWHERE = {"tflite-micro": "Apache-2.0"}
"""Packages whose metadata do not say it."""


def needed(name: str, extras: tuple[str, ...], found: dict[str, Distribution]) -> dict[str, Distribution]:
    """A package and all that it needs here, by name."""
    name = canonicalize_name(name)
    try:
        package = distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    found[name] = package
    for requirement in direct(package, extras):
        if canonicalize_name(requirement.name) not in found:
            needed(requirement.name, tuple(requirement.extras), found)
    return found


def direct(package: Distribution, extras: tuple[str, ...]) -> Iterator[Requirement]:
    for requirement in map(Requirement, package.requires or ()):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def licences(package: Distribution) -> list[str]:
    metadata = package.metadata.json
    classifiers = [line for line in metadata.get("classifier", ()) if line.startswith("License")]
    said = metadata.get("license_expression") or " AND ".join(line.split(" :: ")[-1] for line in classifiers)
    said = said or SAID_ELSEWHERE.get(canonicalize_name(str(metadata["name"]))) or metadata.get("license", "nothing")
    return re.split(r" AND | OR ", str(said))


def test_licences_are_ones_that_we_know() -> None:
    packages = needed("tflm-msf", EXTRAS, {})
    assert len(packages) > 20
    unknown = {name: licences(package) for name, package in packages.items()}
    assert {n: said for n, said in unknown.items() if not all(LICENCES.match(one) for one in said)} == {}


@pytest.mark.parametrize("licence", ["GPL-3.0-or-later", "Other/Proprietary License", "nothing", "MITTENS"])
def test_other_licences_would_be_noticed(licence: str) -> None:
    assert not LICENCES.match(licence)


def locked() -> dict[str, Version]:
    """Versions in the lock file, all of which have a hash."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = [re.fullmatch(r"([a-z0-9.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}", line) for line in lines]
    assert all(found)
    return {match[1]: Version(match[2]) for match in found if match}


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the lock file is for Python 3.11")
def test_the_lock_file_has_all_that_is_needed() -> None:
    versions = locked()
    packages = needed("tflm-msf", EXTRAS, {})
    assert set(packages) - {"tflm-msf"} <= set(versions)
    assert "setuptools" in versions
    for requirement in direct(packages["tflm-msf"], EXTRAS):
        if canonicalize_name(requirement.name) != "tflm-msf":
            assert versions[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)


def test_each_dependency_has_its_reason_and_licence() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:2] == "| "]
    assert all(len(row) == 4 and all(row) for row in rows)
    named = {word for row in rows for word in re.findall(r"[\w-]+", row[0])}
    wanted = {requirement.name for requirement in direct(distribution("tflm-msf"), (*EXTRAS, "models"))}
    assert wanted - named <= {"tflm-msf"}
