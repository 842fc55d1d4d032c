"""`python -m tests.subjects [FILE]`: whether commit subjects say `room: what changes for whom`, in 72 characters.

With a file: the message in it, as git's hook commit-msg hands it over (`make hooks`). Without: the commits that are not
in `origin/main` yet, else the newest 20. Exits with 1 where one does not, and says which and why. Needs Python alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MOST_CHARACTERS = 72
NEWEST = 20
ROOMS_ELSEWHERE = {"benchmarks", "ci", "deploy", "docs", "doors", "house", "requirements", "style", "tests"}
GITS_OWN = re.compile(r"Merge |Revert |fixup! |squash! |amend! ")
ROOT = Path(__file__).resolve().parents[1]


def rooms() -> set[str]:
    """The folders and modules of `otai/`, and what stands beside it."""
    return {path.stem for path in (ROOT / "otai").iterdir() if path.name[0] not in "_."} | ROOMS_ELSEWHERE


def problem(subject: str) -> str | None:
    """What is wrong with the subject; None: nothing."""
    if GITS_OWN.match(subject):
        return None
    if len(subject) > MOST_CHARACTERS:
        return f"has {len(subject)} characters, at most {MOST_CHARACTERS} are read whole"
    before, colon, after = subject.partition(": ")
    if not colon or not after.strip():
        return "does not say `room: what changes for whom`"
    if unknown := sorted(set(before.split(", ")) - rooms()):
        return f"names no room: {', '.join(unknown)} (known: {', '.join(sorted(rooms()))})"
    return "ends with a full stop" if after.endswith(".") else None


def subjects() -> list[str]:
    """Those of the commits that `origin/main` lacks; where there are none, or no `origin/main`, of the newest 20."""
    new = _git_log("origin/main..HEAD", "--no-merges")
    return new or _git_log(f"-{NEWEST}", "--no-merges")


def _git_log(*which: str) -> list[str]:
    asked = ["git", "-C", str(ROOT), "log", "--format=%s", *which]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.splitlines() if answer.returncode == 0 else []


def main(arguments: list[str]) -> int:
    """0: all say it; 1: one does not."""
    said = Path(arguments[0]).read_text(encoding="utf-8").splitlines()[:1] if arguments else subjects()
    wrong = [(subject, why) for subject in said if (why := problem(subject))]
    for subject, why in wrong:
        print(f"This commit's subject {why}:\n    {subject}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
