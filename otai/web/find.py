"""What a member finds by its name or number: pages, data sets, models, trainings, orders, invoices, help. Of their
organisation alone, and nothing whose page their role does not open; one query for each kind, whatever there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from otai.billing import queries as billing
from otai.orgs.models import Organisation
from otai.runs import queries as runs
from otai.serving.models import TrainedModel
from otai.tickets import queries as tickets
from otai.web import formats, words
from otai.web.handbook.searching import folded, search
from otai.web.places import PLACES

longest_asked, most_words, most_of_a_kind = 100, 6, 6
looked_through = 60
"""Versions of data sets that are read for the newest of each name."""

_NUMBER = re.compile(r"#?0*(\d{1,9})$")


@dataclass(frozen=True, slots=True)
class FoundThing:
    """Something that was found. `language` is said where it is not the reader's."""

    title: str | Promise
    address: str
    icon: str
    detail: str | Promise = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class FoundKind:
    """Things of one kind, under its word."""

    title: str | Promise
    things: list[FoundThing]


@dataclass(frozen=True, slots=True)
class Seeker:
    """Who looks for something: where, in which language, and whether the page at an address is theirs to open."""

    organisation: Organisation
    language: str
    operator: bool
    may_open: Callable[[str], bool]

    def address(self, page: str, *more: object) -> str:
        """Of a page of the organisation."""
        return reverse(page, args=[self.organisation.slug, *more])


def find(asked: str, seeker: Seeker) -> list[FoundKind]:
    """What goes by these words, by kind; without words the pages that the seeker may open."""
    said = asked[:longest_asked].split()[:most_words]
    kinds = [FoundKind(gettext_lazy("Pages"), list(_places(said, seeker)))]
    if said:
        kinds += [
            FoundKind(gettext_lazy("Data sets"), list(_data_sets(said, seeker))),
            FoundKind(gettext_lazy("Models"), list(_models(said, seeker))),
            FoundKind(gettext_lazy("Trainings"), list(_runs(said, seeker))),
            FoundKind(gettext_lazy("Orders"), list(_orders(said, seeker))),
            FoundKind(gettext_lazy("Invoices"), list(_invoices(said, seeker))),
            FoundKind(gettext_lazy("Help"), list(_help(asked, seeker))),
        ]
    return [kind for kind in kinds if kind.things]


def _places(said: list[str], seeker: Seeker) -> Iterator[FoundThing]:
    wanted = [folded(word) for word in said]
    found = 0
    for place in PLACES:
        address = seeker.address(place.page)
        if all(word in folded(str(place.word)) for word in wanted) and seeker.may_open(address):
            yield FoundThing(place.word, address, place.icon, f"g {place.key}" if place.key else "")
            found += 1
        if said and found == most_of_a_kind:
            return


def _data_sets(said: list[str], seeker: Seeker) -> Iterator[FoundThing]:
    found = tickets.data_sets(seeker.organisation).filter(_named("name", said)).order_by("name", "-version")
    seen: set[str] = set()
    for one in found.only("id", "name", "version", "tickets", "organisation_id")[:looked_through]:
        if one.name not in seen and len(seen) < most_of_a_kind:
            seen.add(one.name)
            detail = ngettext(
                "version %(version)s, %(tickets)s ticket", "version %(version)s, %(tickets)s tickets", one.tickets
            ) % {"version": one.version, "tickets": formats.number(one.tickets)}
            yield FoundThing(one.name, seeker.address("web:data_set", one.id), "tickets", detail)


def _models(said: list[str], seeker: Seeker) -> Iterator[FoundThing]:
    found = TrainedModel.objects.filter(_named("name", said), organisation=seeker.organisation).order_by("name")
    for one in found.only("id", "name")[:most_of_a_kind]:
        yield FoundThing(one.name, seeker.address("web:model", one.id), "models")


def _runs(said: list[str], seeker: Seeker) -> Iterator[FoundThing]:
    number = _NUMBER.match(said[-1])
    by_number = Q(number=int(number[1])) if number else Q(pk=None)
    found = runs.without_evidence(runs.runs(seeker.organisation)).filter(by_number | _named("model_name", said))
    for one in found.order_by("-number")[:most_of_a_kind]:
        title = _("Training %(number)s") % {"number": one.number}
        yield FoundThing(title, seeker.address("web:run", one.number), "train", one.model_name)


def _orders(said: list[str], seeker: Seeker) -> Iterator[FoundThing]:
    if not seeker.may_open(seeker.address("web:credits")):
        return
    for one in billing.purchases(seeker.organisation).filter(_named("reference", said))[:most_of_a_kind]:
        yield FoundThing(
            one.reference, seeker.address("web:purchase", one.reference), "credits", words.purchase_title(one)
        )


def _invoices(said: list[str], seeker: Seeker) -> Iterator[FoundThing]:
    if not seeker.may_open(seeker.address("web:invoices")):
        return
    found = billing.invoices(seeker.organisation).filter(_named("number", said)).defer("facts")
    for one in found[:most_of_a_kind]:
        yield FoundThing(
            one.number,
            seeker.address("web:purchase", one.purchase.reference),
            "file",
            words.INVOICES.get(one.kind, one.kind),
        )


def _help(asked: str, seeker: Seeker) -> Iterator[FoundThing]:
    for one in search(asked, language=seeker.language, operator=seeker.operator, most=most_of_a_kind):
        language = "" if seeker.language.partition("-")[0] == one.page.language else one.page.language
        yield FoundThing(
            one.section.title, seeker.address("web:help") + one.where, "help", one.of_page, language=language
        )


def _named(column: str, said: list[str]) -> Q:
    """All words stand in the column, in small or capital letters; SQLite knows that of English letters alone, so
    others are tried in the usual ways of writing."""
    every = Q()
    for word in said:
        ways = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
        one = Q()
        for way in ways:
            one |= Q(**{f"{column}__icontains": way})
        every &= one
    return every
