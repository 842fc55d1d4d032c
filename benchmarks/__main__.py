"""Runs the benchmarks, each in a process of its own, and puts what they write into docs/benchmarks.md.

A benchmark is a module of this package with a `main()`. It writes its findings as Markdown to `.bench/NAME.md`; the
section between the markers of that NAME is replaced, so that running one benchmark leaves the figures of the others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.prose import wrapped

ROOT = Path(__file__).resolve().parents[1]
FRAGMENTS = ROOT / ".bench"
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Every figure here was written by `make bench` (one: `make bench BENCH=pricing_quotes`); nothing is typed by
hand but the counts of the long proofs, which `make torture` makes and a person writes down. Speeds are ratios within
one run wherever another tool is compared, since machines are noisy.
"""


def known() -> list[str]:
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    return [name for name in found if "def main(" in (Path(__file__).parent / f"{name}.py").read_text()]


def put_into_page(page: str, name: str, fragment: str) -> str:
    """The page with the section `name` replaced by `fragment`, or with it added at the end; its lines end as all pages'
    do, whatever machine and versions they name."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = f"{begin}\n{wrapped(fragment.strip())}\n{end}"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _: section, page)
    return f"{page.rstrip()}\n\n{section}\n"


def main(wanted: list[str]) -> int:
    names = known()
    flags = [word for word in wanted if word.startswith("-")]
    chosen = [word for word in wanted if not word.startswith("-")] or names
    if unknown := [name for name in chosen if name not in names]:
        print(f"There is no benchmark {', '.join(unknown)}. There is: {', '.join(names)}", file=sys.stderr)
        return 2
    FRAGMENTS.mkdir(exist_ok=True)
    failed = []
    for name in chosen:
        print(f"== {name}", flush=True)
        written = {path: path.stat().st_mtime_ns for path in FRAGMENTS.glob("*.md")}
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *flags], cwd=ROOT).returncode:
            failed.append(name)
            continue
        page = PAGE.read_text() if PAGE.exists() else HEAD
        for path in sorted(FRAGMENTS.glob("*.md")):
            if written.get(path) != path.stat().st_mtime_ns:
                page = put_into_page(page, path.stem, path.read_text())
        PAGE.write_text(page)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
