"""Who may see a page. Every page of an organisation lives below `/<slug>/` and names the action that it needs:

@page(Action.TRAIN)
def train(request: MemberRequest) -> HttpResponse: ...

path("<slug:slug>/train/", train, name="train")
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from otai.db import utc_now
from otai.errors import NotFound
from otai.orgs import impersonation, queries
from otai.orgs.access_events import AccessKind, note
from otai.orgs.models import Impersonation, Member, Organisation, User
from otai.orgs.permissions import Action
from otai.orgs.sessions import is_recent, sender
from otai.orgs.standing import Standing
from otai.orgs.suspension import refuse_closing
from otai.words.sentences import Fact

PageView = Callable[..., HttpResponseBase]


class MemberRequest(HttpRequest):
    """What a view behind `@page` gets: the request of a signed-in member of the organisation in the address."""

    user: User
    member: Member
    organisation: Organisation


AsksAgain = bool | Callable[["MemberRequest"], bool]
"""Whether a form asks once more who somebody is; or whether it does as it was sent."""


def page(
    action: Action, *, asks_again: AsksAgain = False, downloads: bool = False, costs: bool = False
) -> Callable[[PageView], PageView]:
    """The view is for members of the organisation in the address whose role allows `action`.

    Nobody signed in: to the sign-in page, and back here after it. Not a member, or no such organisation: 404, the
    same for both. A role that does not allow it: 403. The view gets the request with `member` and `organisation`, and
    the rest of the address without `slug`. An organisation that asks for a second factor sends members without one to
    set it up. `asks_again`: what the form does concerns safety, so whoever signed in a while ago says who they are
    once more, and the form is then done as it was sent; with `downloads` the file is asked for so as well. `downloads`:
    it answers with a file to keep, which operators who look as a member do not get. `costs`: more than other pages do,
    as a file does, so that fewer of them are answered within a minute (`page_rates.py`). `view.page_action` says what
    was asked for, so that tests can walk the URL table.
    """

    def decorate(view: PageView) -> PageView:
        @wraps(view)
        @never_cache
        def guarded(request: HttpRequest, *args: Any, slug: str, **rest: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            looking = impersonated(request)
            if looking is not None and looking.member.organisation.slug == slug:
                if downloads or "download" in request.GET:
                    raise impersonation.LooksOnly("looks_only")
                return _look(view, cast(MemberRequest, request), looking, action, args, rest)
            try:
                member = queries.member(request.user, slug)
            except NotFound as missing:
                raise Http404(missing.message) from None
            known = cast(MemberRequest, request)
            known.member, known.organisation = member, member.organisation
            refuse_closing(known.organisation, action, reads=request.method in ("GET", "HEAD"))
            if not member.may(action):
                note(
                    member.organisation,
                    AccessKind.REFUSED,
                    who=request.user.email,
                    now=utc_now(),
                    about=Fact("access.refused", {"action": action.value}),
                    **sender(request),
                )
                raise role_does_not_include_this(known)
            if queries.lacks_second_factor(member):
                return to_second_factor(known)
            is_done = downloads or request.method not in ("GET", "HEAD")
            is_asked = is_done and (asks_again(known) if callable(asks_again) else asks_again)
            if is_asked and not is_recent(request, now=utc_now()):
                # allauth's middleware keeps what was sent, asks, and does it then.
                raise ReauthenticationRequired
            return view(request, *args, **rest)

        guarded.page_action = action  # type: ignore[attr-defined]
        guarded.asks_again = bool(asks_again)  # type: ignore[attr-defined]
        guarded.downloads = downloads  # type: ignore[attr-defined]
        guarded.costs = costs or downloads  # type: ignore[attr-defined]
        return guarded

    return decorate


IMPERSONATION = "impersonation"
"""Where an operator's session keeps which member they look as."""


def impersonated(request: HttpRequest) -> Impersonation | None:
    """As whom an operator looks, while it lasts."""
    kept = request.session.get(IMPERSONATION)
    if not kept or not request.user.is_authenticated:
        return None
    return impersonation.going_on(kept, operator=request.user, now=utc_now())


def _look(
    view: PageView, request: MemberRequest, looking: Impersonation, action: Action, args: Any, rest: Any
) -> HttpResponseBase:
    """The page as the member sees it; `request.user` stays the operator."""
    if request.headers.get("Accept") == "text/event-stream":
        # No live news: 204 tells the browser not to ask again.
        return HttpResponse(status=204)
    impersonation.require_looking(action, is_look=request.method in ("GET", "HEAD"))
    request.member, request.organisation = looking.member, looking.member.organisation
    if not request.member.may(action):
        raise role_does_not_include_this(request)
    return view(request, *args, **rest)


def role_does_not_include_this(request: MemberRequest) -> PermissionDenied:
    """The refusal of a member who may see the page's organisation, and may not do this there."""
    return PermissionDenied(
        _("Your role in %(organisation)s does not include this. An owner can change it on the Team page.")
        % {"organisation": request.organisation.name}
    )


def to_second_factor(request: MemberRequest) -> HttpResponse:
    """To the page where a second factor is set up, which says why. A part of a page (htmx) asks the browser to take the
    whole page there."""
    messages.warning(
        request,
        _("A second factor is asked of everybody in %(organisation)s: set one up, then come back.")
        % {"organisation": request.organisation.name},
    )
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=403, headers={"HX-Redirect": resolve_url("mfa_index")})
    if request.method == "GET":
        come_back_to(request, request.get_full_path())
    return HttpResponseRedirect(resolve_url("mfa_index"))


def come_back_to(request: HttpRequest, address: str) -> None:
    """The pages of second factors lead back to `address`, once there is one; not to another site."""
    if url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        request.session["second_factor_for"] = address


def signed_in(view: PageView | None = None, *, costs: bool = False) -> Any:
    """The view is for anybody who is signed in, member of an organisation or not. `costs`: as for `page`."""
    if view is None:
        return partial(signed_in, costs=costs)

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **rest: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        return view(request, *args, **rest)

    guarded.page_action = None  # type: ignore[attr-defined]
    guarded.costs = costs  # type: ignore[attr-defined]
    return guarded


def standing_of(request: MemberRequest, action: Action) -> Standing:
    """Who reads a stream, so that it ends when they may no longer."""
    return Standing(
        organisation=request.organisation.pk,
        action=action,
        user=request.user.pk,
        session=request.session.session_key or "",
    )


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, with the way back: to the page of a form that came when its sender was signed out already,
    which says so. A part of a page (htmx) asks the browser to take the whole page there."""
    if request.method in ("GET", "HEAD"):
        back = request.get_full_path()
    elif back := local_path(request, request.headers.get("Referer", "")):
        back = urlsplit(back)._replace(scheme="", netloc="", fragment="").geturl()
        messages.warning(
            request, _("You had been signed out, so nothing was done. Sign in, then send the form once more.")
        )
    if from_htmx := request.headers.get("HX-Request") == "true":
        back = local_path(request, request.headers.get("HX-Current-URL", ""))
    address = resolve_url(settings.LOGIN_URL)
    if back:
        address += "?" + urlencode({"next": back})
    if from_htmx:
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def local_path(request: HttpRequest, url: str, *, otherwise: str = "") -> str:
    """`url` if it leads to this installation, else `otherwise`. Ask it before following any address that came with a
    request."""
    secure = request.is_secure()
    is_ours = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=secure)
    # A bare word would be taken for the name of a page of ours, not for an address.
    return url if is_ours and url.startswith(("/", "http://", "https://")) else otherwise
