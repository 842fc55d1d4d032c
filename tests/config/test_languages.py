"""Which languages an installation speaks: its folders and `OTAI_LANGUAGES` say it, nothing else does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import otai
from otai.config.addresses import InvalidSetting
from otai.config.languages import CATALOGUES, languages, translated

pytestmark = pytest.mark.pure

ROOT = Path(otai.__file__).parent
READS_TICKETS = ("learning", "tickets", "migrations")
"""Rooms that know the languages of tickets, not of the product; and migrations, which tell what was."""


def test_every_language_with_catalogues_is_spoken_english_first() -> None:
    assert languages("")[:2] == [("en", "English"), ("de", "Deutsch")]
    assert [code for code, _ in languages("")] == translated()


def test_an_installation_picks_and_orders() -> None:
    assert languages(" de, EN,de") == [("de", "Deutsch"), ("en", "English")]


def test_a_language_without_catalogues_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(InvalidSetting, match=r"OTAI_LANGUAGES names “tlh”.* are en, de") as refused:
        languages("en,tlh")
    assert refused.value.code == "invalid_setting"


def test_a_new_folder_is_a_new_language_by_its_own_name(tmp_path: Path) -> None:
    for name in ("nl", "pt_BR"):
        (tmp_path / name / "LC_MESSAGES").mkdir(parents=True)
        (tmp_path / name / "LC_MESSAGES" / "django.mo").touch()
    assert languages("", catalogues=tmp_path) == [
        ("en", "English"),
        ("nl", "Nederlands"),
        ("pt-br", "Português (Brasil)"),
    ]


def test_no_code_asks_for_a_language() -> None:
    """English is what sentences are written in; any other code of a language in a comparison would be a list of its
    own."""
    codes = set(translated(CATALOGUES)) - {"en"}
    found = []
    for path in ROOT.rglob("*.py"):
        if set(READS_TICKETS) & set(path.relative_to(ROOT).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            asked: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                asked = [node.left, *node.comparators]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "startswith":
                asked = node.args
            elif isinstance(node, ast.Dict):
                asked = [key for key in node.keys if key is not None]
            words = [word for one in asked for word in ast.walk(one) if isinstance(word, ast.Constant)]
            found += [f"{path.name}:{word.lineno}" for word in words if word.value in codes]
        found += [f"{path.name}: {name}" for name in re.findall(r"\b\w*is_(?:german|french)\b", path.read_text())]
    assert not [one for one in found if not one.startswith("datasets.py")], found
