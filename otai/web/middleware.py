"""What every answer gets: a Content-Security-Policy, `no-store`, compression; and a page in words where a room
refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from otai.billing.seller import seller
from otai.db import DatabaseBusy, busy
from otai.errors import Invalid, NotAllowed, NotFound, OtaiError, Refused, Unavailable
from otai.orgs.streams import TooManyStreams

STATUS: dict[type[OtaiError], int] = {Refused: 409, Invalid: 422, NotFound: 404, NotAllowed: 403, Unavailable: 503}
STATUS_OF_ONE: dict[type[OtaiError], int] = {TooManyStreams: 429}

POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "manifest-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
    "object-src": ("'none'",),
}
"""Nothing inline, nothing from elsewhere. `data:` is for the pictures that Django's admin draws with its style
sheets."""


def content_security_policy(**more: tuple[str, ...]) -> str:
    """The policy as a header; `more` adds sources, `script_src=("https://...",)`, for the one page that needs them."""
    added = {name.replace("_", "-"): sources for name, sources in more.items()}
    merged = {name: sources + added.pop(name, ()) for name, sources in POLICY.items()} | added
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in merged.items())


def status_of(error: OtaiError) -> int:
    """The HTTP status of an error's page by its kind; 500 for what has none."""
    return next((status for kind, status in (STATUS_OF_ONE | STATUS).items() if isinstance(error, kind)), 500)


class StudioMiddleware:
    """The policy on every answer, nothing of it kept on the way, and refusals of the rooms as pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.policy = content_security_policy()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # The desk says in its head that its times are the seller's.
        with timezone.override(seller().zone) if request.path.startswith(reverse("admin:index")) else nullcontext():
            response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        # A view that refuses by raising loses what its decorators would say, and a refusal tells of a member, too.
        response.headers.setdefault("Cache-Control", "no-store, private")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(self)")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page says what happened and what would help; a part of a page (htmx) gets a notice in its place."""
        if isinstance(exception, OperationalError):
            return _busy(request, busy(exception))
        if not isinstance(exception, OtaiError):
            return None
        return _refused(request, exception)


def _refused(request: HttpRequest, error: OtaiError) -> HttpResponse:
    status = status_of(error)
    template = "web/parts/refusal.html" if is_part(request) else "web/refusal.html"
    context: dict[str, Any] = {"error": error, "status": status}
    return HttpResponse(render_to_string(template, context, request=request), status=status)


def _busy(request: HttpRequest, error: DatabaseBusy) -> HttpResponse:
    """The page, with `Retry-After`. Where the database is away altogether, who is signed in cannot be told: then a page
    without them."""
    try:
        answer = _refused(request, error)
    except DatabaseError:
        answer = HttpResponse(render_to_string("web/busy.html", {"error": error}), status=503)
    answer["Retry-After"] = str(error.details["seconds"])
    return answer


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asked, for a part of a page."""
    return bool(getattr(request, "htmx", False)) and not getattr(request.htmx, "boosted", False)  # type: ignore[attr-defined]


class CompressPages(GZipMiddleware):
    """Whole pages only. A stream stays as it is: compressed, its events would wait for each other.

    Against BREACH, Django pads the answer with random bytes and masks the CSRF token anew each time.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compresses whole pages; streams go out as they come."""
        if response.streaming or settings.DEBUG:
            return response
        return super().process_response(request, response)
