"""A person is replaced by a number in billing's rows. Its books stay provable: an event that changed is told anew by
another one, which is chained in its turn (decision 0640)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.apps import apps
from django.db import models

from otai.billing.chain import START, hash_at, link_hash
from otai.billing.models import BillingDetails, ChainLink, Event, Purchase, TierChange
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import TOLD_WHOLE, as_told, record, terms_of
from otai.orgs.models import Member, Organisation
from otai.orgs.permissions import Role
from otai.orgs.persons import Replacement

KEPT_AS_ISSUED = frozenset(
    {
        *("billing_invoice", "billing_invoice_series", "billing_chain_link", "billing_closed_month"),
        *("billing_write_off", "billing_coupon", "billing_vendor_key"),
    }
)
"""What the law asks to be kept as it was issued, and the vendor's own books, in which operators stand."""


LOCKED = (
    *("BankEntry", "OperatorRequest", "Subscription", "PaymentMethod", "Purchase", "Payment", "Reversal"),
    *("PaymentRefund", "CreditWatch", "TopUp"),
)
"""In the order of docs/ledger.md."""


def replace_persons(replacements: Sequence[Replacement], *, who: str, now: datetime, of: UUID | None = None) -> int:
    """The number stands for the person in events, orders, payments and mails from now on, `of` one organisation or of
    all; returns in how many rows. Within a transaction, after `chain_new`."""
    changed = 0
    for replacement in replacements:
        told: tuple[tuple[type[models.Model], str], ...] = ((Event, "event"), (TierChange, "tier_change"))
        for model, subject in told:
            for row, became in replacement.rows(model, of=of):
                _amend(row, subject, became, who=who, now=now)
                changed += 1
        for model in _others(of):
            for row, became in replacement.rows(model, of=of):
                model._default_manager.filter(pk=row.pk).update(**became)
                _tell_anew(row, who=who, now=now)
                changed += 1
    return changed


def hand_over_invoices(address: str, *, but: int, who: str, now: datetime) -> None:
    """Where invoices went to this address, they go to the owner who joined first of those who stay; within a
    transaction."""
    for details in BillingDetails.objects.filter(email__iexact=address):
        owners = Member.objects.filter(organisation=details.organisation_id, role=Role.OWNER).exclude(user=but)
        heir = owners.select_related("user").order_by("joined_at").first()
        if heir is None:
            continue
        BillingDetails.objects.filter(pk=details.pk).update(email=heir.user.email, updated_at=now)
        details.refresh_from_db()
        _tell_anew(details, who=who, now=now)


def _others(of: UUID | None) -> list[type[models.Model]]:
    others = [
        model
        for model in apps.get_app_config("billing").get_models()
        if model._meta.db_table not in KEPT_AS_ISSUED
        and model not in (Event, TierChange)
        and (of is None or any(field.name == "organisation" for field in model._meta.concrete_fields))
    ]
    return sorted(others, key=lambda model: LOCKED.index(model.__name__) if model.__name__ in LOCKED else len(LOCKED))


def _amend(row: models.Model, subject: str, became: dict[str, object], *, who: str, now: datetime) -> None:
    """First it is told, then it is done: the database lets nobody change such a row untold."""
    for column, value in became.items():
        setattr(row, column, value)
    told = {}
    if isinstance(row, Event) and (link := ChainLink.objects.filter(event=row).first()) is not None:
        told = {"hash": link_hash(hash_at(link.seq - 1) or START, row)}
    _told(row, subject, row.pk, who=who, now=now, **told)
    type(row)._default_manager.filter(pk=row.pk).update(**became)


def _tell_anew(row: models.Model, *, who: str, now: datetime) -> None:
    if type(row) in TOLD_WHOLE:
        subject, _columns = TOLD_WHOLE[type(row)]
        _told(row, subject, row.pk, who=who, now=now, **as_told(row))
    elif isinstance(row, Purchase):
        row.refresh_from_db()
        _told(row, "purchase", row.pk, who=who, now=now, terms=terms_of(row))


def _told(row: models.Model, subject: str, id: object, *, who: str, now: datetime, **details: str) -> None:
    organisation: Organisation | None = getattr(row, "organisation", None)
    record(
        organisation=organisation,
        subject=subject,
        subject_id=id,
        move=BillingOccurrence.PERSON_REPLACED,
        who=who,
        now=now,
        **details,
    )
