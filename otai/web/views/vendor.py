"""What the installation's vendor gives: legal pages, logo and colours. For everybody, signed in or not."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from otai.orgs import legal
from otai.orgs.templatetags import vendor
from otai.web.legal_links import TITLES
from otai.web.markdown import as_html

kept = "public, max-age=31536000, immutable"
"""The address names the content."""


@require_safe
def legal_page(request: HttpRequest, which: str) -> HttpResponse:
    """Terms, privacy notice or imprint, in the reader's language where there is one; elsewhere leads there."""
    if which not in tuple(legal.Legal):
        raise Http404
    place = legal.place_of(legal.Legal(which), get_language() or "")
    if place.is_elsewhere:
        return redirect(place.place)
    text = legal.text_of(place)
    is_markdown = place.place.endswith(".md")
    context = {
        "title": TITLES[legal.Legal(which)],
        "text": as_html(text) if is_markdown else "",
        "plain": "" if is_markdown else text,
        "written_in": place.language,
        "version": legal.terms_version() if which == legal.Legal.TERMS else "",
    }
    return render(request, "web/legal.html", context)


@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """The logo. What is asked for by another digest is one of before, or nobody's."""
    picture = settings.OTAI_LOGO_PICTURE
    if picture is None:
        raise Http404
    answer = HttpResponse(picture.data, content_type="image/png")
    if digest == picture.digest:
        answer.headers["Cache-Control"] = kept
    return answer


@require_safe
def colours(request: HttpRequest, digest: str) -> HttpResponse:
    """A style sheet with the vendor's accent in the place of ours."""
    if not settings.OTAI_COLOUR_SHEET:
        raise Http404
    answer = HttpResponse(settings.OTAI_COLOUR_SHEET, content_type="text/css; charset=utf-8")
    if digest == vendor.digest_of(settings.OTAI_COLOUR_SHEET):
        answer.headers["Cache-Control"] = kept
    return answer
