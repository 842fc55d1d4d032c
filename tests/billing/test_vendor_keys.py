"""Keys of the vendor's own systems, by their operations: what is kept of them, and of what is done with them."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from otai.billing.models import Event, VendorKey
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations import second_operator
from otai.billing.operations.events import WhoAndWhyMissing
from otai.billing.operations.vendor_keys import (
    VendorKeyMade,
    create_vendor_key,
    goodwill_by_key,
    price_book_by_key,
    record_call,
    revoke_vendor_key,
    vendor_key_of,
    vendor_keys,
)
from otai.billing.vendor_scopes import VendorScope
from otai.errors import NotFound
from otai.orgs.models import Organisation
from otai.orgs.queries import ApiKeyEnded, ApiKeyUnknown
from tests.billing.people import OLGA

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def makes(now: datetime, name: str = "shop", **more: Any) -> VendorKeyMade:
    scopes = [VendorScope.PRICES_READ, VendorScope.CREDITS_GRANT]
    return create_vendor_key(name=name, scopes=scopes, who=OLGA, why=" the new  shop ", now=now, **more)


def told(key: VendorKey, move: BillingOccurrence) -> tuple[Any, ...]:
    one = Event.objects.get(subject="vendor key", subject_id=str(key.id), move__in=move.stored_as)
    return one.who, one.why, one.at, one.organisation, one.details


def test_a_key_says_who_made_it_why_and_until_when_it_opens(now: datetime) -> None:
    made = makes(now, expires_at=now + DAY)
    key = VendorKey.objects.get()
    assert (made.key, key.name, key.created_by, key.created_at) == (key, "shop", OLGA, now)
    assert (key.scopes, key.expires_at) == (["credits:grant", "prices:read"], now + DAY)
    assert told(key, BillingOccurrence.MADE) == (OLGA, "the new shop", now, None, {"scopes": key.scopes})
    assert re.fullmatch(rf"otaivendor_{key.prefix}_[\w-]{{43}}", made.secret)
    assert hashlib.sha256(made.secret.split("_", 2)[2].encode()).hexdigest() == key.secret_sha256
    with pytest.raises(WhoAndWhyMissing):
        create_vendor_key(name="shop", scopes=[VendorScope.PRICES_READ], who=OLGA, why=" ", now=now)


def test_it_opens_until_it_expires_or_is_revoked(now: datetime) -> None:
    made, other = makes(now, expires_at=now + DAY), makes(now, "crm")
    assert vendor_key_of(made.secret, now=now + DAY - timedelta(microseconds=1)) == made.key
    assert vendor_key_of(other.secret, now=now + 9 * DAY) == other.key
    with pytest.raises(ApiKeyEnded, match="expired"):
        vendor_key_of(made.secret, now=now + DAY)
    with pytest.raises(ApiKeyUnknown):
        vendor_key_of(made.secret.replace("otaivendor", "otai"), now=now)
    revoked = revoke_vendor_key(key=other.key.id, who="o" * 300, why=" left the  company ", now=now + DAY)
    again = revoke_vendor_key(key=other.key.id, who=OLGA, why="again", now=now + 2 * DAY)
    stored = VendorKey.objects.get(id=other.key.id)
    assert revoked == again == stored and (stored.revoked_at, stored.revoked_by) == (now + DAY, "o" * 200)
    assert told(stored, BillingOccurrence.KEY_REVOKED)[1:3] == ("left the company", now + DAY)
    with pytest.raises(ApiKeyEnded):
        vendor_key_of(other.secret, now=now + DAY)
    assert VendorKey.objects.get(id=made.key.id).revoked_at is None


def test_what_is_no_key_is_not_revoked(now: datetime) -> None:
    made = makes(now)
    with pytest.raises(NotFound) as refused:
        revoke_vendor_key(key=uuid4(), who=OLGA, why="gone", now=now)
    assert refused.value.case == "key"
    with pytest.raises(WhoAndWhyMissing):
        revoke_vendor_key(key=made.key.id, who=OLGA, why=" ", now=now)
    assert VendorKey.objects.get().revoked_at is None


def test_keys_are_listed_the_newest_first(now: datetime) -> None:
    made = [makes(now + days * DAY, name).key for name, days in (("new", 2), ("old", 0), ("old too", 0))]
    assert list(vendor_keys()) == [made[0], *sorted(made[1:], key=lambda one: one.id, reverse=True)]


def test_a_call_is_remembered_with_its_path_and_status(now: datetime) -> None:
    key = makes(now).key
    record_call(key, what="look_at_prices", path="/prices?" + "x" * 400, status=404, now=now + DAY)
    details = {"operation": "look_at_prices", "path": "/prices?" + "x" * 292, "status": 404}
    assert told(key, BillingOccurrence.CALLED) == (f"vendor-key:{key.prefix}:shop", "", now + DAY, None, details)


def test_what_a_program_gives_is_the_keys_and_counts_for_whoever_made_it(
    acme: Organisation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, asked = makes(now).key, {}
    monkeypatch.setattr(second_operator, "goodwill", lambda **values: asked.update(goodwill=values))
    monkeypatch.setattr(second_operator, "price_book", lambda **values: asked.update(price_book=values))
    goodwill_by_key(by=key, organisation=acme, credits=5, why="a late parcel", key="order 4711", now=now)
    price_book_by_key(by=key, text="version = 1", why="a new year", now=now + DAY)
    its_own = f"{key.prefix}:{hashlib.sha256(b'order 4711').hexdigest()[:32]}"
    by = {"who": key.who, "key_made_by": OLGA}
    assert asked == {
        "goodwill": {"organisation": acme, "credits": 5, "why": "a late parcel", "key": its_own, "now": now, **by},
        "price_book": {"text": "version = 1", "why": "a new year", "now": now + DAY, **by},
    }
