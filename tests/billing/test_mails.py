"""Mails about money, in each language of the installation: a template each, with the same facts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string
from pypdf import PdfReader

import otai
from otai.billing import operations as billing
from otai.billing.models import CreditWatch, Notice
from otai.billing.operations import notices, topups
from otai.billing.operations.notices import compose, send_notices
from otai.billing.testing import DECLINED_CARD
from otai.config.languages import translated
from otai.orgs.models import Organisation
from otai.units import Money
from tests.billing.people import ALICE, acme_signs_up, details, transfer

LANGUAGES = translated()
ROOT = Path(otai.__file__).parent
ENGLISH = sorted(ROOT.rglob("mail/*.en.txt"))
FACTS = re.compile(r"{{ [\w.]+|{% (?:if|else|endif)[^%]*%}")


@pytest.mark.pure
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.name.partition(".")[0])
def test_every_mail_is_there_with_the_same_facts(path: Path, language: str) -> None:
    theirs = path.with_name(path.name.replace(".en.", f".{language}."))
    written = theirs.read_text(encoding="utf-8")
    assert sorted(set(FACTS.findall(written))) == sorted(set(FACTS.findall(path.read_text(encoding="utf-8"))))
    assert (language == "en") == (written == path.read_text(encoding="utf-8"))


EVERYTHING = {
    "closing_at": "2026-12-02T09:30:00+00:00",
    "reference": "OT-1",
    "vat_id": "ATU13585627",
    "bought": {"kind": "package", "credits": 50},
    "credits": 1250,
    "currency": "EUR",
    "problem": {"code": "payment_failed"},
    "amount_cents": 1,
    "missing_cents": 2,
    "received_cents": 3,
    "owed_cents": 4,
    "limit_cents": 5,
    "spent_cents": 6,
    "pay_until": "2026-12-02T09:30:00+00:00",
    "grace_until": "2026-12-02T09:30:00+00:00",
    "renews_at": "2026-12-02T09:30:00+00:00",
    "charged": "yes",
    "term": "year",
    "tier": "Pro",
    "tier_was": "Enterprise",
    "tier_now": "Pro",
    "paid_until": "2026-12-02T09:30:00+00:00",
    "withdrawn": 1,
    "owed_credits": 2,
    "available": 3,
    "below": 5,
    "minutes": 15,
    "failures": 3,
    "package": "10",
    "external_id": "dp_1",
    "state": "a_new_word",
    "known_as": "Globex SA",
    "billed_as": "Acme Ltd",
    "reasons": [{"code": "guarantee.free_tier", "values": {"tier": "Community"}}],
    "run": 7,
    "model": "support",
    "by": "bob@acme.example",
    "decided_by": "alice@acme.example",
    "why": "Wait for the new labels",
    "approval_until": "2026-12-02T09:30:00+00:00",
    "news": [
        {
            "event": "run.late",
            "page": "/acme/runs/7/",
            "data": {"model": "support", "run": 7, "due_at": "2026-12-02T09:30:00+00:00"},
        },
        {"event": "model.live", "page": "/acme/models/", "data": {"model": "support", "version": 2}},
    ],
    "unsubscribe": {"member": "019a4f0f-7777-7888-8999-000011112222", "what": "training_late"},
    "guarantee": 1,
    "request": 1,
    "number": "17",
    "keys": "sync (k3m9pq2x)",
}


def notice(organisation: Organisation, template: str, language: str, now: datetime, **facts: Any) -> Notice:
    return Notice(
        organisation=organisation,
        key="k",
        template=template,
        context={"organisation": organisation.name, "slug": organisation.slug, **EVERYTHING, **facts},
        recipient="a@b.example",
        language=language,
        made_at=now,
    )


@pytest.mark.pure
@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "template", [path.name.partition(".")[0] for path in ENGLISH if "billing" in path.relative_to(ROOT).parts]
)
def test_every_mail_can_be_written(template: str, language: str, acme: Organisation, now: datetime) -> None:
    facts = _of_a_paid_order(acme, now) if template in ("document", "month_due", "order_confirmed") else {}
    message = compose(notice(acme, template, language, now, **facts))
    assert message.subject
    assert len(message.body) > 80
    assert "{" not in message.subject + message.body
    assert "  " not in message.body.replace("\n    ", "\n")
    if language != "en":
        assert message.subject != compose(notice(acme, template, "en", now, **facts)).subject


def _of_a_paid_order(acme: Organisation, now: datetime) -> dict[str, Any]:
    """What the mails that bring a document say of it."""
    purchase = billing.buy(organisation=acme, package="50", key="k", who=ALICE, now=now).purchase
    transfer(purchase, now)
    return {"reference": purchase.reference, "document": "INV-2026-000001"}


@pytest.mark.django_db
def test_a_mail_of_before_is_written_with_the_words_it_has(acme: Organisation, now: datetime) -> None:
    old = notice(acme, "payment_failed", "fr", now, title="50-credit package", problem="Your card was declined.")
    del old.context["bought"]
    assert compose(old).subject.endswith("50-credit package")
    assert "a échoué\u00a0: Your card was declined." in compose(old).body


@pytest.mark.django_db
def test_counts_are_written_as_the_language_writes_them(acme: Organisation, now: datetime) -> None:
    said = {language: compose(notice(acme, "purchase_paid", language, now)).body for language in ("en", "de", "fr")}
    assert "1,250 credits are in your account" in said["en"]
    assert "1.250 Credits sind auf Ihrem Konto" in said["de"]
    assert "1\u202f250 crédits sont sur votre compte" in said["fr"]


@pytest.mark.django_db
def test_who_is_invoiced_in_french_reads_french(acme: Organisation, now: datetime) -> None:
    details(acme, now=now, language="fr")
    billing.buy(organisation=acme, package="50", key="b", who=ALICE, now=now)
    assert send_notices(now=now) == 1
    (message,) = mail.outbox
    assert message.subject.startswith("Votre commande OT-") and message.subject.endswith("pack de 50 crédits")
    assert "pack de 50 crédits, 535,50 EUR TVA comprise" in message.body
    assert "avant le 02/12/2026" in message.body
    (_name, content, _kind) = message.attachments[0]
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(bytes(content))).pages)
    for printed in (
        "Confirmation de commande",
        "Pack de 50 crédits",
        "450,00 EUR",
        "TVA 19\u00a0% (DE)",
        "535,50 EUR",
        "SPÉCIMEN",
    ):
        assert printed in text
    for english in ("Invoice", "Date of", "Net total", "Please", "credits", "SPECIMEN", "VAT"):
        assert not re.search(rf"\b{english}\b", text), english


@pytest.mark.django_db
def test_a_top_up_that_fails_is_told_in_the_customers_language(now: datetime, fake: Any) -> None:
    acme = acme_signs_up(now)
    details(acme, now=now, language="fr")
    topups.set_top_up(
        organisation=acme,
        below=10,
        package="10",
        monthly_limit=Money(300_00),
        gateway="fake",
        payment_method=DECLINED_CARD,
        who=ALICE,
        now=now,
    )
    for minutes in (0, 15):
        topups.watch_credits(now=now + timedelta(minutes=minutes))
    assert CreditWatch.objects.get(organisation=acme).failures == 1
    announced, failed = (
        compose(one) for one in Notice.objects.filter(template__startswith="top_up").order_by("made_at")
    )
    assert "nous achèterons dans 15 minutes le pack de 10 crédits pour 100,00 EUR HT" in announced.body
    assert "Le paiement a été refusé. Le prestataire indique" in failed.body
    assert "« Your card was declined. »" in failed.body.replace("\u00a0", " "), (
        "the provider's own words, as a quotation"
    )


@pytest.mark.pure
@pytest.mark.parametrize("path", sorted(ROOT.rglob("billing/mail/*.txt")), ids=lambda path: path.stem)
def test_one_credit_is_said_in_the_singular(path: Path) -> None:
    """The cheapest training costs one, and one may be all that is left."""
    counts = ("credits", "available", "withdrawn")
    one, thousand = (
        render_to_string(f"billing/mail/{path.name}", dict.fromkeys(counts, written)) for written in ("1", "1.000")
    )
    assert not re.search(r"\b1 (\S+ )?([Cc]redits|crédits)\b|\b1 (are|sind|sont)\b", one)
    assert not re.search(r"1\.000 (\S+ )?([Cc]redit|crédit)\b", thousand)


class TheMachineGoes(BaseException):
    pass


def test_a_mail_whose_sweep_died_goes_out_by_a_later_one(
    acme: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = notice(acme, "purchase_paid", "en", now)
    waits.save()

    def dies(*_: Any) -> None:
        # Another sweep meanwhile leaves it alone.
        assert send_notices(now=now + timedelta(minutes=9)) == 0
        raise TheMachineGoes

    with monkeypatch.context() as patched:
        patched.setattr(notices, "compose", dies)
        with pytest.raises(TheMachineGoes):
            send_notices(now=now)
    assert send_notices(now=now + timedelta(minutes=9)) == 0
    assert send_notices(now=now + timedelta(minutes=11)) == 1
    assert send_notices(now=now + timedelta(hours=1)) == 0
    assert len(mail.outbox) == 1
    waits.refresh_from_db()
    assert (waits.attempts, waits.claimed_at) == (2, None) and waits.sent_at is not None
