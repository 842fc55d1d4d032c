"""What the product is made of: the locks, told as CycloneDX, and held against known vulnerabilities."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.advisories import NOTHING_PROVEN, verdict
from tests.parts import needed

pytestmark = pytest.mark.pure
ROOT = Path(__file__).resolve().parents[1]


def test_make_sbom_names_every_locked_package_with_its_version(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "cyclonedx-py"
    needed(lambda: program if program.is_file() else None, package="cyclonedx-bom")
    line = next(one for one in (ROOT / "Makefile").read_text().splitlines() if one.startswith("SBOM = "))
    options = line.removeprefix("SBOM = $(BIN)/cyclonedx-py ").split()
    made = tmp_path / "otai.cdx.json"
    command = [str(program), *options, "--output-file", str(made), "requirements/base.lock"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    bill = json.loads(made.read_text())
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == "otai"
    locked = re.findall(
        r"^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements" / "base.lock").read_text(), flags=re.MULTILINE
    )
    assert sorted((one["name"], one["version"]) for one in bill["components"]) == sorted(locked)
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in bill["components"])


def test_an_audit_says_what_is_known_and_what_nobody_looked_up() -> None:
    fine = {"name": "django", "version": "5.2.19", "vulns": []}
    flawed = {"name": "pip", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
    skipped = {"name": "numpy", "version": "2", "skip_reason": "Dependency not found on PyPI"}
    assert verdict([fine])[0] == 0
    assert verdict([fine, flawed]) == (
        1,
        ["pip 1: PYSEC-1, mended in 2", "2 packages were looked up, 1 vulnerabilities are known."],
    )
    assert verdict([fine, skipped])[0] == NOTHING_PROVEN and "numpy" in verdict([fine, skipped])[1][-1]
    for nothing in ([], [skipped]):
        assert verdict(nothing) == (
            NOTHING_PROVEN,
            ["No database of vulnerabilities was reached: nothing was audited."],
        )
