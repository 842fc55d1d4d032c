"""`python -m tests.figures [FOLDER]`: how large and how knotted the code is, in numbers.

docs/testing.md keeps them.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.docstrings import OTAI, public_functions


def arrows(folder: Path) -> tuple[int, int]:
    """The files of a folder, and the imports from one of them to another."""
    package = ".".join(folder.parts[folder.parts.index("otai") :])
    names = {
        ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in sorted(folder.rglob("*.py"))
    }
    found = set()
    for name, path in names.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            wanted = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                wanted = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            found |= {(name, one) for one in wanted if one in names and one not in (name, package)}
    return len(names), len(found)


def main(folder: Path) -> None:
    """Prints the figures of an `otai` folder."""
    from tests.test_house import branches, class_names, functions, lines, parameters

    measured = [(name, (lines(one), branches(one), parameters(one))) for name, one in functions(folder)]
    files, imports = arrows(folder / "learning")
    said = list(public_functions(folder))
    twice = [name for name, at in class_names(folder).items() if len(at) > 1]
    print(f"learning: {files} files, {imports} imports among them")
    for what, at in (("longest function, lines", 0), ("busiest function, branches", 1), ("most parameters", 2)):
        most, name = max((counts[at], name) for name, counts in measured)
        print(f"{what}: {most} ({name})")
    print(f"functions over 80 lines: {sum(counts[0] > 80 for _, counts in measured)} of {len(measured):,}")
    print(f"functions over 20 branches: {sum(counts[1] > 20 for _, counts in measured)}")
    print(f"public class names of more than one file: {len(twice)}")
    print(f"public functions with a docstring: {sum(said for _, said in said) / len(said):.1%} of {len(said):,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else OTAI)
