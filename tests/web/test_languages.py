"""Every sentence of the pages stands in every language's catalogue, formal, with the same facts in it."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import polib
import pytest
from babel.messages.plurals import get_plural
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext, pgettext

from otai.errors import NotFound
from otai.orgs.permissions import Role
from tests.stories import acme
from tests.web.strings import ACCOUNTS, DESK, ROOMS, WEB, as_collected, catalogue, languages, path_of, sentences
from tests.web.visitors import member_of, of

PLACES = re.compile(r"%\(\w+\)s|%%")
FAMILIAR = {
    "de": r"\b([Dd]u|[Dd]eine?[mnrs]?|[Dd]ich|[Dd]ir)\b",
    "fr": r"(?<![-\w])([Tt]u|[Tt]on|[Tt]a|[Tt]es|[Tt]oi|[Tt]ien(ne)?s?)\b",
}
"""Words for friends, where a language has others for customers."""
CATALOGUES = [(language, room) for language in languages() for room in ROOMS]
each_catalogue = pytest.mark.parametrize(("language", "room"), CATALOGUES, ids=lambda one: getattr(one, "name", one))


def texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.mark.pure
@each_catalogue
def test_no_sentence_is_without_a_translation(language: str, room: Path) -> None:
    wanted = {(sentence.text, sentence.plural, sentence.context) for sentence in sentences(room)}
    there = {
        (entry.msgid, entry.msgid_plural or "", entry.msgctxt or "")
        for entry in catalogue(language, room)
        if all(texts(entry)) and "fuzzy" not in entry.flags
        if not entry.msgid_plural or len(entry.msgstr_plural) == get_plural(language).num_plurals
    }
    assert len(wanted) > {WEB: 500, ACCOUNTS: 200, DESK: 500}[room]
    assert wanted - there == set(), "make words collects them"


@pytest.mark.pure
@each_catalogue
def test_no_line_ends_between_a_figure_and_the_sign_of_its_unit(language: str, room: Path) -> None:
    parted = re.compile(r"(?:\d|\)s|\}) (?:%%?(?![(\w])|h\b|min\b)")
    # A name of a rule, kept in the database's description.
    entries = [one for one in catalogue(language, room) if not one.msgid.startswith("the lower end of its 95")]
    written = [text for one in entries for text in (one.msgid, one.msgid_plural, *texts(one))]
    assert [text for text in written if parted.search(text)] == []


@pytest.mark.pure
@each_catalogue
def test_what_is_compiled_is_what_is_written(language: str, room: Path) -> None:
    compiled = {
        (entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural)
        for entry in polib.mofile(str(path_of(language, room, kind="mo")))
    }
    written = {(entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in catalogue(language, room)}
    assert compiled == written, "make words compiles them"


@each_catalogue
def test_a_catalogue_is_written_as_it_is_collected(language: str, room: Path) -> None:
    """So that a change of one sentence is a change of its lines alone."""
    written = path_of(language, room).read_text(encoding="utf-8")
    assert str(as_collected(language, room)) == written, "make words collects them"


@pytest.mark.pure
@each_catalogue
def test_pages_say_what_our_catalogues_say(language: str, room: Path) -> None:
    """And not what Django's own, or allauth's, have for the same English word."""
    with translation.override(language):
        said = {
            entry.msgid: pgettext(entry.msgctxt, entry.msgid) if entry.msgctxt else gettext(entry.msgid)
            for entry in catalogue(language, room)
            if not entry.msgid_plural
        }
    written = {entry.msgid: entry.msgstr for entry in catalogue(language, room) if not entry.msgid_plural}
    assert said == written


@pytest.mark.pure
@each_catalogue
def test_a_translation_keeps_the_facts_and_the_distance(language: str, room: Path) -> None:
    for entry in catalogue(language, room):
        ours = set(PLACES.findall(entry.msgid + (entry.msgid_plural or "")))
        for text in texts(entry):
            if entry.msgid_plural:
                # Where one is meant, its number may be a word.
                assert set(PLACES.findall(text)) <= ours, text
            else:
                assert set(PLACES.findall(text)) == ours, text
            assert re.findall(r"<[^>]+>", text) == re.findall(r"<[^>]+>", entry.msgid), text
            assert text.count("\n") == entry.msgid.count("\n"), text
            assert not re.search(FAMILIAR.get(language, r"(?!)"), text), text


@pytest.mark.django_db
def test_pages_speak_german_with_german_numbers_and_days(now: datetime) -> None:
    organisation = acme(now)
    alice = of(member_of(organisation, "alice", Role.OWNER, now))
    alice.cookies["otai_language"] = "de"
    page = alice.get("/acme/credits/").content.decode()
    assert '<html lang="de"' in page
    assert "6 Credits. Genug für 6 Basic-Trainings." in page
    assert "2. Dez. 2026" in page
    assert "Enough for" not in page
    assert re.findall(r'name="language" value="\w+"[^>]*>([^<]+)<', page) == [name for _, name in settings.LANGUAGES]


@pytest.mark.pure
@pytest.mark.parametrize("template", ["404.html", "500.html", "web/busy.html"])
def test_a_page_begins_where_its_language_does(template: str) -> None:
    for language, said in (("de", '<html lang="de"'), ("ar", '<html lang="ar" dir="rtl"')):
        with translation.override(language):
            page = render_to_string(template, {"error": NotFound()})
        assert said in page
        assert ('dir="rtl"' in page) == (language == "ar")


@pytest.mark.pure
def test_no_style_is_bound_to_the_left() -> None:
    """What is written from the right begins there: `margin-inline-start`, `text-align: start`."""
    bound = r"(?<![-\w])(?:left|right)\s*:|-(?:left|right)\s*:|text-align:\s*(?:left|right)"
    styles = sorted((WEB / "static" / "web" / "css").glob("*.css"))
    assert len(styles) >= 2
    assert [found for style in styles for found in re.findall(bound, style.read_text(encoding="utf-8"))] == []


@pytest.mark.pure
@pytest.mark.django_db
def test_a_mistake_of_ours_is_told_in_the_readers_language(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    alice = of(member_of(acme(now), "alice", Role.OWNER, now))
    alice.cookies["otai_language"], alice.raise_request_exception = "de", False
    monkeypatch.setattr("otai.web.views.help.render", broken)
    answer = alice.get("/acme/help/prices/")
    assert answer.status_code == 500
    assert '<html lang="de"' in answer.content.decode() and "Unser Fehler" in answer.content.decode()
