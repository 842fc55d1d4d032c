"""A document that somebody was given is held against the books of a Studio elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from otai.billing.documents import invoice_pdf, invoice_xml
from otai.billing.models import Invoice
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Scope
from tests import stories
from tests.billing.people import ALICE, details, transfer
from tests.client.test_studio import present


@pytest.mark.django_db(transaction=True)
def test_a_document_is_checked_from_another_machine(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otai.billing import operations as billing
    from otai.cli import elsewhere, remote

    acme, globex = stories.acme(present()), stories.globex(present())
    for one in (acme, globex):
        details(one, now=present())
    bought = billing.buy(organisation=acme, package="10", key="b", who=ALICE, now=present()).purchase
    transfer(bought, present())
    invoice = Invoice.objects.get()
    genuine, changed = tmp_path / "invoice.pdf", tmp_path / "invoice.xml"
    genuine.write_bytes(invoice_pdf(invoice))
    changed.write_bytes(invoice_xml(invoice).replace(b"119.00", b"19.00"))
    monkeypatch.setenv("OTAI_URL", live_server.url)

    def verified(file: Path, of: Any, *words: str) -> Any:
        key = create_api_key(
            organisation=of, name="books", scopes=[Scope.BILLING_BUY], who="alice", now=present()
        ).secret
        monkeypatch.setenv("OTAI_API_KEY", key)
        return CliRunner().invoke(remote.app, ["billing", "invoices", "verify", str(file), *words])

    assert elsewhere.is_wanted(["billing", "invoices", "verify", "x.pdf"])
    assert not elsewhere.is_wanted(["billing", "invoices", "list"]) and not elsewhere.is_wanted(["billing", "audit"])
    good = verified(genuine, acme)
    assert (good.exit_code, f"{invoice.number} of" in good.output, "EUR 119: genuine" in good.output) == (0, True, True)
    bad = verified(changed, acme, "--json")
    found = json.loads(bad.output)
    assert (bad.exit_code, found["verdict"]) == (1, "different")
    assert {"19.00", "119.00"} <= {text for one in found["differences"] for text in one.values()}
    assert getattr(verified(genuine, globex).exception, "code", "") == "not_found", "another's document"
