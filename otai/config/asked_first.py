"""Who sends a file is asked for before the file is read: the front sends the request without its body through here
first."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from otai.api.access import caller_of
from otai.api.problems import NotSignedIn, answer, of_exception
from otai.errors import OtaiError
from otai.web.access import to_sign_in


class AskedFirst:
    """204 for somebody whom we know, or the refusal of the door. What they may do is decided once the file is there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.META.get("otai.front.asks_who"):
            return self.get_response(request)
        if "Authorization" in request.headers and request.path.startswith("/api/"):
            try:
                caller_of(request)
            except OtaiError as refused:
                return of_exception(request, refused)
            return HttpResponse(status=204)
        if request.user.is_authenticated:
            return HttpResponse(status=204)
        if request.path.startswith("/api/"):
            return answer(NotSignedIn("This needs an API key, or a signed-in browser."))
        return to_sign_in(request)
