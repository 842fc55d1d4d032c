"""The operators' desk speaks the operator's language: its tables, columns, values, buttons, forms and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import allauth
import django
import polib
import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from otai.billing import operations as billing
from otai.billing.desk import Desk
from otai.billing.models import Event, Purchase
from otai.billing.operations import second_operator
from otai.billing.testing import FakeGateway
from otai.billing.vendor_scopes import VendorScope
from otai.orgs.models import Organisation, User
from otai.orgs.quotas import Quota
from otai.units import Money
from tests.billing.people import ALICE, OLGA, transfer
from tests.billing.test_statements import entry, statement
from tests.billing.worlds import World, a_world
from tests.web import invented_language
from tests.web.test_no_english_is_left import SAME_EVERYWHERE, WORD, read

pytestmark = [pytest.mark.django_db, pytest.mark.pure]

SAID_NO = re.compile(
    r'<p class="errornote">(.*?)</p>|<ul class="errorlist[^>]*>(.*?)</ul>|<li class="error">(.*?)</li>', re.DOTALL
)
IN_BRACKETS = re.compile(f"{invented_language.OPENS}[^{invented_language.CLOSES}]*{invented_language.CLOSES}")
PICTURES = re.compile(r'alt="(?:True|False)"')
"""Names of Django's pictures."""
OF_ACME = re.compile(r"Acme, Lindenstrasse 7.*|Authenticators|\bolga\b|\bset\b")
OF_CODES = {code.value for codes in (VendorScope, Quota) for code in codes}


def of_others() -> set[str]:
    """What Django and allauth say: some of it has no Esperanto."""
    books = [*Path(django.__file__).parent.rglob("locale/en/LC_MESSAGES/django.po")]
    books += [*Path(allauth.__file__).parent.rglob("locale/de/LC_MESSAGES/django.po")]
    said = {text for book in books for one in polib.pofile(str(book)) for text in (one.msgid, one.msgid_plural)}
    return said | {text.capitalize() for text in said} | {"MFA"}


def of_rows() -> set[str]:
    """What rows hold, which is shown as it was written; but a value of ours that has a word is none of it."""
    held = set()
    for model, desk in admin.site._registry.items():
        if isinstance(desk, Desk):
            for row in model._default_manager.all():
                held.add(str(row))
                written = [field.attname for field in model._meta.fields if not field.flatchoices]
                values = [getattr(row, name) for name in written if (model, name) != (Event, "subject")]
                held |= {
                    json.dumps(one, ensure_ascii=False) if isinstance(one, list | dict) else str(one) for one in values
                }
    return {" ".join(text.split()) for text in held}


