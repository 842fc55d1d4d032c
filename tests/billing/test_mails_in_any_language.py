"""Every sentence of every mail and of every document goes through the catalogues: in an invented language, whatever is
left without its brackets was written past them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils.formats import date_format
from django.utils.translation import override
from pypdf import PdfReader

import otai
from otai.billing import operations as billing
from otai.billing.documents import invoice_pdf, invoice_xml, order_confirmation_pdf
from otai.billing.models import CouponFor, Invoice
from otai.billing.operations.coupons import CouponTerms
from otai.billing.operations.notices import compose
from otai.billing.seller import seller
from otai.orgs.models import Organisation, Role, User
from otai.orgs.operations import invite
from otai.pricing.price_book import Tier
from otai.web.accounts.mail import send_invitation
from otai.words import mails
from otai.words.countries import countries
from otai.words.sentences import Fact
from tests.billing.people import ALICE, OLGA, details, transfer
from tests.billing.test_mails import ENGLISH, EVERYTHING, notice
from tests.web import invented_language

pytestmark = [pytest.mark.django_db, pytest.mark.pure]

ROOT = Path(otai.__file__).parent
WORD = re.compile(r"[^\W\d_]{3,}")
OPENS, CLOSES = "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}", "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
COUNTED = re.compile(r'\|counted:"([^"]*)"')
"""The forms of one and of more, which are words of the template."""
SAID = re.compile(f"{OPENS}[^{CLOSES}]*{CLOSES}")


@pytest.fixture
def language(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The invented language, in brackets that the documents' fonts have; its mails are the English ones in brackets."""
    monkeypatch.setattr(invented_language, "OPENS", OPENS)
    monkeypatch.setattr(invented_language, "CLOSES", CLOSES)
    for path in ENGLISH:
        folder = tmp_path / path.parent.relative_to(path.parents[[one.name for one in path.parents].index("templates")])
        folder.mkdir(parents=True, exist_ok=True)
        name = path.name.replace(".en.", f".{invented_language.CODE}.")
        (folder / name).write_text(in_brackets(path.read_text(encoding="utf-8")), encoding="utf-8")
    [engine] = settings.TEMPLATES
    with (
        invented_language.spoken(tmp_path / "invented", settings) as code,
        override_settings(TEMPLATES=[{**engine, "DIRS": [str(tmp_path)]}]),
    ):
        yield code


def in_brackets(template: str) -> str:
    lines = (re.split(r"({{.*?}}|{%.*?%})", line) for line in template.split("\n"))
    return "\n".join("".join(map(_part, line)) for line in lines)


def _part(text: str) -> str:
    if (forms := COUNTED.search(text)) is not None:
        words = ",".join(invented_language.invented(form) if form else "" for form in forms[1].split(","))
        return text.replace(forms[1], words)
    return text if text.startswith("{") or not WORD.search(text) else invented_language.invented(text)


def left(text: str, *known: object) -> list[str]:
    """The words that are in no brackets, but for `known` values."""
    bare = SAID.sub(" ", text)
    for value in sorted(map(str, known), key=len, reverse=True):
        bare = bare.replace(value, " ")
    return WORD.findall(bare)


OF_MAILS = (
    *(value for value in EVERYTHING.values() if isinstance(value, str)),
    *("Community", "Pro", "http://localhost:8000", "acme", "EUR"),
)


OF_NEWS = ("support",)
"""Names that customers gave."""


@pytest.mark.parametrize(
    "template", [path.name.partition(".")[0] for path in ENGLISH if "billing" in path.relative_to(ROOT).parts]
)
def test_a_mail_has_no_english_of_its_own(template: str, language: str, acme: Organisation, now: datetime) -> None:
    facts = {}
    if template in ("document", "month_due", "order_confirmed"):
        purchase = ordered(acme, language, now)
        facts = {"reference": purchase.reference, "document": "INV-2026-000001"}
    for changed in ({}, {"pay": 1, "needs_payer": 1}, {"pay": 1}, {"credits": 0, "is_credit_note": 1}):
        message = compose(notice(acme, template, language, now, **facts, **changed))
        addresses = re.findall(r"https?://[^\s»]+", message.body)
        known = (*OF_MAILS, *OF_NEWS, *facts.values(), *addresses, acme.name, seller().name, settings.OTAI_NAME)
        assert left(message.subject, *known) == [], message.subject
        assert left(message.body, *known) == [], message.body


def ordered(acme: Organisation, language: str, now: datetime, **buyer: Any) -> Any:
    """An order of acme that is paid: by somebody who reads the language."""
    details(acme, now=now, language=language, **buyer)
    purchase = billing.buy(organisation=acme, package="50", key=language, who=ALICE, now=now).purchase
    transfer(purchase, now)
    return purchase


BUYERS: dict[str, dict[str, Any]] = {
    "domestic": {"buyer_reference": "04011000-12345-34", "purchase_order": "PO-1"},
    "reverse charge": {"country": "AT", "vat_id": "ATU13585627", "city": "Wien", "postcode": "1010"},
    "outside": {"country": "CH", "vat_id": "", "city": "Basel", "postcode": "8001"},
}
"""One for each sentence that the law wants."""


