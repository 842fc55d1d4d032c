"""Who calls, for which organisation, and may they: an API key with scopes, or the browser's session with a membership.

A key belongs to one organisation. A session names its own: the header `Otai-Organisation: acme` or `?organisation=acme`
(an EventSource cannot send headers); whoever is in one organisation only need not. A session that changes something
proves with Django's CSRF token that it is the page's own script asking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest
from ninja.utils import check_csrf

from otai.api.problems import NotSignedIn, TooManyRequests
from otai.api.rates import count_organisation
from otai.billing.operations.vendor_keys import BRAND, note_misuse
from otai.db import utc_now
from otai.errors import Invalid, NotAllowed, NotFound
from otai.front.networks import network_of
from otai.orgs import queries, rates
from otai.orgs.access_events import AccessKind, note, note_key_misuse
from otai.orgs.actors import by_key
from otai.orgs.models import ApiKey, Member, Organisation, User
from otai.orgs.operations import note_use
from otai.orgs.permissions import ROLE_ACTIONS, SCOPE_ACTIONS, Action
from otai.orgs.quotas import Quota, as_details
from otai.orgs.sessions import is_recent, sender
from otai.orgs.standing import Standing
from otai.orgs.suspension import refuse_closing
from otai.words.sentences import Fact

FoundKey = TypeVar("FoundKey")

failures_per_minute = 60
"""Wrong keys from one address. Nobody guesses 256 bits; this keeps a broken program from asking the database all
day."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`who` is what is written beside every change."""

    organisation: Organisation
    who: str
    rate_key: str
    key: ApiKey | None = None
    member: Member | None = None

    def may(self, action: Action) -> bool:
        """Whether the key's scopes, or the member's role, allow the action."""
        holder = self.key or self.member
        return holder is not None and holder.may(action)

    def standing(self, action: Action, *, session: str | None) -> Standing:
        """For what lasts: whether this caller may still do `action` is asked again meanwhile."""
        if self.key is not None:
            return Standing(self.organisation.pk, action, key=self.key.pk)
        assert self.member is not None
        return Standing(self.organisation.pk, action, user=self.member.user_id, session=session or "")

    @property
    def keyed_by(self) -> dict[str, Any]:
        """Idempotency keys are the organisation's, whoever of it sends them."""
        return {"organisation": self.organisation}

    @property
    def scopes(self) -> list[str]:
        """What the key is for; empty for a signed-in browser, which has a role."""
        return list(self.key.scopes) if self.key else []


class KeyedCaller(Protocol):
    """Whoever may send an Idempotency-Key: an organisation's caller, or the vendor's."""

    @property
    def keyed_by(self) -> dict[str, Any]:
        """The columns of `KeyedRequest` within which a key is used once."""


class KeyedCallerRequest(HttpRequest):
    """A request of such a caller."""

    auth: KeyedCaller


class CallerRequest(KeyedCallerRequest):
    """What a view behind `Access` gets."""

    auth: Caller


class CsrfFailed(NotAllowed):
    code = "csrf_failed"


class Access:
    """Lets in who may do `action`. Raises NotSignedIn, NotAllowed, NotFound (another's organisation),
    TooManyRequests."""

    def __init__(self, action: Action, *, lessens: bool = False, asks_again: bool = False) -> None:
        self.action, self.lessens, self.asks_again = action, lessens, asks_again

    def __call__(self, request: HttpRequest) -> Caller:
        caller = caller_of(request)
        rate = rates.shared.count(caller.rate_key, limit=settings.OTAI_API_REQUESTS_PER_MINUTE)
        request.otai_rate = rate  # type: ignore[attr-defined]
        if rate.exceeded:
            raise TooManyRequests("requests", limit=rate.limit, seconds=rate.reset_seconds)
        if (shared := count_organisation(caller.organisation.id)) is not None:
            of_all, bound = shared
            if of_all.remaining <= rate.remaining:
                request.otai_rate = of_all  # type: ignore[attr-defined]
            if of_all.exceeded:
                said = as_details(Quota.REQUESTS, bound, used=of_all.limit)
                raise TooManyRequests("organisation", limit=of_all.limit, seconds=of_all.reset_seconds, **said)
        if not caller.may(self.action):
            note(
                caller.organisation,
                AccessKind.REFUSED,
                who=caller.who,
                now=utc_now(),
                about=Fact("access.refused", {"action": self.action.value}),
                **sender(request),
            )
            raise needed(caller, self.action)
        if self._asks_again(request):
            require_recent(request, caller)
        refuse_closing(caller.organisation, self.action, reads=request.method in ("GET", "HEAD"))
        return caller

    def _asks_again(self, request: HttpRequest) -> bool:
        """What the pages ask a person once more for: keys, members, deletion, and taking everything along; not what
        lessens access (decision 0670)."""
        if self.lessens:
            return False
        if self.asks_again or self.action in (Action.EXPORT_DATA, Action.OWN_ACCOUNT):
            return True
        is_safety = self.action in (Action.MANAGE_KEYS, Action.MANAGE_TEAM, Action.ERASE_DATA)
        return (is_safety or request.method == "DELETE") and request.method not in ("GET", "HEAD")


