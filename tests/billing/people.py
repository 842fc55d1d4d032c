"""Alice and Bob of acme, Carol of globex, and Olga, who operates the Studio."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from otai.billing import operations as billing
from otai.billing.audit import Discrepancy, audit
from otai.billing.models import Purchase
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier
from otai.units import Money

ALICE = "alice@acme.example"
BOB = "bob@acme.example"
CAROL = "carol@globex.example"
OLGA = "olga (operator)"


def details(organisation: Organisation, *, now: datetime, **changes: Any) -> None:
    entries: dict[str, Any] = {
        "name": organisation.name,
        "street": "Lindenstrasse 7",
        "postcode": "50674",
        "city": "Köln",
        "country": "DE",
        "email": f"billing@{organisation.slug}.example",
        "vat_id": "",
        "language": "en",
        **changes,
    }
    billing.set_billing_details(organisation=organisation, who=ALICE, now=now, **entries)


def sign_up(slug: str, tier: Tier, at: datetime, zone: str = "Europe/Berlin") -> Organisation:
    return billing.sign_up(slug=slug, name=slug.title(), time_zone=zone, tier=tier, now=at)


def own_findings() -> list[Discrepancy]:
    """What the audit finds, but for the fee of a guarantee that a test of billing grants by hand: guarantees are of
    the room above."""
    return [found for found in audit().findings if "guarantee" not in found.what]


def acme_signs_up(now: datetime) -> Organisation:
    acme = billing.sign_up(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", tier=Tier.COMMUNITY, now=now)
    details(acme, now=now)
    return acme


def globex_signs_up(now: datetime) -> Organisation:
    globex = billing.sign_up(slug="globex", name="Globex SA", time_zone="UTC", tier=Tier.COMMUNITY, now=now)
    details(globex, now=now, country="FR", city="Paris", postcode="75002", vat_id="FR40303265045")
    return globex


def transfer(purchase: Purchase, now: datetime) -> None:
    """What a purchase costs comes by bank transfer, and Olga sees it on the statement."""
    billing.confirm_payment(
        reference=purchase.reference,
        received=Money(purchase.gross_cents, purchase.currency),
        bank_reference=f"entry {purchase.reference}",
        who=OLGA,
        why="bank statement",
        now=now,
    )
