"""Signposts lead somewhere: settings, links, door signs, decisions and dependencies are what the code says they are."""

from __future__ import annotations

import ast
import configparser
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from otai.environment import NUMBERS

pytestmark = pytest.mark.pure

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for path in (ROOT / "otai").rglob("*.py") if "migrations" not in path.parts)
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
DJANGO_SETTINGS_OF_OURS = {"OTAI_GATEWAYS", "OTAI_IS_OPEN"}
"""Names of ours in Django's settings that no variable sets."""


@cache
def _nodes_about_settings() -> tuple[ast.AST, ...]:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    return tuple(node for text in texts if "OTAI_" in text for node in ast.walk(ast.parse(text)))


def settings_read() -> set[str]:
    """Names of variables that the code reads or hands on: whole strings in any source file."""
    found = set()
    for node in _nodes_about_settings():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} if re.fullmatch(r"OTAI_[A-Z0-9_]+", node.value) else set()
    return found - DJANGO_SETTINGS_OF_OURS


def test_every_setting_stands_in_the_table_and_nothing_else_does() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in written.splitlines() if line.startswith("| `")]
    told = set(re.findall(r"OTAI_[A-Z0-9_]+", " ".join(rows)))
    assert settings_read() - told == set(), "read by the code, and not in docs/settings.md"
    assert told - settings_read() == set(), "in docs/settings.md, and read nowhere"


def defaults_read() -> dict[str, int]:
    """The settings that are numbers where nobody sets them."""
    return {name: kind.otherwise for name, kind in NUMBERS.items() if kind.otherwise is not None}


UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "": 1}


def defaults_told() -> dict[str, int]:
    """Of each row whose default is a number, or one for each of its settings."""
    told = {}
    for line in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `") and line.count("|") == 4:
            _, names, _, default, _ = line.split("|")
            numbers = [re.fullmatch(r"(\d+) ?(GiB|MiB|)", part.strip(" `")) for part in default.split(",")]
            for name, number in zip(re.findall(r"OTAI_[A-Z_]+", names), numbers, strict=False):
                if number:
                    told[name] = int(number[1]) * UNITS[number[2]]
    return told


def test_a_default_that_is_a_number_is_the_one_in_the_table() -> None:
    read, told = defaults_read(), defaults_told()
    assert len(read) > 35
    assert {name: told.get(name) for name in read} == read | {"OTAI_JOBS_AT_ONCE": None}, (
        "half its cores, said in words"
    )
    assert told.keys() - read.keys() == {"OTAI_EMAIL_TLS"}, "a switch, on by default"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted(folder.glob("[0-9]*.md")) if f"({path.name})" not in index] == []
    numbers = [path.name[:4] for path in folder.glob("[0-9]*.md")]
    assert sorted({number for number in numbers if numbers.count(number) > 1}) == []


@pytest.mark.parametrize(
    "sign", sorted((ROOT / "otai").glob("*/**/__init__.py")), ids=lambda sign: str(sign.relative_to(ROOT))
)
def test_a_door_sign_names_files_that_are_there(sign: Path) -> None:
    text = ast.get_docstring(ast.parse(sign.read_text(encoding="utf-8"))) or ""
    named = re.findall(r"`([a-z0-9_/]+/)`", text) + re.findall(r"[a-z0-9/_-]+\.(?:py|sql|css|md)\b", text)
    assert [name for name in named if not any((at / name).exists() for at in (sign.parent, ROOT, ROOT / "otai"))] == []


def said(source: str) -> Iterator[str]:
    """The comments and docstrings of a file."""
    yield from (
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    )
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


FILE = re.compile(r"(?<![\w./*<{-])[\w/-]+\.(?:py|md|sql)\b")


def test_a_file_that_the_code_names_is_there() -> None:
    """Beside the file that names it, in its room, in `otai`, or from the top."""
    missing, named = [], 0
    for path in SOURCES:
        room = ROOT / "otai" / path.relative_to(ROOT / "otai").parts[0]
        source = path.read_text(encoding="utf-8")
        for text in said(source) if FILE.search(source) else ():
            for name in FILE.findall(text):
                named += 1
                if not any((at / name).exists() for at in (path.parent, room, ROOT / "otai", ROOT)):
                    missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert named > 200
    assert missing == []


def test_every_room_has_a_door_sign() -> None:
    rooms = [path for path in (ROOT / "otai").iterdir() if (path / "__init__.py").exists()]
    assert [room.name for room in rooms if not ast.get_docstring(ast.parse((room / "__init__.py").read_text()))] == []


@pytest.mark.parametrize(
    ("contract", "heading"), [("rooms", "How the house is built"), ("learning", "Inside learning")]
)
def test_the_architecture_shows_each_room_on_its_floor(contract: str, heading: str) -> None:
    """Floor by floor as the import contract has them: what stands below in one stands below in the other."""
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    floors = [re.findall(r"\w+", line) for line in rules[f"importlinter:contract:{contract}"]["layers"].split("\n")]
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    drawn = [re.split(r" {2,}", line.strip())[0] for line in told.splitlines() if line.startswith("    ")]
    assert [re.findall(r"\w+", line) for line in drawn] == [floor for floor in floors if floor]


def test_every_dependency_says_why_it_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    for listed in ("dev.in", "ray.in", "encoders.in"):
        lines = (ROOT / "requirements" / listed).read_text(encoding="utf-8").splitlines()
        named += [line for line in lines if line.strip() and not line.startswith(("#", "-"))]
    packages = {re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0].lower() for name in named}
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert sorted(name for name in packages if not re.search(rf"\b{re.escape(name)}\b", page)) == []
