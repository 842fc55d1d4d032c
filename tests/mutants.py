"""`python -m tests.mutants`: what mutmut's last run left alive, without mutants of mere text. Exits with 1 below 95 %
killed.

A mutant of text differs from the original in nothing but string constants. docs/testing.md explains the survivors.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "mutants"
LEAST_KILLED = 0.95
SURVIVED = {0, 33, None}
"""mutmut's exit codes: the tests passed; no test reaches it; it was not tried."""


def is_text(original: ast.AST, mutant: ast.AST) -> bool:
    return _without_text(original) == _without_text(mutant)


def _without_text(function: ast.AST) -> str:
    for node in ast.walk(function):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        if isinstance(node, ast.FunctionDef):
            node.name = ""
    return ast.dump(function)


def read(meta: Path) -> tuple[int, list[str]]:
    """How many mutants of the file that are not of text there are, and which survived."""
    tree = ast.parse(meta.with_suffix("").read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    counted, survived = 0, []
    for key, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
        name = key.rsplit(".", 1)[-1]
        original = functions[f"{name.rsplit('__mutmut_', 1)[0]}__mutmut_orig"]
        if is_text(original, functions[name]):
            continue
        counted += 1
        if code in SURVIVED:
            survived.append(key)
    return counted, survived


def main() -> int:
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
    print(
        f"{killed:7.1%} of {total:4} killed in all, mutants of text left out; at least {LEAST_KILLED:.0%} are asked for"
    )
    return 0 if killed >= LEAST_KILLED else 1


if __name__ == "__main__":
    sys.exit(main())
