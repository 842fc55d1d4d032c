"""A statement that its customer can check, and checkpoints that are kept elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.db import connection
from typer.testing import CliRunner

from otai.cli.ledger import app
from otai.ledger import checkpoint, copies
from otai.ledger.proof import InvalidProof, statement_proof, verify_statement
from tests.ledger.stories import NOW, capture, grant, hold
from tests.ledger.test_chain_and_audit import behind_the_ledgers_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def statement(acme: UUID, globex: UUID) -> dict[str, Any]:
    grant(acme, 6)
    capture(acme, hold(acme, 4).hold)
    grant(globex, 2)
    return dict(json.loads(statement_proof(acme, now=NOW)))


def test_a_statement_is_checked_against_itself_and_the_ledger(acme: UUID, statement: dict[str, Any]) -> None:
    grant(acme, 1)
    report = verify_statement(json.dumps(statement))
    assert (report.clean, report.is_known, report.transfers, report.transfers_since) == (True, True, 3, 1)
    assert [row["kind"] for row in statement["transfers"]] == ["grant", "hold", "capture"]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["transfers"][0].update(credits=600),
        lambda s: s["transfers"][1].update(reason="another"),
        lambda s: s["transfers"].pop(1),
        lambda s: s["transfers"].pop(),
        lambda s: s["head"].update(hash="00" * 32),
        lambda s: s.update(organisation="0192f7a0-0000-7000-8000-0000000000ff"),
    ],
)
def test_a_statement_that_was_changed_does_not_fit(statement: dict[str, Any], change: Any) -> None:
    change(statement)
    assert verify_statement(json.dumps(statement)).problems


def test_a_customer_verifies_a_statement_at_the_command_line(statement: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "statement.json"

    def verified(*more: str) -> tuple[int, str]:
        file.write_text(json.dumps(statement))
        done = CliRunner().invoke(app, ["verify", str(file), *more])
        return done.exit_code, done.output

    assert verified() == (0, "All 3 transfers fit: the ledger has it, and 0 transfers since.\n")
    statement["transfers"][0]["credits"] = 600
    code, said = verified("--json")
    assert (code, json.loads(said)["clean"]) == (1, False)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "otai-statement-1"}', '"x"', "null"])
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(InvalidProof):
        verify_statement(text)


@pytest.mark.django_db(transaction=True)
def test_a_ledger_that_was_cut_or_rewritten_is_found_by_the_customer(acme: UUID, statement: dict[str, Any]) -> None:
    kept = json.dumps(statement)
    own = "organisation_id = '%s'" % (acme if connection.vendor == "postgresql" else acme.hex)
    with behind_the_ledgers_back(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE ledger_transfer SET hash = request_hash WHERE {own} AND seq = 3")
        assert "transfer 3 of the ledger is another one than the statement's" in verify_statement(kept).problems
        cursor.execute(f"DELETE FROM ledger_transfer WHERE {own} AND seq = 3")
        assert "the ledger ends at transfer 2, before the statement's end" in verify_statement(kept).problems
        cursor.execute(f"DELETE FROM ledger_transfer WHERE {own}")
        assert "the ledger ends at transfer 0, before the statement's end" in verify_statement(kept).problems


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Path:
    settings.OTAI_HOME = tmp_path / "home"
    settings.OTAI_CHECKPOINT_STORE = (tmp_path / "elsewhere").as_uri()
    settings.OTAI_CHECKPOINT_MAIL = "auditor@vendor.example"
    return tmp_path / "elsewhere"


def test_each_days_checkpoint_goes_elsewhere_once(acme: UUID, elsewhere: Path, settings: Any) -> None:
    grant(acme, 6)
    settings.EMAIL_BACKEND = "tests.ledger.test_proof.Down"
    checkpoint.keep_daily(now=NOW)
    assert copies.send_copies() == 1, "the mail server is down, the store is not"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert [copies.send_copies() for _ in range(3)] == [1, 0, 0]
    (message,) = mail.outbox
    name, content, _ = message.attachments[0]
    stored = copies.newest_copy()
    assert stored == (name, content) == ("2026-11-02.json", (elsewhere / "2026-11-02.json").read_text())
    assert checkpoint.verify_checkpoint(stored[1]).clean


def Down(*_: Any, **__: Any) -> Any:
    raise OSError("no mail server")


def test_the_copy_elsewhere_finds_what_the_one_here_was_made_to_hide(acme: UUID, elsewhere: Path) -> None:
    grant(acme, 6)
    here = checkpoint.keep_daily(now=NOW)
    assert here is not None
    copies.send_copies()
    with behind_the_ledgers_back(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_transfer")
        cursor.execute("DELETE FROM ledger_lot")
        cursor.execute("DELETE FROM ledger_account")
        here.write_text(checkpoint.export_checkpoint(now=NOW))
        copy = copies.newest_copy()
        assert copy is not None
        assert checkpoint.verify_checkpoint(here.read_text()).clean
        (problem,) = checkpoint.verify_checkpoint(copy[1]).problems
        assert "was in the checkpoint and is gone" in str(problem)
