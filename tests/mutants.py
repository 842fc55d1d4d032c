"""`python -m tests.mutants run`: tries each mutant, of all files that pyproject.toml names or of those given.
`python -m tests.mutants` says what the last run left alive, and ends with 1 below 95 % killed.

Text is not mutated: catalogues have tests of their own. Nor do `no_key` and `of` of a lock count, which
tests/races/test_lock_clauses.py reads in the code, and `select_related`, without which the same is read by a query
more. docs/testing.md explains what lives.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "mutants"
LEAST_KILLED = 0.95
SURVIVED = {0, 33, None}
"""mutmut's exit codes: the tests passed; no test reaches it; it was not tried."""


def run(files: Sequence[str], tests: Sequence[str], *, children: int) -> None:
    """Makes the mutants and tries each, so many at a time. Without files and tests: those that pyproject.toml names."""
    from mutmut import __main__ as mutmut
    from mutmut.configuration import config

    only_what_counts()
    if files:
        config().only_mutate = list(files)
    if tests:
        config().pytest_add_cli_args_test_selection = list(tests)
    mutmut._run((), children)


def only_what_counts() -> None:
    """Text is not mutated; operations are, although mutmut leaves all functions under a decorator alone."""
    import libcst
    from mutmut.mutation import file_mutation, mutators

    # In place: it is known by name elsewhere.
    mutators.mutation_operators.remove((libcst.BaseString, mutators.operator_string))  # type: ignore[attr-defined]
    visitor = file_mutation.MutationVisitor
    leaves_alone = visitor._skip_node_and_children

    def but_operations(self: file_mutation.MutationVisitor, node: libcst.CSTNode) -> bool:
        if isinstance(node, libcst.FunctionDef) and len(node.decorators) == 1:
            decorator = node.decorators[0].decorator
            if isinstance(decorator, libcst.Name) and decorator.value == "one_transaction":
                return False
        return leaves_alone(self, node)

    visitor._skip_node_and_children = but_operations  # type: ignore[method-assign]


def is_lock(original: ast.AST, mutant: ast.AST) -> bool:
    """Whether they differ in nothing but how rows are locked, and by how many queries they are read."""
    return _without_locks(original) == _without_locks(mutant)


def _without_locks(function: ast.AST) -> str:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "select_for_update":
            node.keywords = [word for word in node.keywords if word.arg not in ("no_key", "of")]
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "select_related":
            node.args = []
        if isinstance(node, ast.FunctionDef):
            node.name = ""
    return ast.dump(function)


def read(meta: Path) -> tuple[int, list[str]]:
    """How many mutants of the file there are that count, and which survived."""
    codes = read_keys(meta)
    return len(codes), [key for key, code in codes.items() if code in SURVIVED]


def read_keys(meta: Path) -> dict[str, int | None]:
    """The mutants of the file that count, by name, and mutmut's exit code of each; None: not tried."""
    tree = ast.parse(meta.with_suffix("").read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    counted = {}
    for key, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
        name = key.rsplit(".", 1)[-1]
        original = functions[f"{name.rsplit('__mutmut_', 1)[0]}__mutmut_orig"]
        if is_lock(original, functions[name]):
            continue
        counted[key] = code
    return counted


def report() -> int:
    """Prints the share that was killed, file by file, and what lives; 1 below LEAST_KILLED."""
    total, left = 0, 0
    for meta in sorted(FOLDER.rglob("*.py.meta")):
        counted, survived = read(meta)
        total, left = total + counted, left + len(survived)
        print(
            f"{1 - len(survived) / max(counted, 1):7.1%} of {counted:4} killed  "
            f"{meta.relative_to(FOLDER).with_suffix('')}"
        )
        for key in survived:
            print(f"          alive: {key}")
    if not total:
        print("There are no mutants: run mutmut first (make mutants).", file=sys.stderr)
        return 1
    killed = 1 - left / total
    print(f"{killed:7.1%} of {total:4} killed in all; at least {LEAST_KILLED:.0%} are asked for")
    return 0 if killed >= LEAST_KILLED else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["run", "report"], default="report")
    parser.add_argument("--files", nargs="*", default=[], help="of which files; all of pyproject.toml by default")
    parser.add_argument("--tests", nargs="*", default=[], help="by which tests; all of pyproject.toml by default")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="how many at a time")
    asked = parser.parse_args()
    if asked.what == "run":
        run(asked.files, asked.tests, children=asked.children)
    return report()


if __name__ == "__main__":
    sys.exit(main())
