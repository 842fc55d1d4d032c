"""How many pages a person may ask for within a minute, and everybody at one address; fewer of those that cost more than
others: what is searched, written as PDF or taken along. Counted over all server processes (`orgs/rates.py`). The API
has bounds of its own, and so have the forms of signing in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from otai.errors import Refused
from otai.front.networks import network_of
from otai.orgs.rates import Rate, shared
from otai.web.middleware import is_part

NOT_PAGES = ("/api/", "/webhooks/", "/health/", "/metrics")
"""They have bounds of their own, or callers that are known by a secret."""


class TooManyPages(Refused):
    """`details`: `most` in a minute, and `seconds` until it ends."""

    code = "too_many_pages"


class PageRates:
    """After the visitor is known: whoever asks too often is refused before the view does anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], arguments: Any, named: Any
    ) -> HttpResponse | None:
        """A page of few words where a bound is passed: it costs less than what was asked for."""
        if request.path.startswith(NOT_PAGES):
            return None
        for rate, refusal in _counted(request, view):
            if rate.exceeded:
                return _refused(request, refusal, rate)
        return None


def _counted(request: HttpRequest, view: Callable[..., Any]) -> Iterator[tuple[Rate, Callable[..., TooManyPages]]]:
    address = f"pages:{network_of(request.META.get('REMOTE_ADDR', ''))[:80]}"
    most = settings.OTAI_PAGES_PER_MINUTE_OF_ADDRESS
    yield shared.count(address, limit=most, told_late=True), _of_address
    if not request.user.is_authenticated:
        return
    person = f"user:{request.user.pk}"
    yield shared.count(f"pages:{person}", limit=settings.OTAI_PAGES_PER_MINUTE, told_late=True), _of_person
    if getattr(view, "costs", False):
        most = settings.OTAI_COSTLY_PAGES_PER_MINUTE
        yield shared.count(f"costly:{person}", limit=most, told_late=True), _of_costly


def _of_address(**said: Any) -> TooManyPages:
    return TooManyPages("address", **said)


def _of_person(**said: Any) -> TooManyPages:
    return TooManyPages("person", **said)


def _of_costly(**said: Any) -> TooManyPages:
    return TooManyPages("costly", **said)


def _refused(request: HttpRequest, refusal: Callable[..., TooManyPages], rate: Rate) -> HttpResponse:
    template = "web/parts/refusal.html" if is_part(request) else "web/too_many.html"
    error = refusal(most=rate.limit, seconds=rate.reset_seconds)
    answer = HttpResponse(render_to_string(template, {"error": error, "status": 429}), status=429)
    answer["Retry-After"] = str(rate.reset_seconds)
    return answer
