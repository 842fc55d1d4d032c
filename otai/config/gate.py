"""The first look at a request: whose it is, and whether it came over TLS where this installation is reached by TLS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import iri_to_uri

from otai.config.addresses import client_address, forwarded_scheme

WATCHERS = ("/health/", "/metrics")
"""Asked from inside, by address and without TLS."""


class Gate:
    """Before everything else. From here on `REMOTE_ADDR` and the scheme are the visitor's, and absolute links begin
    with `OTAI_BASE_URL`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["REMOTE_ADDR"] = client_address(
            request.META.get("REMOTE_ADDR", ""),
            request.headers.get("X-Forwarded-For", ""),
            trusted_proxies=settings.OTAI_TRUSTED_PROXIES,
        )
        # Django would take the first of several, which is a visitor's wherever a proxy only adds to them.
        request.META["HTTP_X_FORWARDED_PROTO"] = forwarded_scheme(
            request.headers.get("X-Forwarded-Proto", ""), trusted_proxies=settings.OTAI_TRUSTED_PROXIES
        )
        # What others build links with (allauth, for its mails) would take the Host that a request names: anybody's
        # choice.
        request.build_absolute_uri = _absolute(request)  # type: ignore[method-assign]
        if request.path.startswith(WATCHERS):
            # Kubernetes and Prometheus ask by address, and no answer of these speaks of a host.
            request.META["HTTP_HOST"] = settings.OTAI_BASE_URL.partition("://")[2]
            return self.get_response(request)
        return _refusal_of_plain_http(request) or self.get_response(request)


def _absolute(request: HttpRequest) -> Callable[..., str]:
    def build_absolute_uri(location: str | None = None) -> str:
        if location is None:
            return settings.OTAI_BASE_URL + request.get_full_path()
        here = settings.OTAI_BASE_URL + request.path
        return str(iri_to_uri(urljoin(here, str(location))))

    return build_absolute_uri


def _refusal_of_plain_http(request: HttpRequest) -> HttpResponse | None:
    """None for a request that may go on.

    Only trusted proxies can say that a visitor came without TLS; where there are none, nothing is known, and
    redirecting would go round in circles behind a proxy that is merely not declared. Who looks at a page is sent to the
    secure address. What carries a key or a password is refused and not redirected: it was readable already, and its
    sender should come to know.
    """
    if not settings.OTAI_BASE_URL.startswith("https://") or settings.OTAI_TRUSTED_PROXIES < 1 or request.is_secure():
        return None
    is_api = request.path.startswith("/api/")
    if request.method in ("GET", "HEAD") and not is_api:
        return HttpResponsePermanentRedirect(settings.OTAI_BASE_URL + request.get_full_path(), preserve_request=True)
    message = (
        f"This Studio is reached at {settings.OTAI_BASE_URL} only; this request came without TLS and was not looked at."
    )
    if not is_api:
        return HttpResponse(message, status=403, content_type="text/plain; charset=utf-8")
    error: dict[str, Any] = {
        "code": "https_required",
        "message": message,
        "help": f"Use {settings.OTAI_BASE_URL}, and replace a key that was sent in the clear. "
        "Behind a proxy of yours, it has to send X-Forwarded-Proto: https.",
    }
    return JsonResponse({"error": error}, status=403)
