"""Who calls: a vendor key with scopes, and nobody else. Neither an organisation's key nor a signed-in browser opens
this."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest

from otai.api import rates
from otai.api.access import KeyedCallerRequest, key_sent
from otai.api.endpoints import Noun
from otai.api.problems import NotSignedIn, TooManyRequests
from otai.billing.models import VendorKey
from otai.billing.operations.vendor_keys import BRAND, vendor_key_of
from otai.billing.vendor_scopes import VendorScope
from otai.db import utc_now
from otai.errors import NotAllowed
from otai.orgs.operations import note_use

log = logging.getLogger(__name__)


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
            raise VendorKeyNeeded("other_key", begins=BRAND)
        try:
            key = key_sent(request, header, partial(vendor_key_of, now=now))
        except NotSignedIn as misused:
            log_misuse(header.partition(" ")[2].strip(), misused, address=request.META.get("REMOTE_ADDR", ""))
            raise
        note_use(key, now=now)
        rate = rates.count(f"vendor:{key.id}", limit=settings.OTAI_VENDOR_REQUESTS_PER_MINUTE)
        request.otai_rate = rate  # type: ignore[attr-defined]
        if rate.exceeded:
            raise TooManyRequests("requests", limit=rate.limit, seconds=rate.reset_seconds)
        # From here on the call is remembered, refused or not (application.py).
        request.otai_vendor_key = key  # type: ignore[attr-defined]
        if self.scope not in key.scopes:
            raise NotAllowed("vendor_scope", scopes=key.scopes, needs=self.scope.value)
        return VendorCaller(key)


def log_misuse(secret: str, misused: NotSignedIn, *, address: str) -> None:
    """A line in the server's log for each vendor key that is revoked, expired or wrong; by its prefix where there is
    such a key, and never with what was sent."""
    prefix = secret.partition("_")[2].partition("_")[0][:12]
    named = prefix if VendorKey.objects.filter(prefix=prefix).exists() else "unknown"
    log.warning("misuse of vendor key %s: %s from %r", named, misused.case or misused.code, address)


def _its_own(scope: VendorScope) -> list[str]:
    return [scope.value]


class VendorNoun(Noun):
    """Endpoints of the vendor's API: each needs one scope."""

    access: ClassVar[Any] = VendorAccess
    scopes: ClassVar[Any] = _its_own
