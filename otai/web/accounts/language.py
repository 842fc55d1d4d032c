"""The language of a person who signs in on a new device: the one they chose, until this browser says another."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

from otai.orgs.languages import languages


class PersonalLanguage:
    """After Django's LocaleMiddleware, which follows the cookie, else what the browser asks for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # With a cookie there is nothing to ask, and no row of a person to read.
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and settings.SESSION_COOKIE_NAME in request.COOKIES:
            language = getattr(request.user, "language", "")
            if language in languages():
                translation.activate(language)
                request.LANGUAGE_CODE = language
        return self.get_response(request)
