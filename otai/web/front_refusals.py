"""What a browser is shown where the front refuses a request before any page is asked."""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest, parse_cookie
from django.template.loader import render_to_string
from django.utils import translation

from otai.front.bodies import Unread


def page_of(refused: Unread, headers: dict[bytes, str]) -> bytes:
    """The refusal as a page of its own, in the language of the reader's cookie or browser. It needs no database, and
    under load one page is made for many."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", "")
    request.COOKIES = parse_cookie(headers.get(b"cookie", ""))
    language = translation.get_language_from_request(request)
    return _page(refused.status, language, refused.said("page", language))


@lru_cache(maxsize=256)
def _page(status: int, language: str, said: str) -> bytes:
    with translation.override(language):
        return render_to_string("web/front_refusal.html", {"status": status, "said": said}).encode()
