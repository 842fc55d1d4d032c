"""Learning speaks the field's words: each word of its class names stands in the glossary, and no coinage comes back."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from tests.test_house import OTAI, class_names

pytestmark = pytest.mark.pure

GLOSSARY = OTAI.parent / "docs" / "glossary.md"


def _listed(names: str) -> set[str]:
    return set(names.split())


COINAGES = _listed("likeness loud nearness patience taught voice voices wordless")
"""What was once said instead of the field's words. No name in `otai/` has them."""

COINAGES_OF_LEARNING = COINAGES | _listed(
    "abroad crossed doubt doubts foreign halved hot keeping lead lesson lessons mix reach student teacher "
    "tell telling unseen ways worth"
)
"""These are plain words elsewhere: a customer is abroad, a page leads somewhere. What a test of learning is called is a
sentence, and may use them as English does."""

NAMES_OF_OTHERS = {"ForeignKey"}

PLAIN_WORDS = _listed(
    "an array base bin branch builder cache child choice clean compared confused cost count counts cut damaged "
    "decision described differs encoded encoding ensembled estimate expectation export exported failure family file "
    "fitted found gain gpu growing hub input inputs installed invalid judged labelled linear many measurements "
    "mended mender meter metric missing mixture module network not nothing number one onnx package pair personal pi "
    "point prediction "
    "process product progress promised py ranked reader repository round sample score scored size spec such tail to "
    "tokenised trained tried tuned universal unknown used"
)
"""Words of class names that need no line: plain English, and programmers'."""


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)}


def names_in(source: str) -> set[str]:
    """All identifiers of a file, wherever they stand; text and comments are none."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


def glossary_words() -> set[str]:
    terms = [line.split("|")[1] for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {word.lower() for word in re.findall(r"[A-Za-z0-9]+", " ".join(terms))}


def _with_plural(known: set[str]) -> set[str]:
    return known | {f"{word}s" for word in known} | {word.removesuffix("s") for word in known}


def test_every_word_of_a_class_of_learning_is_plain_or_in_the_glossary() -> None:
    used = set().union(*(words(name) for name in class_names(OTAI / "learning")))
    known = _with_plural(glossary_words())
    assert sorted(used - known - PLAIN_WORDS) == []
    assert sorted(PLAIN_WORDS - (used - known)) == [], "no word is kept that no class has, or that has its line now"


@pytest.mark.parametrize(
    ("folder", "barred"),
    [
        (OTAI, COINAGES),
        (OTAI / "learning", COINAGES_OF_LEARNING),
        (OTAI.parent / "tests" / "learning", COINAGES_OF_LEARNING),
    ],
)
def test_no_name_is_a_coinage_of_before(folder: Path, barred: set[str]) -> None:
    said = [
        f"{path.relative_to(OTAI.parent)}: {name}"
        for path in sorted(folder.rglob("*.py"))
        if any(word in (source := path.read_text(encoding="utf-8")).lower() for word in barred)
        for name in sorted(names_in(source) - NAMES_OF_OTHERS)
        if words(name) & barred and not name.startswith("test_")
    ]
    assert said == []


LONG_FUNCTION_LINES = 15


def functions_with(name: str, source: str, *, lines: int) -> list[str]:
    """The functions of so many lines or more that have a variable or an argument of that name."""
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= lines - 1
        and name in {getattr(one, "id", getattr(one, "arg", None)) for one in ast.walk(node)}
    ]


def test_nothing_is_called_found_in_a_long_function_of_learning() -> None:
    """What was found is said where its line is out of sight."""
    said = [
        f"{path.relative_to(OTAI.parent)}: {name}"
        for path in sorted((OTAI / "learning").rglob("*.py"))
        if "found" in (source := path.read_text(encoding="utf-8"))
        for name in functions_with("found", source, lines=LONG_FUNCTION_LINES)
    ]
    assert said == []
    source = "def search(texts):\n    found = []\n    return found\n"
    assert functions_with("found", source, lines=3) == ["search"]
    assert functions_with("found", source, lines=4) == []


def test_a_coinage_is_found_in_a_name_and_not_in_text() -> None:
    source = 'loud_voices = 1  # foreign\nclass Voice:\n    "abroad"\n'
    assert {name for name in names_in(source) if words(name) & COINAGES} == {"loud_voices", "Voice"}


def test_a_term_of_the_glossary_stands_once_and_in_a_line() -> None:
    rows = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    terms = [line.split("|")[1].strip() for line in rows if "---" not in line and not line.startswith("| term |")]
    assert sorted({term for term in terms if terms.count(term) > 1}) == []
    assert [line for line in rows if line.count("|") != 3] == []


def test_what_the_glossary_quotes_of_the_code_is_there() -> None:
    quoted = re.findall(r"`recipes\.(\w+)`", GLOSSARY.read_text(encoding="utf-8"))
    tree = ast.parse((OTAI / "learning" / "recipes.py").read_text(encoding="utf-8"))
    assert quoted
    assert set(quoted) <= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
