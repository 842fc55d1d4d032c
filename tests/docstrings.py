"""`python -m tests.docstrings`: how many public functions say what they do, by room, and which do not.

Counted are functions and methods that other files may name. A method that overrides one with a docstring has it too, as
`help()` shows it; so has one that Django calls. What a Protocol declares as an attribute is no function.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OTAI = Path(__file__).resolve().parents[1] / "otai"
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)

CALLED_BY_DJANGO = {
    *("add_arguments", "change_view", "clean", "format", "get_urls", "handle", "ready", "save"),
    *("has_add_permission", "has_change_permission", "has_delete_permission", "has_view_permission"),
}


@cache
def trees(folder: Path) -> dict[str, ast.Module]:
    """Each file of a folder, by its path below it: read once, since many look."""
    return {
        path.relative_to(folder).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }


def public_functions(folder: Path = OTAI) -> Iterator[tuple[str, bool]]:
    """Each as `path:Class.name`, and whether it has a docstring."""
    found = {path: tree for path, tree in trees(folder).items() if "migrations" not in path.split("/")}
    classes: dict[str, list[ast.ClassDef]] = {}
    for tree in found.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(node)
    for path, tree in found.items():
        for node in tree.body:
            if isinstance(node, FUNCTION) and not node.name.startswith("_"):
                yield f"{path}:{node.name}", _is_documented(node)
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                for method in _methods(node):
                    documented = _is_documented(method) or method.name in CALLED_BY_DJANGO
                    yield f"{path}:{node.name}.{method.name}", documented or _inherits(node, method.name, classes)


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    is_protocol = "Protocol" in _bases(node)
    for child in node.body:
        if isinstance(child, FUNCTION) and not child.name.startswith("_"):
            is_attribute = any(isinstance(of, ast.Name) and of.id == "property" for of in child.decorator_list)
            if not (is_protocol and is_attribute):
                yield child


def _is_documented(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(ast.get_docstring(node))


def _bases(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]


def _inherits(node: ast.ClassDef, method: str, classes: dict[str, list[ast.ClassDef]]) -> bool:
    for base in (found for name in _bases(node) for found in classes.get(name, ()) if found is not node):
        if any(child.name == method and _is_documented(child) for child in base.body if isinstance(child, FUNCTION)):
            return True
        if _inherits(base, method, classes):
            return True
    return False


def main() -> None:
    """Prints the share for each room and in all, and below it what has none."""
    total: Counter[str] = Counter()
    missing: dict[str, list[str]] = {}
    for name, is_documented in public_functions():
        room = name.partition("/")[0].partition(":")[0]
        total[room] += 1
        if not is_documented:
            missing.setdefault(room, []).append(name)
    for room in sorted(total):
        without = missing.get(room, [])
        print(f"{1 - len(without) / total[room]:7.1%} of {total[room]:4}  {room}", *without, sep="\n            ")
    print(f"{1 - sum(map(len, missing.values())) / total.total():7.1%} of {total.total():4}  in all")


if __name__ == "__main__":
    sys.exit(main())
