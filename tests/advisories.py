"""`python -m tests.advisories`: holds the locked packages against the database of known vulnerabilities (pip-audit).

Exit code 0: all were looked up, and nothing is known of any. 1: something is known of one. 3: no database was reached,
or it did not know some of them, so that nothing is proven; which ones is said.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOCKS = ("requirements/base.lock", "requirements/encoders.lock", "requirements/ray.lock")
NOTHING_PROVEN = 3
most_seconds = 600


def verdict(found: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """The exit code, and what to say, of pip-audit's list of packages: `name`, `version` and `vulns`, or
    `skip_reason`."""
    unknown = sorted({str(one["name"]) for one in found if "skip_reason" in one})
    known = [(one, flaw) for one in found for flaw in one.get("vulns", ())]
    said = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one, flaw in known
    ]
    looked_up = len({str(one["name"]) for one in found}) - len(unknown)
    if not looked_up:
        said.append("No database of vulnerabilities was reached: nothing was audited.")
    else:
        said.append(f"{looked_up} packages were looked up, {len(known)} vulnerabilities are known.")
        if unknown:
            said.append(f"Not looked up: {', '.join(unknown)}.")
    return (1 if known else NOTHING_PROVEN if unknown or not looked_up else 0), said


def main() -> int:
    """Asks about every lock; returns the exit code."""
    program = Path(sys.executable).parent / "pip-audit"
    found: list[Mapping[str, Any]] = []
    for lock in LOCKS:
        command = [str(program), "--disable-pip", "--no-deps", "--progress-spinner", "off", "--timeout", "10"]
        done = subprocess.run(
            [*command, "--format", "json", "--requirement", lock],
            capture_output=True,
            text=True,
            timeout=most_seconds,
            check=False,
        )
        try:
            found += json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError):
            # Without a database pip-audit ends with a traceback.
            continue
    code, said = verdict(found)
    sys.stdout.write("\n".join(said) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
