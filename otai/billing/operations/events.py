"""How billing remembers: one event row for each change, and mails to customers as rows that are sent after the
transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import models

from otai.billing.models import (
    BankEntry,
    BillingDetails,
    CreditWatch,
    CustomPackage,
    Event,
    Notice,
    OperatorRequest,
    PaymentMethod,
    Purchase,
    PurchaseKind,
    VatIdCheck,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.seller import seller
from otai.db import new_id
from otai.errors import Invalid
from otai.orgs.languages import languages
from otai.orgs.models import Organisation, User
from otai.pricing.price_book import Term, Tier
from otai.words.explained import Arrow, kept
from otai.words.sentences import Fact


class WhoAndWhyMissing(Invalid):
    code = "who_and_why_missing"


def checked_why(why: str) -> str:
    """The reason that an operator gives: 3 to 500 characters. Raises WhoAndWhyMissing."""
    why = " ".join(why.split())
    if not why.isprintable() or not 3 <= len(why) <= 500:
        raise WhoAndWhyMissing("why")
    return why


def record(
    *,
    organisation: Organisation | UUID | None,
    subject: str,
    subject_id: object,
    move: Arrow | BillingOccurrence,
    who: str,
    now: datetime,
    why: str | Fact = "",
    **details: Any,
) -> Event:
    """Writes the event row of a change, in the change's own transaction.

    `why`: a person's or a provider's own words, or a fact that each reader is told in their language."""
    return Event.objects.create(
        organisation_id=organisation.id if isinstance(organisation, Organisation) else organisation,
        subject=subject,
        subject_id=str(subject_id),
        at=now,
        move=move,
        who=who[:200],
        **kept(why, details),
    )


def became(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What columns became by a change, for its event: the audit holds the row against the last of them."""
    return {name: plain(value) for name, value in columns.items()}


def plain(value: Any) -> Any:
    """A column's value as JSON."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value


TOLD_WHOLE: dict[type[models.Model], tuple[str, str]] = {
    CustomPackage: (
        "package",
        "organisation_id code credits price_cents currency offered_at offered_by reason ends_at",
    ),
    OperatorRequest: (
        "operator request",
        "organisation_id kind key facts state asked_at asked_by why decided_at decided_by decided_why",
    ),
    BankEntry: (
        "bank entry",
        "account reference booked_on cents currency payer text state purchase_id "
        "imported_at imported_by decided_by reason",
    ),
    CreditWatch: (
        "credit watch",
        "notice_below top_up_below top_up_package monthly_limit_cents gateway payment_method set_by set_at",
    ),
    PaymentMethod: (
        "payment_method",
        "organisation_id gateway reference external_id kind saved_at saved_by removed_at",
    ),
    BillingDetails: (
        "billing details",
        "name street address_line_2 postcode city country vat_id buyer_reference purchase_order leitweg_id "
        "email language updated_at",
    ),
    VatIdCheck: (
        "VAT id",
        "organisation_id vat_id state wanted_at answered_at consultation_number answer",
    ),
}
"""Rows that each of their changes tells as a whole, by the subject of its events, and the columns that it tells: names
and addresses are among them, so events keep their hash alone."""


def as_told(row: models.Model) -> dict[str, str]:
    """What the event of a change keeps of the row as it is then, for the audit. Read anew: the database may keep a
    value otherwise than it was given."""
    row.refresh_from_db()
    return {"row_sha256": row_hash(row)}


def row_hash(row: models.Model) -> str:
    """SHA-256 (hex) over the columns of a row that its changes tell."""
    _, names = TOLD_WHOLE[type(row)]
    form = json.dumps({name: plain(getattr(row, name)) for name in names.split()}, sort_keys=True, default=str)
    return hashlib.sha256(form.encode()).hexdigest()


TERMS = (
    *("reference", "kind", "title", "credits", "tier", "custom_package_id", "price_book", "deducted_cents"),
    *("net_cents", "vat_cents", "gross_cents", "currency", "vat_treatment", "vat_country", "vat_permille", "buyer"),
    *("language", "key", "request_hash", "ordered_at", "ordered_by", "expires_at"),
)
"""What of an order never changes."""


def terms_of(purchase: Purchase) -> str:
    """SHA-256 (hex) over what of an order never changes: its event keeps it."""
    # Orders of before there were coupons, or years, keep the hash that their event told.
    names = TERMS if purchase.coupon_id is None else (*TERMS, "coupon_id", "discount_cents")
    names = (*names, "term") if purchase.term == Term.YEAR else names
    form = json.dumps({name: plain(getattr(purchase, name)) for name in names}, sort_keys=True)
    return hashlib.sha256(form.encode()).hexdigest()


def bought(purchase: Purchase) -> dict[str, Any]:
    """What a purchase is, for a mail's `bought`: said in the reader's language when the mail is written."""
    if purchase.kind == PurchaseKind.SUBSCRIPTION:
        return {"kind": purchase.term, "tier": Tier(purchase.tier).title}
    return {"kind": "package", "credits": purchase.credits}


def tell_operator(
    *, organisation: Organisation, template: str, key: str, context: dict[str, Any], now: datetime
) -> None:
    """Writes a mail to the vendor about something of this organisation that wants a person: to the address that the
    seller's documents name. The same key again writes nothing."""
    _write(organisation, template, key, context, recipient=seller().email, language="en", now=now)


def notify(*, organisation: Organisation, template: str, key: str, context: dict[str, Any], now: datetime) -> None:
    """Writes the mail, in the transaction that gives cause for it; the same key again writes nothing.

    An organisation without billing details has no address: then there is no mail.
    """
    details = BillingDetails.objects.filter(organisation=organisation).first()
    if details is None:
        return
    _write(organisation, template, key, context, recipient=details.email, language=details.language, now=now)


def notify_people(
    *,
    organisation: Organisation | None,
    people: Iterable[User],
    template: str,
    key: str,
    context: dict[str, Any],
    now: datetime,
) -> None:
    """As `notify`, to these people, each in their own language: those with a mail address."""
    for person in people:
        if person.email:
            language = person.language or languages()[0]
            own_key = f"{key}:{person.pk}"
            _write(organisation, template, own_key, context, recipient=person.email, language=language, now=now)


def _write(
    organisation: Organisation | None,
    template: str,
    key: str,
    context: dict[str, Any],
    *,
    recipient: str,
    language: str,
    now: datetime,
) -> None:
    named = {"organisation": organisation.name, "slug": organisation.slug} if organisation else {}
    notice = Notice(
        id=new_id(),
        organisation=organisation,
        key=key,
        template=template,
        context={**named, **context},
        recipient=recipient,
        language=language,
        made_at=now,
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