@pytest.fixture
def olga(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga", "olga@vendor.example", "a long passphrase"))
    return client


def a_life(fake: FakeGateway, now: datetime) -> World:
    """Rows of every kind that the desk has actions for."""
    world = a_world(fake, now, seed=14)
    acme = world.acme
    why = {"who": OLGA, "why": "a story", "now": now}
    ordered = billing.buy(organisation=acme, package="50", key="ordered", who=ALICE, now=now).purchase
    transfer(ordered, now)
    billing.offer_package(organisation=acme, code="big-2027", credits=500, price=Money(3_500_00, "EUR"), **why)
    billing.create_vendor_key(name="crm", scopes=["prices:read"], **why)
    billing.import_statement(statement(entry("41.00", "no order of ours", ref="B1")), who=OLGA, now=now)
    second_operator.goodwill(organisation=acme, credits=90_000, key="goodwill", **why)
    world.lives(40)
    return world


def pages(olga: Client, language: str) -> Iterator[tuple[str, str]]:
    """Every page of the desk: the tables, their newest rows, the form of each action, and those that stand beside."""
    beside = ["index", "billing_month_close", "billing_accountant", "billing_vendorkey_make", "billing_coupon_make"]
    addresses = [reverse("before-strangers"), *(reverse(f"admin:{name}") for name in beside)]
    for model, desk in admin.site._registry.items():
        if not isinstance(desk, Desk):
            continue
        named = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses.append(reverse(f"{named}_changelist"))
        acted: set[str] = set()
        for row in desk.get_queryset(RequestFactory().get("/desk/")).order_by("pk"):
            offered = {action.name for action in desk.desk_actions if action.applies(row)} - acted
            if offered or not acted:
                acted |= offered | {"read"}
                addresses.append(reverse(f"{named}_change", args=[row.pk]))
                addresses += [reverse(f"{named}_act", args=[row.pk, action]) for action in sorted(offered)]
    olga.cookies["otai_language"] = language
    for address in addresses:
        answer = olga.get(address)
        assert answer.status_code == 200, address
        yield address, answer.content.decode()


def test_no_page_of_the_desk_has_english_of_its_own(
    olga: Client, fake: FakeGateway, now: datetime, tmp_path: Path, settings: Any
) -> None:
    a_life(fake, now)
    english = dict(pages(olga, "en"))
    with invented_language.spoken(tmp_path / "invented", settings) as code:
        invented = dict(pages(olga, code))
    assert len(english) > 50 and english.keys() == invented.keys()
    known = of_others() | of_rows() | OF_CODES
    found = {
        text
        for address, page in invented.items()
        for text in set(read(PICTURES.sub("", page))) & set(read(english[address]))
        if WORD.search(OF_ACME.sub("", SAME_EVERYWHERE.sub("", text)))
        and text.removeprefix("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ") not in known
    }
    assert not found, "\n".join(sorted(found))


def refused(olga: Client, acme: Organisation, paid: Purchase, purchase: Purchase) -> list[str]:
    """What the desk says to operators who do what cannot be done."""
    bought = reverse("admin:billing_purchase_act", args=[purchase.pk, "confirm-payment"])
    offer = reverse("admin:orgs_organisation_act", args=[acme.pk, "offer-package"])
    coupon, accountant = reverse("admin:billing_coupon_make"), reverse("admin:billing_accountant")
    booked = {"amount": "10.00", "currency": "EUR", "bank_reference": f"entry {paid.reference}", "why": "statement 211"}
    package = {"code": "big-2027", "credits": 500, "price": "3500.00", "why": "a story"}
    off = {"code": "WELCOME-27", "what": "package", "why": "a story"}
    asked: list[tuple[str, dict[str, Any]]] = [
        (bought, booked),
        (offer, package),
        (offer, package | {"code": "2027"}),
        (coupon, off),
        (coupon, off | {"percent": 10, "last_day": "2020-01-01"}),
        (coupon, off | {"percent": 10, "code": "a b"}),
        (accountant, {"month": "2026-99"}),
        (accountant, {"month": "2199-01"}),
        (reverse("admin:billing_import_statement"), {"statement": BytesIO(b"no XML")}),
    ]
    pages = [olga.post(address, answers, follow=True).content.decode() for address, answers in asked]
    pages.append(olga.get(reverse("admin:billing_accountant_file", args=["closed", "2026-01"])).content.decode())
    said = [SAID_NO.findall(page) for page in pages]
    texts = [" ".join(map("".join, one)) or page for one, page in zip(said, pages, strict=True)]
    return [" ".join(re.sub(r"<[^>]+>", "", text).split()) for text in texts]


def test_what_operators_are_refused_is_said_in_their_language(
    olga: Client, acme: Organisation, now: datetime, tmp_path: Path, settings: Any
) -> None:
    why = {"who": OLGA, "why": "a story", "now": now}
    paid, purchase = (
        billing.buy(organisation=acme, package="50", key=key, who=ALICE, now=now).purchase for key in ("paid", "open")
    )
    transfer(paid, now)
    billing.offer_package(organisation=acme, code="big-2027", credits=500, price=Money(3_500_00, "EUR"), **why)
    english = refused(olga, acme, paid, purchase)
    assert [text[:300] for text in english if not re.match(r".{10,300}\.$", text, re.DOTALL)] == []
    with invented_language.spoken(tmp_path / "invented", settings) as code:
        olga.cookies["otai_language"] = code
        for text, before in zip(refused(olga, acme, paid, purchase), english, strict=True):
            bare = IN_BRACKETS.sub("", text)
            names = rf"acme|entry|EUR|big-2027|{paid.reference}|{purchase.reference}"
            assert not WORD.search(re.sub(names, "", bare)), before
