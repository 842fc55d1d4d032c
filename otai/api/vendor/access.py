"""Who calls: a vendor key with scopes, and nobody else. Neither an organisation's key nor a signed-in browser opens
this."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest

from otai.api.access import KeyedCallerRequest, key_sent
from otai.api.endpoints import Noun
from otai.api.problems import NotSignedIn, TooManyRequests
from otai.billing.models import VendorKey
from otai.billing.operations.vendor_keys import BRAND, note_misuse, vendor_key_of
from otai.billing.vendor_scopes import VendorScope
from otai.db import utc_now
from otai.errors import NotAllowed
from otai.orgs import queries
from otai.orgs.access_events import AccessKind, note, note_key_misuse
from otai.orgs.actors import by_key
from otai.orgs.operations import note_use
from otai.orgs.rates import shared
from otai.orgs.sessions import sender
from otai.words.sentences import Fact


class VendorKeyNeeded(NotAllowed):
    code = "vendor_key_needed"


@dataclass(frozen=True, slots=True)
class VendorCaller:
    key: VendorKey

    @property
    def who(self) -> str:
        """As it is written beside every change."""
        return self.key.who

    @property
    def keyed_by(self) -> dict[str, Any]:
        """Idempotency keys are those of one vendor key."""
        return {"vendor_key": self.key}


class VendorRequest(KeyedCallerRequest):
    """What a view behind `VendorAccess` gets."""

    auth: VendorCaller


class VendorAccess:
    """Lets in whose key has the scope. Raises NotSignedIn, VendorKeyNeeded (a key of an organisation), NotAllowed and
    TooManyRequests."""

    def __init__(self, scope: VendorScope) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> VendorCaller:
        header, now = request.headers.get("Authorization", ""), utc_now()
        if not header:
            raise NotSignedIn("vendor_nobody")
        if not header.partition(" ")[2].strip().startswith(f"{BRAND}_"):
            _note_other_key(request, header)
            raise VendorKeyNeeded("other_key", begins=BRAND)
        try:
            key = key_sent(request, header, partial(vendor_key_of, now=now))
        except NotSignedIn as misused:
            secret = header.partition(" ")[2].strip()
            note_misuse(secret, case=misused.case, about=None, now=now, **sender(request))
            raise
        note_use(key, now=now)
        rate = shared.count(f"vendor:{key.id}", limit=settings.OTAI_VENDOR_REQUESTS_PER_MINUTE)
        request.otai_rate = rate  # type: ignore[attr-defined]
        if rate.exceeded:
            raise TooManyRequests("requests", limit=rate.limit, seconds=rate.reset_seconds)
        # From here on the call is remembered, refused or not (application.py).
        request.otai_vendor_key = key  # type: ignore[attr-defined]
        if self.scope not in key.scopes:
            scope = self.scope.value
            note(
                None,
                AccessKind.REFUSED,
                who=key.who,
                now=now,
                about=Fact("access.scope_refused", {"scope": scope}),
                **sender(request),
            )
            raise NotAllowed("vendor_scope", scopes=key.scopes, needs=scope)
        return VendorCaller(key)


def _note_other_key(request: HttpRequest, header: str) -> None:
    """An organisation's key at this door is an event of that organisation."""
    now = utc_now()
    try:
        key = key_sent(request, header, partial(queries.key_of, now=now))
    except NotSignedIn as misused:
        note_key_misuse(header.partition(" ")[2].strip(), case=misused.case, now=now, **sender(request))
    else:
        who = by_key(key.name, key.prefix)
        note(
            key.organisation,
            AccessKind.REFUSED,
            who=who,
            now=now,
            about=Fact("access.at_vendor_api"),
            **sender(request),
        )


def _its_own(scope: VendorScope) -> list[str]:
    return [scope.value]


class VendorNoun(Noun):
    """Endpoints of the vendor's API: each needs one scope."""

    access: ClassVar[Any] = VendorAccess
    scopes: ClassVar[Any] = _its_own