@pytest.mark.parametrize("buyer", BUYERS)
def test_a_document_has_no_english_of_its_own(buyer: str, language: str, acme: Organisation, now: datetime) -> None:
    details(acme, now=now, language=language, **BUYERS[buyer])
    terms = CouponTerms(CouponFor.PACKAGE, now, percent=10)
    billing.make_coupon(code="WELCOME-27", terms=terms, who=OLGA, why="a story", now=now)
    package = billing.buy(organisation=acme, package="50", key="k", who=ALICE, now=now, coupon="WELCOME-27").purchase
    month = billing.change_tier(organisation=acme, tier=Tier.PRO, who=ALICE, now=now).purchase
    assert month is not None
    confirmations = [order_confirmation_pdf(one) for one in (package, month)]
    transfer(package, now)
    transfer(month, now)
    billing.refund_payment(reference=package.reference, who=OLGA, why="Fewer of us", now=now)
    invoices = list(Invoice.objects.all())
    assert {one.kind for one in invoices} == {"invoice", "credit_note"} and len(invoices) == 3
    values = [*_texts(invoices[0].facts["seller"]), *_texts(invoices[0].facts["buyer"]), package.reference]
    abroad = dict(countries(language)).get(BUYERS[buyer].get("country", ""), "")
    known = (
        *values,
        settings.OTAI_NAME,
        abroad,
        month.reference,
        "WELCOME-27",
        "Fewer of us",
        "IBAN",
        "BIC",
        "EUR",
        "INV-",
        "CN-",
        "OTAI",
        "Pro",
    )
    for pdf in (*confirmations, *map(invoice_pdf, invoices)):
        text = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())
        assert SAID.search(text)
        assert left(text, *known) == [], text
    for invoice in invoices:
        said = [one.text or "" for one in ElementTree.fromstring(invoice_xml(invoice)).iter() if _is_read(one.tag)]
        assert any(map(SAID.search, said))
        assert [text for text in said if left(text, *known)] == []


READ_BY_PEOPLE = {"Name", "Description", "Content", "ExemptionReason", "Reason"}
"""The elements of an electronic invoice that hold sentences and names."""


def _is_read(tag: str) -> bool:
    return tag.rpartition("}")[2] in READ_BY_PEOPLE


def _texts(values: dict[str, Any]) -> list[str]:
    return [value for value in values.values() if isinstance(value, str) and value]


def test_the_mails_of_accounts_have_no_english_of_their_own(language: str) -> None:
    accounts = ROOT / "web" / "accounts" / "templates"
    paths = [path for folder in ("account", "mfa") for path in (accounts / folder / "email").glob("*.txt")]
    values = {
        "activate_url": "URL",
        "password_reset_url": "URL",
        "signup_url": "URL",
        "base_url": "URL",
        "key": "KEY",
        "email": "a@b.example",
        "username": "a@b.example",
        "from_email": "a@b.example",
        "to_email": "c@b.example",
        "ip": "192.0.2.1",
        "deleted_email": "a@b.example",
        "code": "123",
    }
    assert len(paths) > 30
    with override(language):
        for path in paths:
            text = render_to_string(str(path.relative_to(accounts)), values)
            assert left(text, "OTAI Studio", *values.values()) == [], (path.name, text)


def test_the_invitation_has_no_english_of_its_own(
    language: str, acme: Organisation, now: datetime, mailoutbox: list[EmailMessage]
) -> None:
    alice = User.objects.create_user("alice@acme.example", "alice@acme.example", "a long passphrase")
    made = invite(organisation=acme, email="bob@acme.example", role=Role.TRAINER, who=ALICE, now=now)
    with override(language):
        assert send_invitation(made, link="https://studio.example/join", inviter=alice)
        last_day = date_format(made.invitation.expires_at.astimezone(acme.zone), "j F Y")
    [mail] = mailoutbox
    known = (alice.email, "bob@acme.example", acme.name, "OTAI Studio", "https://studio.example/join", last_day)
    assert SAID.search(mail.subject) and left(mail.subject, *known) == []
    assert left(mail.body, *known) == [], mail.body


def test_every_mail_is_read_in_the_invented_language() -> None:
    """Whoever sends a mail from a new place adds its test above."""
    senders = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if re.search(
            r"\b(EmailMessage|EmailMultiAlternatives|send_mail|mail_admins)\(", path.read_text(encoding="utf-8")
        )
    }
    assert senders == {
        "billing/operations/notices.py",
        "billing/operations/provisioning.py",
        "outbound/operations/delivering.py",
        "web/accounts/mail.py",
        # To whoever runs the machines, in English: where each chain of the ledger ended.
        "ledger/copies.py",
    }


def test_the_mail_about_a_webhook_has_no_english_of_its_own(language: str) -> None:
    values = {"organisation": "acme", "url": "https://hooks.example", "days": 30, "log": "https://studio.example"}
    why = Fact("try_slow", {"seconds": 15})
    for text in mails.webhook_off({**values, "why": why}, language=language):
        assert left(text, *values.values()) == [], text
