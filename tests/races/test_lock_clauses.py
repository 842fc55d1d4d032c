"""The code itself: how rows are locked, and that the watch of the lock order sees what it should."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

import otai
from tests.races.lock_order import RANK, Seen, Watch

CODE = Path(otai.__file__).parent
WHOLE_ROW = {
    # function that locks: why the whole row and not only what is no key of it
    "serving/deletion.py:delete_model": (
        "the row is deleted: whoever is about to refer to it waits, and then finds it gone"
    ),
    "serving/deletion.py:_lock_all_models": "the same, with the tickets that they learnt from",
    "outbound/operations/endpoints.py:_locked_to_delete": (
        "the row is deleted: a delivery about to refer to it waits, and then finds it gone"
    ),
}
"""Every lock that is stronger than `no_key=True`. A foreign key's check waits for such a lock, in whatever order its
transaction locks."""


def _calls(code: str) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name of the function that it is in; none of code that locks nothing."""
    if "select_for_update" in code:
        yield from _calls_below(ast.parse(code))


def _calls_below(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(tree):
        inside = child.name if isinstance(child, ast.FunctionDef) else name
        if isinstance(child, ast.Call):
            yield inside, child
        yield from _calls_below(child, inside)


def locks_of_whole_rows(code: str) -> set[str]:
    """The functions with a `select_for_update` that does not say `no_key=True`."""
    found = set()
    for function, call in _calls(code):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "select_for_update":
            said = {one.arg: one.value for one in call.keywords}
            no_key = said.get("no_key")
            if not (isinstance(no_key, ast.Constant) and no_key.value is True):
                found.add(function)
    return found


def locks_of_joined_rows(code: str) -> set[str]:
    """The functions that lock rows which `select_related` brings along, too: they would be locked in the order of the
    join."""
    found = set()
    for function, call in _calls(code):
        chain, node = [], call
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            chain.append(node)
            node = node.func.value  # type: ignore[assignment]
        names = {one.func.attr: one for one in chain if isinstance(one.func, ast.Attribute)}
        lock = names.get("select_for_update")
        if lock is not None and "select_related" in names and not any(word.arg == "of" for word in lock.keywords):
            found.add(function)
    return found


@pytest.mark.pure
def test_every_lock_lets_foreign_keys_refer_to_the_row() -> None:
    """`SELECT ... FOR UPDATE` of an organisation makes every insert that refers to it wait, and so deadlocks with
    whoever locked other rows first."""
    found = {
        f"{file.relative_to(CODE).as_posix()}:{function}"
        for file in CODE.rglob("*.py")
        for function in locks_of_whole_rows(file.read_text())
    }
    assert found == set(WHOLE_ROW), "say no_key=True, or say here why the whole row must be locked"


@pytest.mark.pure
def test_no_lock_takes_joined_rows_along() -> None:
    found = {str(file) for file in CODE.rglob("*.py") if locks_of_joined_rows(file.read_text())}
    assert not found, 'say of=("self",)'


@pytest.mark.pure
def test_raw_statements_lock_likewise() -> None:
    for file in [*CODE.rglob("*.py"), *CODE.rglob("*.sql")]:
        for line in file.read_text().splitlines():
            assert "FOR UPDATE" not in line.replace("FOR NO KEY UPDATE", ""), f"{file}: {line}"


@pytest.mark.pure
def test_the_search_finds_what_it_looks_for() -> None:
    assert locks_of_whole_rows("def f(): return Run.objects.select_for_update().get(id=1)") == {"f"}
    assert locks_of_whole_rows("def f(): return Run.objects.select_for_update(no_key=False).get(id=1)") == {"f"}
    assert not locks_of_whole_rows("def f(): return Run.objects.select_for_update(no_key=True).get(id=1)")
    joined = "def f(): return Run.objects.select_for_update({}).select_related('quote').get(id=1)"
    assert locks_of_joined_rows(joined.format("no_key=True")) == {"f"}
    assert not locks_of_joined_rows(joined.format("of=('self',)"))


@pytest.mark.pure
def test_the_watch_tells_of_locks_against_the_order() -> None:
    watch, seen = Watch(), Seen()
    for statement in (
        'SELECT "runs_run"."id" FROM "runs_run" WHERE "runs_run"."id" = %s FOR NO KEY UPDATE',
        "SELECT * FROM ledger_resolve_hold(%s, %s)",
        'UPDATE "runs_run" SET "status" = %s WHERE "runs_run"."id" = %s',
    ):
        watch.statement(statement, seen)
    assert not watch.violations, "a row that is held already is not waited for"
    watch.statement('SELECT "id" FROM "runs_guarantee" WHERE "id" = %s FOR NO KEY UPDATE', seen)
    assert watch.violations and watch.violations[0].startswith("runs_guarantee is locked after ledger_account")


@pytest.mark.pure
def test_the_documented_order_is_the_one_that_is_watched() -> None:
    page = (CODE.parent / "docs" / "ledger.md").read_text()
    section = page.split("## The order of locks")[1].split("\n## ")[0]
    listed = [word for line in section.splitlines() if line.startswith("| ") for word in line.split("`")[1::2]]
    assert listed == list(RANK)


@pytest.mark.pure
def test_every_table_that_is_locked_has_its_place() -> None:
    """Else the watch would be blind for it. These are locked alone, in transactions of their own."""
    tables = {model.__name__: model._meta.db_table for model in apps.get_models()}
    assert set(RANK) <= set(tables.values())
    locked = {
        tables[name]
        for file in CODE.rglob("*.py")
        for name in re.findall(r"\b(\w+)\.objects\s*\.select_for_update", file.read_text())
    }
    assert len(locked) > 15
    alone = {
        "billing_balance_difference",
        "billing_custom_package",
        "billing_vendor_key",
        "django_session",
        "jobs_machine",
        "mfa_authenticator",
        "orgs_kept_key",
        "orgs_organisation_key",
        "outbound_notification",
        "privacy_export",
        "tickets_arriving_upload",
    }
    assert locked - set(RANK) == alone