def require_recent(request: HttpRequest, caller: Caller) -> None:
    """For what concerns safety: raises NotAllowed to a person who signed in a while ago; a program has its key alone.
    A view asks itself where it depends on what was sent."""
    if caller.member is not None and not is_recent(request, now=utc_now()):
        raise NotAllowed("again", code="sign_in_again", minutes=settings.OTAI_ASK_AGAIN_MINUTES)


def caller_of(request: HttpRequest) -> Caller:
    """Who calls: by the key in `Authorization`, else by the session. Raises NotSignedIn and NotAllowed."""
    header = request.headers.get("Authorization", "")
    if header:
        return _key_holder(request, header)
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return _session_holder(request, cast(User, user))
    raise NotSignedIn("nobody")


def _key_holder(request: HttpRequest, header: str) -> Caller:
    now = utc_now()
    try:
        key = key_sent(request, header, partial(queries.key_of, now=now))
    except NotSignedIn as misused:
        secret = header.partition(" ")[2].strip()
        if secret.startswith(f"{BRAND}_"):
            note_misuse(secret, case=misused.case, about=Fact("access.at_customers_api"), now=now, **sender(request))
        note_key_misuse(secret, case=misused.case, now=now, **sender(request))
        raise
    note_use(key, now=now)
    organisation = key.organisation
    named = _named(request)
    if named and named != organisation.slug:
        raise NotFound("no_organisation", organisation=named)
    return Caller(organisation, by_key(key.name, key.prefix), f"key:{key.id}", key=key)


def key_sent(request: HttpRequest, header: str, look_up: Callable[[str], FoundKey]) -> FoundKey:
    """The key that `Authorization` names, by `look_up` of its secret. Raises NotSignedIn, and TooManyRequests to
    whoever sends many that are wrong."""
    brand, _, secret = header.partition(" ")
    sender = network_of(request.META.get("REMOTE_ADDR", ""))
    try:
        if brand.lower() != "bearer":
            raise NotSignedIn("no_bearer", code="api_key_unknown")
        return look_up(secret.strip())
    except NotAllowed as unknown:
        rate = rates.shared.count(f"failed:{sender[:80]}", limit=failures_per_minute)
        if rate.exceeded:
            raise TooManyRequests("wrong_keys", seconds=rate.reset_seconds) from None
        raise NotSignedIn(unknown.case, code=unknown.code, **unknown.details) from None


def _session_holder(request: HttpRequest, user: User) -> Caller:
    if check_csrf(request) is not None:
        raise CsrfFailed("csrf")
    named = _named(request)
    if named:
        member = queries.member(user, named)
    else:
        mine = list(queries.memberships(user)[:2])
        if not mine:
            raise NotFound("in_no_organisation")
        if len(mine) > 1:
            raise Invalid("several", field="organisation", code="organisation_not_named")
        member = mine[0]
    if queries.lacks_second_factor(member):
        raise NotAllowed("second_factor", organisation=member.organisation.name, code="second_factor_needed")
    return Caller(member.organisation, user.email, f"user:{user.pk}", member=member)


def _named(request: HttpRequest) -> str:
    return request.headers.get("Otai-Organisation") or request.GET.get("organisation", "")


def needed(caller: Caller, *actions: Action) -> NotAllowed:
    """The refusal of a caller who may do none of these actions, of which one is enough."""
    needs = " or ".join(action.value for action in actions)
    if caller.key is not None:
        opening = [scope.value for scope, opened in SCOPE_ACTIONS.items() if opened & set(actions)]
        if not opening:
            return NotAllowed("no_key_may", needs=needs)
        return NotAllowed("scopes", scopes=caller.scopes, opening=" or ".join(opening), needs=needs)
    roles = [role.value for role, allowed in ROLE_ACTIONS.items() if allowed & set(actions)]
    return NotAllowed("role", roles=" or ".join(roles), needs=needs)
