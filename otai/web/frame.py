"""What surrounds every page: navigation, balance, warnings, theme. Asked for lazily, so a page that shows none of it
pays for none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from otai.billing import queries as billing
from otai.errors import NotFound
from otai.ledger import queries as ledger
from otai.orgs.models import Organisation
from otai.web.access import impersonated, local_path
from otai.web.handbook.of_pages import help_of
from otai.web.legal_links import LegalLink, legal_links
from otai.web.places import PLACES, NamedPlace
from otai.web.words import fact_words

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "otai_theme"
KEYS_COOKIE = "otai_keys"
"""`off`: keys of one letter do nothing in this browser (WCAG 2.2, 2.1.4)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A word of the navigation; `page` is the name of its address, `also` of others that belong to it. Whose role does
    not open the page is led to `instead`, a word and a page."""

    word: str | Promise
    page: str
    icon: str
    also: tuple[str, ...] = ()
    instead: tuple[str | Promise, str] | None = None


DESTINATIONS = (
    Destination(_("Home"), "web:home", "home"),
    Destination(_("Tickets"), "web:tickets", "tickets"),
    Destination(
        _("Train"), "web:train", "train", also=("web:runs", "web:guarantee"), instead=(_("Trainings"), "web:runs")
    ),
    Destination(_("Models"), "web:models", "models"),
    Destination(_("Credits"), "web:credits", "credits"),
    Destination(_("Team"), "web:team", "team"),
)


@dataclass(frozen=True, slots=True)
class NavigationItem:
    word: str | Promise
    icon: str
    address: str
    is_here: bool


class PageFrame:
    """Of one request. Templates know it as `frame`."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def organisation(self) -> Organisation | None:
        """The organisation of the page; None on pages of nobody's, such as signing in."""
        return getattr(self._request, "organisation", None)

    @property
    def member(self) -> Any:
        """Who reads, in which organisation; None outside of one."""
        return getattr(self._request, "member", None)

    @cached_property
    def impersonation(self) -> Any:
        """As whom an operator looks; None for everybody else."""
        return impersonated(self._request) if hasattr(self._request, "session") else None

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Code and name of each language that may be chosen, named as its readers name it: `("de", "Deutsch")`."""
        return list(settings.LANGUAGES)

    @property
    def theme(self) -> str:
        """Light, dark, or as the machine has it (auto)."""
        chosen = self._request.COOKIES.get(THEME_COOKIE, "auto")
        return chosen if chosen in THEMES else "auto"

    @property
    def keys_are_off(self) -> bool:
        """Whether keys of one letter are switched off in this browser."""
        return self._request.COOKIES.get(KEYS_COOKIE) == "off"

    @cached_property
    def places(self) -> list[tuple[NamedPlace, str]]:
        """Where `g` and a letter lead, each with its address: what the reader's role opens."""
        addressed = [(place, self.address(place.page)) for place in PLACES if place.key]
        return [(place, address) for place, address in addressed if address and self.may_open(address)]

    @property
    def here(self) -> str:
        """The address that shows this page again. What answers a form is not shown by asking for its address: there,
        the form's page."""
        if self._request.method in ("GET", "HEAD"):
            return self._request.get_full_path()
        came_from = urlsplit(local_path(self._request, self._request.headers.get("Referer", "")))
        return urlunsplit(("", "", came_from.path or "/", came_from.query, ""))

    @cached_property
    def navigation(self) -> list[NavigationItem]:
        """The six words; those whose page is not there are left out."""
        here = self._request.path
        home = self.address("web:home")
        items = []
        for destination in DESTINATIONS:
            if address := self.address(destination.page):
                parts = [address, *filter(None, map(self.address, destination.also))]
                is_here = here == home if address == home else here.startswith(tuple(parts))
                word = destination.word
                if destination.instead is not None and not self.may_open(address):
                    word, address = destination.instead[0], self.address(destination.instead[1])
                items.append(NavigationItem(word, destination.icon, address, is_here))
        return items

    def may_open(self, address: str) -> bool:
        """Whether the reader's role allows the action that the page at this address asks for."""
        action = getattr(resolve(address).func, "page_action", None)
        return action is None or self.member is None or self.member.may(action)

    @property
    def train_page(self) -> str:
        """Where a training is chosen; empty for whoever may not order one."""
        address = self.address("web:train")
        return address if address and self.may_open(address) else ""

    def address(self, page: str) -> str:
        """Of a page of this organisation; empty while there is no such page."""
        if self.organisation is None:
            return ""
        try:
            return reverse(page, args=[self.organisation.slug])
        except NoReverseMatch:
            return ""

    @property
    def help(self) -> str:
        """The address of the help's list."""
        return self.address("web:help")

    @cached_property
    def help_of_page(self) -> str:
        """Where this page is explained; empty where nothing is written about it."""
        match = self._request.resolver_match
        name, anchor = help_of(match.view_name) if match else ("", "")
        if not name or self.organisation is None:
            return ""
        return reverse("web:help_page", args=[self.organisation.slug, name]) + (f"#{anchor}" if anchor else "")

    @property
    def credits_page(self) -> str:
        """The address of the credits page."""
        return self.address("web:credits")

    @property
    def legal(self) -> list[LegalLink]:
        """The vendor's legal pages, for the footer."""
        return legal_links()

    @cached_property
    def balance(self) -> ledger.Balance | None:
        """The organisation's credits; None outside of one."""
        return ledger.balance(self.organisation.id) if self.organisation else None

    @cached_property
    def warnings(self) -> list[tuple[str, str]]:
        """Code and sentence of what every page of the organisation should say, most urgent first."""
        if self.organisation is None:
            return []
        try:
            return [(found.code, fact_words(found.fact)) for found in billing.warnings(self.organisation)]
        except NotFound:
            # Never signed up for a tier: an organisation made by hand.
            return []


def frame(request: HttpRequest) -> dict[str, Any]:
    """Django's context processor."""
    return {"frame": PageFrame(request)}
