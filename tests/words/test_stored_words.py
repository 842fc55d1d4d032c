"""Nothing English is stored, and nothing is read back out of English: what the code may not do again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

import pytest
from django.apps import apps
from django.db.models import CharField, TextField

from tests.docstrings import OTAI, trees

pytestmark = pytest.mark.pure

BEFORE = "reads what a release before stored"
FOREIGN = "words of files or programs that are not ours"
READ: Mapping[str, str] = {
    "api/problems.py": FOREIGN,
    "db.py": FOREIGN,
    "ledger/sqlite.py": FOREIGN,
    "serving/models/versions.py": BEFORE,
    "tickets/column_names.py": FOREIGN,
    "tickets/known_afterwards.py": FOREIGN,
    "tickets/linking.py": FOREIGN,
    "words/actors.py": BEFORE,
    "words/explained.py": BEFORE,
}
"""Where words are read all the same, by file, and whose they are. `learning`, which reads tickets, and the readers of
files stand beside these."""
STORED: Mapping[str, str] = {"privacy/emptying.py": "the name of what had one, after its organisation was erased"}
SAID_BELOW: Mapping[str, str] = {
    "ledger/queries/lots.py": "a view of rows, for doors",
}
"""Where a text is said below the doors all the same, and nothing of it is stored."""

DOORS = ("api/", "cli/", "web/", "words/", "client/")
TEXT_COLUMNS = frozenset(
    column.name
    for model in apps.get_models()
    if model.__module__.startswith("otai.")
    for column in model._meta.fields
    if isinstance(column, CharField | TextField)
)

TAKES_APART = frozenset({"partition", "rpartition", "split", "rsplit", "removesuffix", "removeprefix"})
LOOKS_AT = frozenset({"startswith", "endswith", "index", "find", *TAKES_APART})
PATTERNS = frozenset({"compile", "match", "search", "fullmatch", "findall", "sub"})
WRITES = frozenset({"create", "update", "get_or_create", "update_or_create"})
_TWO_WORDS = re.compile(r"[a-z]{3,}[ ](?:\\\()?[a-z]{3,}")


def _says_something(node: ast.expr) -> bool:
    """A constant of two words at least; a column's code or a name in a format has none."""
    if isinstance(node, ast.Tuple):
        return any(map(_says_something, node.elts))
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return " " in text.strip() and any(sign.isalpha() for sign in text)


def _reads_words(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=name), args=[ast.Constant(value=str(text)), *_]):
            return name in PATTERNS and _TWO_WORDS.search(text) is not None
        case ast.Call(func=ast.Attribute(attr="replace"), args=[ast.Constant(value="_"), ast.Constant(value=" ")]):
            # A code made into words.
            return True
        case ast.Call(func=ast.Attribute(attr=name), args=args):
            return name in LOOKS_AT and any(map(_says_something, args))
        case ast.Compare():
            return any(map(_says_something, [node.left, *node.comparators]))
    return False


def _stores_words(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and any(_says_something(part) for one in node.keywords for part in ast.walk(one.value) if _is_text(part))
    )


def _says_into_a_column(node: ast.AST) -> bool:
    """A fact said, or a refusal's English message, given to what is called as a column of text is."""
    match node:
        case ast.Call(keywords=given):
            return any(one.arg in TEXT_COLUMNS and any(map(_is_said, ast.walk(one.value))) for one in given)
        case ast.Assign(targets=targets):
            named = {part.attr for target in targets for part in ast.walk(target) if isinstance(part, ast.Attribute)}
            return not named.isdisjoint(TEXT_COLUMNS) and any(map(_is_said, ast.walk(node.value)))
    return False


def _is_said(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="say_fact")) | ast.Call(func=ast.Attribute(attr="said")):
            return True
        case ast.Attribute(value=ast.Name(id="error" | "refused" | "declined" | "late" | "failed"), attr="message"):
            return True
    return False


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant)


def _found(files: Mapping[str, ast.Module]) -> Iterator[tuple[str, str, str]]:
    for path, tree in files.items():
        if "migrations" in path or path.startswith(("learning/", "tickets/sources/")):
            continue
        for node in ast.walk(tree):
            if _reads_words(node):
                yield "read", path, ast.unparse(node)
            if _stores_words(node):
                yield "stored", path, ast.unparse(node)
            if not path.startswith(DOORS) and _says_into_a_column(node):
                yield "said", path, ast.unparse(node)


def test_no_words_of_ours_are_read_back_or_stored() -> None:
    found = list(_found(trees(OTAI)))
    allowed = {("read", path) for path in READ} | {("stored", path) for path in STORED}
    allowed |= {("said", path) for path in SAID_BELOW}
    assert [one for one in found if one[:2] not in allowed] == []
    assert allowed - {one[:2] for one in found} == set(), "no exception is kept that is none any more"


KINDS = """
import re
WAYS = re.compile(r"Read as (?P<what>.+)")
BY = re.compile(r"(?P<name>.+) \\\\(made with key (?P<key>.+)\\\\)")

def about(event):
    if event.about.startswith("list of "):
        return event.about.removeprefix("list of ")
    return event.what.replace("_", " ")

def made(row):
    if row.source_filename == "labels corrected":
        return True
    row.objects.create(source_filename="labels corrected", made_as=f"feedback on {row.name}")

def beside(row, error, fact):
    row.stopped_why = say_fact(fact)[:500]
    row.objects.update(problem=error.message, stopped_why=fact.code)

def fine(row):
    row.objects.create(what="labels_corrected", name=row.name.partition("@")[0])
    return row.what == "labels_corrected" or row.text.split(", ")
"""


def test_each_kind_of_it_is_noticed() -> None:
    """As it was done before: a beginning, a pattern, a comparison, a code with blanks; a sentence in a row."""
    found = list(_found({"billing/kinds.py": ast.parse(KINDS)}))
    assert sorted(kind for kind, *_ in found) == ["read"] * 5 + ["said"] * 2 + ["stored"]
    assert not [text for *_, text in found if "labels_corrected" in text]
