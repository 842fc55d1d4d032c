"""Links to the vendor's legal pages, for footers and the sign-up."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from otai.orgs import legal

TITLES: dict[legal.Legal, str | Promise] = {
    legal.Legal.TERMS: _("Terms"),
    legal.Legal.PRIVACY: _("Privacy"),
    legal.Legal.IMPRINT: _("Imprint"),
}


@dataclass(frozen=True, slots=True)
class LegalLink:
    """`address` leads elsewhere where the page is there."""

    title: str | Promise
    address: str


def legal_links() -> list[LegalLink]:
    """Those that this installation has, in the reader's language."""
    return [LegalLink(TITLES[one], address_of(one)) for one in legal.given()]


def address_of(which: legal.Legal) -> str:
    """The address of one of them, which there must be."""
    place = legal.place_of(which, get_language() or "")
    return place.place if place.is_elsewhere else reverse("web:legal", args=[which.value])
