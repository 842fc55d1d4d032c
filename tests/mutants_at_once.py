"""`python -m tests.mutants_at_once --files FILE ... --tests FILE ...`: all mutants of some files in one process.

Where tests need a database, most of what a mutant costs in `make mutants` is a process of its own. Here each runs the
tests that reach its function, quickest first, until one fails, in transactions that are rolled back. What a mutant
leaves behind in memory stays, so the originals are tried again in between: should they fail, nothing was proven.
`tests.mutants` then says the share.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.mutants import FOLDER, only_what_counts, read_keys, report

SURVIVED, KILLED = 0, 1
BETWEEN_LOOKS = 40


def generate(files: list[str], *, most: int, seed: int, only: Collection[str]) -> None:
    """The product with its mutants, below FOLDER; of a file with more than `most`, as many of them, drawn by `seed`;
    or those that are named."""
    from mutmut import __main__ as mutmut
    from mutmut.configuration import config
    from mutmut.mutation.trampoline import set_mutant_under_test

    shutil.rmtree(FOLDER, ignore_errors=True)
    only_what_counts()
    config().only_mutate = files
    set_mutant_under_test("mutant_generation")
    FOLDER.mkdir()
    for step in (mutmut.copy_src_dir, mutmut.copy_also_copy_files, mutmut.setup_source_paths):
        step()
    mutmut.create_mutants(1)
    for meta in sorted(FOLDER.rglob("*.py.meta")):
        keys = sorted(read_keys(meta))
        drawn = [key for key in keys if not only or key in only]
        if len(drawn) > most:
            drawn = sorted(random.Random(f"{seed}:{meta.name}").sample(drawn, most))
        if len(drawn) < len(keys):
            print(
                f"{meta.relative_to(FOLDER).with_suffix('')}: {len(drawn)} of {len(keys)}, by seed {seed}", flush=True
            )
        stored = json.loads(meta.read_text())
        meta.write_text(json.dumps({**stored, "exit_code_by_key": dict.fromkeys(drawn)}))


def mutants() -> Iterator[tuple[Path, str]]:
    """The file and the name of each that counts."""
    for meta in sorted(Path.cwd().rglob("*.py.meta")):
        yield from ((meta, key) for key in read_keys(meta))


class AnyOther:
    """The test that comes next, of which nothing is known: all is taken down but what the whole session has."""

    def __init__(self, session: pytest.Session) -> None:
        self.session = session

    def listchain(self) -> list[pytest.Session]:
        return [self.session]


class Loop:
    """pytest's own loop over tests, gone through once for each mutant."""

    def __init__(self) -> None:
        self.failed = False
        self.reached: dict[str, list[tuple[float, pytest.Item]]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    def run(self, item: pytest.Item, mutant: str) -> bool:
        """Whether it passes."""
        os.environ["MUTANT_UNDER_TEST"] = mutant
        self.failed = False
        item._initrequest()  # type: ignore[attr-defined]
        item.ihook.pytest_runtest_protocol(item=item, nextitem=AnyOther(item.session))
        os.environ["MUTANT_UNDER_TEST"] = ""
        return not self.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        from mutmut.mutation import trampoline

        items, hit = session.items, set[str]()
        trampoline.record_trampoline_hit = lambda name, *_more, **_named: hit.add(name)
        for item in items:
            hit.clear()
            begun = time.monotonic()
            if not self.run(item, "stats"):
                print(f"\nleft out, since it fails without a mutant: {item.nodeid}", flush=True)
                continue
            for name in hit:
                self.reached[name].append((time.monotonic() - begun, item))
        codes: dict[Path, dict[str, int]] = defaultdict(dict)
        for number, (meta, mutant) in enumerate(mutants(), 1):
            able = [item for _, item in sorted(self.reached[mutant.rpartition("__mutmut_")[0]], key=lambda one: one[0])]
            lives = all(self.run(item, mutant) for item in able)
            codes[meta][mutant] = SURVIVED if lives else KILLED
            print(f"\n{number} {'ALIVE' if lives else 'killed'} {mutant}", flush=True)
            if (lives and able) or not number % BETWEEN_LOOKS:
                assert all(self.run(item, "") for item in able), "the originals fail after a mutant"
            stored = json.loads(meta.read_text())
            meta.write_text(json.dumps({**stored, "exit_code_by_key": {**stored["exit_code_by_key"], **codes[meta]}}))
        return True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Loop())


def main() -> int:
    """Makes the mutants, tries each, and reports as `tests.mutants` does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", nargs="+", required=True)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("-k", default="", help="which of the tests, as pytest has it")
    parser.add_argument("--most", type=int, default=1_000_000, help="of a file at most so many, drawn at random")
    parser.add_argument("--seed", type=int, default=14, help="what they are drawn by")
    parser.add_argument("--only", nargs="*", default=[], help="the names of mutants, such as those that lived before")
    asked = parser.parse_args()
    generate(asked.files, most=asked.most, seed=asked.seed, only=asked.only)
    given = [
        "-p",
        "tests.mutants_at_once",
        "-p",
        "tests.migrated_once",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-q",
        "--timeout=60",
    ]
    given += ["--database", "sqlite", "-m", "not torture", *(["-k", asked.k] if asked.k else [])]
    here = {**os.environ, "PYTHONPATH": str(FOLDER), "MUTANT_UNDER_TEST": ""}
    subprocess.run([sys.executable, "-m", "pytest", *given, *asked.tests], cwd=FOLDER, env=here, check=False)
    return report()


if __name__ == "__main__":
    sys.exit(main())
