"""Keys of the vendor's own systems: made and revoked by operators; each call with one is an event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from otai.billing.models import Event, OperatorRequest, VendorKey
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import second_operator
from otai.billing.operations.events import checked_why, record
from otai.billing.vendor_scopes import VendorScope
from otai.db import one_transaction
from otai.errors import NotFound
from otai.ledger.operations import GrantMade
from otai.orgs import queries as orgs
from otai.orgs.access_events import misuse_of, note
from otai.orgs.models import Organisation
from otai.orgs.operations import new_key
from otai.pricing.price_book import PriceBook
from otai.words.sentences import Fact

BRAND = "otaivendor"
"""What its secrets begin with: nobody takes one for an organisation's."""


@dataclass(frozen=True, slots=True)
class VendorKeyMade:
    """`secret` is what the program sends; it cannot be shown a second time."""

    key: VendorKey
    secret: str


@one_transaction
def create_vendor_key(
    *,
    name: str,
    scopes: Iterable[VendorScope | str],
    who: str,
    why: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> VendorKeyMade:
    """A key that may do what its scopes say, and nothing else. Raises InvalidApiKey and WhoAndWhyMissing."""
    why = checked_why(why)
    values, random = new_key(
        VendorKey, name=name, scopes=scopes, known=VendorScope, who=who, now=now, expires_at=expires_at
    )
    key = VendorKey.objects.create(**values)
    _record(key, BillingOccurrence.MADE, who=who, why=why, now=now, scopes=key.scopes)
    return VendorKeyMade(key, f"{BRAND}_{key.prefix}_{random}")


@one_transaction
def revoke_vendor_key(*, key: UUID, who: str, why: str, now: datetime) -> VendorKey:
    """The key opens nothing from its next use on. Revoking it again changes nothing. Raises NotFound and
    WhoAndWhyMissing."""
    why = checked_why(why)
    found = VendorKey.objects.select_for_update(no_key=True).filter(id=key).first()
    if found is None:
        raise NotFound("key")
    if found.revoked_at is None:
        found.revoked_at, found.revoked_by = now, who[:200]
        found.save(update_fields=["revoked_at", "revoked_by"])
        _record(found, BillingOccurrence.KEY_REVOKED, who=who, why=why, now=now)
    return found


def vendor_keys() -> QuerySet[VendorKey]:
    """All of them, revoked and expired ones too, the newest first."""
    return VendorKey.objects.order_by("-created_at", "-id")


def vendor_key_of(secret: str, *, now: datetime) -> VendorKey:
    """The usable key that a secret is. Raises ApiKeyUnknown, and ApiKeyEnded to whoever holds the right secret."""
    return orgs.usable_key(secret, brand=BRAND, among=VendorKey.objects.all(), now=now)


def note_misuse(
    secret: str, *, case: str, about: Fact | None, now: datetime, address: str, user_agent: str = ""
) -> None:
    """A vendor key that is revoked, expired or wrong, as an event for operators; with the key's name where its
    beginning is one's, and never with what was sent."""
    prefix = secret.partition("_")[2].partition("_")[0][:12]
    key = VendorKey.objects.filter(prefix=prefix).first()
    who = key.who if key else ""
    note(None, misuse_of(case), who=who, now=now, about=about, address=address, user_agent=user_agent)


def goodwill_by_key(
    *, by: VendorKey, organisation: Organisation, credits: int, why: str, key: str, now: datetime
) -> GrantMade | OperatorRequest:
    """Goodwill that a program gives, within what one operator may give alone. `key` is the program's own. Raises as
    `second_operator.goodwill` does."""
    return second_operator.goodwill(
        organisation=organisation,
        credits=credits,
        who=by.who,
        why=why,
        # Hashed, since a program's key may be longer than the ledger's.
        key=f"{by.prefix}:{hashlib.sha256(key.encode()).hexdigest()[:32]}",
        now=now,
        key_made_by=by.created_by,
    )


def price_book_by_key(*, by: VendorKey, text: str, why: str, now: datetime) -> PriceBook | OperatorRequest:
    """Prices that a program sets, within what one operator may set alone. Raises as `second_operator.price_book`
    does."""
    return second_operator.price_book(text=text, who=by.who, why=why, now=now, key_made_by=by.created_by)


def record_call(key: VendorKey, *, what: str, path: str, status: int, now: datetime) -> Event:
    """Remembers a call: `what` it asked for, and with which HTTP status it was answered, refused ones too."""
    return _record(
        key, BillingOccurrence.CALLED, who=key.who, why="", now=now, operation=what, path=path[:300], status=status
    )


def _record(key: VendorKey, move: BillingOccurrence, *, who: str, why: str, now: datetime, **details: object) -> Event:
    return record(
        organisation=None, subject="vendor key", subject_id=key.id, move=move, who=who, why=why, now=now, **details
    )
