"""The help: its list, its search and its pages, in the frame of an organisation and, for whoever has none, without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from otai.orgs.permissions import Action
from otai.web.access import MemberRequest, impersonated, page
from otai.web.handbook import pages, rendering
from otai.web.handbook.searching import longest_question, search
from otai.web.views.front import last_organisation
from otai.words.catalogue import ENGLISH


@dataclass(frozen=True, slots=True)
class ListedPage:
    name: str
    language: str
    title: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A group of pages under one word."""

    title: str | Promise
    pages: list[ListedPage]


@require_safe
@page(Action.VIEW)
def index(request: MemberRequest) -> HttpResponse:
    """All pages by group, or what answers `?q=`."""
    return _index(request, base="web/base.html")


@require_safe
@page(Action.VIEW)
def show(request: MemberRequest, name: str) -> HttpResponse:
    """A page of the help. 404 for what is none, or is not for this reader."""
    return _show(request, name, base="web/base.html")


@require_safe
def open_index(request: HttpRequest) -> HttpResponse:
    """The list for whoever is in no organisation yet; members are led to theirs."""
    slug = last_organisation(request)
    if slug:
        return redirect(f"{reverse('web:help', args=[slug])}{_query(request)}")
    return _index(request, base="web/base_plain.html")


@require_safe
def open_page(request: HttpRequest, name: str) -> HttpResponse:
    """An address of the help that can be passed on: whoever is a member reads it in their organisation's frame."""
    slug = last_organisation(request)
    if slug and name in pages.names(operator=is_operator(request)):
        return redirect("web:help_page", slug=slug, name=name)
    return _show(request, name, base="web/base_plain.html")


def _query(request: HttpRequest) -> str:
    asked = request.GET.urlencode()
    return f"?{asked}" if asked else ""


def is_operator(request: HttpRequest) -> bool:
    """Whether the operators' pages are shown; not to one who looks as a member."""
    user = request.user
    return user.is_authenticated and user.is_staff and impersonated(request) is None


def _index(request: HttpRequest, *, base: str) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:longest_question]
    reader: dict[str, Any] = {"language": get_language() or ENGLISH, "operator": is_operator(request)}
    shelves = [
        Shelf(group.title, [_listed(name, reader["language"]) for name in group.names])
        for group in pages.GROUPS
        if reader["operator"] or not group.for_operators
    ]
    found = search(asked, **reader) if asked else []
    context = {"base": base, "asked": asked, "found": found, "shelves": shelves, "root": _root(request)}
    return render(request, "web/help/index.html", context)


def _listed(name: str, language: str) -> ListedPage:
    written_in = pages.language_of(name, language)
    return ListedPage(name, written_in, pages.title_of(name, written_in))


def _show(request: HttpRequest, name: str, *, base: str) -> HttpResponse:
    operator = is_operator(request)
    if name not in pages.names(operator=operator):
        raise Http404
    language = get_language() or ENGLISH
    shown = rendering.page(name, language=language, operator=operator)
    is_theirs = language.partition("-")[0] == shown.language
    context = {"base": base, "shown": shown, "is_theirs": is_theirs, "root": _root(request)}
    return render(request, "web/help/page.html", context)


def _root(request: HttpRequest) -> str:
    """The address of the list."""
    organisation = getattr(request, "organisation", None)
    return reverse("web:help", args=[organisation.slug]) if organisation else reverse("web:open_help")
