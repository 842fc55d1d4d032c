"""The help in the Studio: docs/ as pages, for customers and for operators, found, linked and shipped."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution
from setuptools.command.build_py import build_py

from otai.db import utc_now
from otai.orgs.permissions import Role
from otai.web.handbook import pages, rendering
from otai.web.handbook.of_pages import HELP_OF
from otai.web.handbook.searching import search
from tests import stories
from tests.orgs.people import person
from tests.web.visitors import browser, member_of, of

TOP = Path(__file__).resolve().parents[2]


def help_page(name: str, *, language: str = "en", operator: bool = False) -> rendering.HelpPage:
    return rendering.page(name, language=language, operator=operator)


def anchors(name: str, *, language: str = "en", operator: bool = False) -> set[str]:
    return {section.anchor for section in help_page(name, language=language, operator=operator).sections}


@pytest.mark.pure
@pytest.mark.parametrize("operator", [False, True])
def test_every_link_of_the_help_leads_to_a_place_that_is_there(operator: bool) -> None:
    shown = pages.names(operator=operator)
    for language in ("en", "de"):
        for name in shown:
            for href in re.findall(r'href="([^"]*)"', help_page(name, language=language, operator=operator).html):
                if href.startswith(("http", "mailto:")):
                    continue
                path, _, anchor = href.partition("#")
                to = re.sub(r"^(?:\.\./)+", "", path).rstrip("/") or name
                assert to in shown, (name, href)
                there = anchors(to, language=language, operator=operator)
                # Translations leave out what is for operators.
                is_left_out = language != "en" and anchor in rendering.operators_anchors(to)
                assert not anchor or is_left_out or anchor in there, (name, language, href)


@pytest.mark.pure
def test_customers_are_not_shown_what_operators_do() -> None:
    for name in pages.names(operator=False):
        page = help_page(name)
        assert not {one.anchor for one in page.sections} & rendering.operators_anchors(name), name
        assert not [one.title for one in page.sections if one.title.startswith(("For operators", "For whoever"))], name
        assert not re.search(r"\((?:<code>)?otai/", page.html), name
        assert "<script" not in page.html and "<img" not in page.html and "style=" not in page.html
    assert "for operators" not in help_page("webhooks", operator=True).html, "the mark is for us"
    assert rendering.operators_anchors("guarantee") == {"for-operators-what-waits-for-a-look"}
    assert "changing-the-secret-key" in anchors("accounts", operator=True) - anchors("accounts")
    assert "settings" in pages.names(operator=True) and "settings" not in pages.names(operator=False)


@pytest.mark.pure
def test_every_document_is_in_the_help_or_for_engineers() -> None:
    for_engineers = {
        *("architecture", "benchmarks", "dependencies", "experiments", "experiments-business", "experiments-encoders"),
        *("experiments-ledger", "experiments-maximum", "studio", "testing"),
    }
    written = {pages.name_of(pages.DOCS / file.relative_to(TOP / "docs")) for file in (TOP / "docs").glob("*.md")}
    assert written == {name for name in pages.names(operator=True) if not name.startswith("helpdesks")} | for_engineers


@pytest.mark.pure
def test_the_help_of_each_page_is_there() -> None:
    for page, place in HELP_OF.items():
        name, _, anchor = place.partition("#")
        assert name in pages.names(operator=False), page
        assert anchor in anchors(name), (page, place)
        assert anchor in anchors(name, language="de"), (page, place)


FIGURE = re.compile(r"\d+")
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[\u00a0 .,](?=\d{3}\b)")
"""As English and German write them."""


def figures(text: str) -> Counter[str]:
    return Counter(FIGURE.findall(BETWEEN_THOUSANDS.sub("", text)))


def in_markup(pattern: str, page: rendering.HelpPage) -> Counter[str]:
    return Counter(re.findall(pattern, page.html, re.DOTALL))


@pytest.mark.pure
def test_a_german_page_says_what_the_english_one_says() -> None:
    """Headings, figures, code, links and rows of tables, in each section: who changes one page is told of the other."""
    translated = [name for name in pages.names(operator=True) if pages.language_of(name, "de") == "de"]
    english_alone = {name for name in pages.names(operator=False) if name not in translated}
    assert {name for name in english_alone if not name.startswith("helpdesks/")} == {"api"}, "what programmers read"
    for name in translated:
        english, german = help_page(name), help_page(name, language="de")
        assert [(one.level, one.anchor) for one in german.sections] == [
            (one.level, one.anchor) for one in english.sections
        ], name
        for one, other in zip(english.sections, german.sections, strict=True):
            assert figures(one.text) == figures(other.text), (name, one.anchor)
        for pattern in (r"<pre.*?</pre>", r'href="([^"]*)"', r"<tr>", r"<code>((?!otai/)[^<]*)</code>"):
            assert in_markup(pattern, english) == in_markup(pattern, german), (name, pattern)


@pytest.mark.pure
def test_the_german_help_is_searched_in_german() -> None:
    [first, *_] = search("Rechnungen", language="de", operator=False)
    assert (first.page.name, first.page.language) == ("paying", "de")
    assert search("auszeichnung", language="de", operator=False)[0].page.name == "importing", "a part of a long word"
    assert search("webhook signature", language="de", operator=False), "what is English stays found"
    words = {asked: search(asked, language="de", operator=False)[0] for asked in ("Testmenge Wort", "Widerrufen")}
    assert [found.where for found in words.values()] == ["words/#the-report-card", "accounts/"]
    assert search("kept aside holdout", language="en", operator=False)[0].page.name in ("words", "report-card")


@pytest.mark.pure
def test_what_is_installed_has_the_help(monkeypatch: Any) -> None:
    monkeypatch.chdir(TOP)
    product = Distribution()
    product.parse_config_files()
    product.include_package_data = False
    build: Any = build_py(product)
    build.finalize_options()
    shipped = {str(Path(target, file)) for _package, _folder, target, files in build.data_files for file in files}
    into = Path(build.build_lib, "otai", "web", "handbook", "docs")
    for name in pages.names(operator=True):
        for language in ("en", "de"):
            file = pages.file_of(name, language)
            assert not file.exists() or str(into / file.relative_to(pages.DOCS)) in shipped, name
    assert not [package for package in product.packages if "handbook.docs" in package]


@pytest.mark.pure
def test_search_finds_sections_by_titles_beginnings_and_parts_of_words() -> None:
    assert search("bad rows", language="en", operator=False)[0].where == "importing/#bad-rows"
    assert search("verify signature", language="en", operator=False)[0].page.name == "webhooks"
    [first, *_] = search("XRECHNUNG", language="en", operator=False)
    assert first.where == "paying/#invoices" and "<mark>XRechnung</mark>" in first.excerpt
    assert search("refnd qqq", language="en", operator=False) == []
    assert search("  ?!", language="en", operator=False) == []
    of_page = [found.page.name for found in search("tickets", language="en", operator=False)]
    assert len(of_page) == 20 and max(map(of_page.count, of_page)) <= 3
    assert not [one for one in search("OTAI_SECRET_KEY", language="en", operator=False) if one.page.name == "settings"]
    assert [one for one in search("OTAI_SECRET_KEY", language="en", operator=True) if one.page.name == "settings"]


@pytest.mark.pure
def test_what_was_asked_for_is_shown_as_text() -> None:
    found = search("<script> password", language="en", operator=False)
    assert found and all("<script" not in one.excerpt for one in found)


@pytest.mark.django_db
def test_a_member_reads_and_searches_the_help_in_the_frame_of_their_organisation() -> None:
    now = utc_now()
    acme, globex = stories.acme(now), stories.globex(now)
    bob, carol = of(member_of(acme, "bob", Role.VIEWER, now)), of(member_of(globex, "carol", Role.OWNER, now))

    listed = bob.get("/acme/help/").content.decode()
    assert 'href="/acme/help/importing/"' in listed and 'href="/acme/help/prices/"' in listed
    assert "Settings" not in listed
    page = bob.get("/acme/help/importing/").content.decode()
    assert '<h2 id="bad-rows">' in page and 'href="#bad-rows"' in page and 'href="../helpdesks/"' in page
    assert bob.get("/acme/help/helpdesks/zendesk/").status_code == 200
    found = bob.get("/acme/help/", {"q": "bad rows <b>"}).content.decode()
    assert 'href="/acme/help/importing/#bad-rows"' in found and "<mark>" in found and "<b>" not in found
    assert "Nothing was found" in bob.get("/acme/help/", {"q": "qqqq"}).content.decode()
    for missing in ("settings", "architecture", "../settings", "de/importing", "nothing"):
        assert bob.get(f"/acme/help/{missing}/").status_code == 404, missing
    assert carol.get("/acme/help/importing/").status_code == 404

    # Each page leads to what explains it; an address that was passed on leads into the frame.
    assert 'id="help-of-page" href="/acme/help/importing/"' in bob.get("/acme/tickets/").content.decode()
    assert bob.get("/help/").headers["Location"] == "/acme/help/"
    assert bob.get("/help/?q=vat").headers["Location"] == "/acme/help/?q=vat"
    assert carol.get("/help/webhooks/").headers["Location"] == "/globex/help/webhooks/"


@pytest.mark.django_db
def test_strangers_read_the_customers_help_and_operators_all_of_it() -> None:
    stranger = browser()
    assert 'href="/help/importing/"' in stranger.get("/help/").content.decode()
    assert '<h2 id="bad-rows">' in stranger.get("/help/importing/").content.decode()
    assert stranger.get("/help/settings/").status_code == 404

    olga = person("olga", at="vendor.example")
    olga.is_staff = True
    olga.save()
    operator = browser()
    operator.force_login(olga)
    assert 'href="/help/settings/"' in operator.get("/help/").content.decode()
    assert operator.get("/help/settings/").status_code == 200
    assert "For operators" in operator.get("/help/webhooks/").content.decode()


@pytest.mark.django_db
def test_a_page_without_a_translation_is_shown_in_english_and_says_so() -> None:
    acme = stories.acme(utc_now())
    bob = of(member_of(acme, "bob", Role.VIEWER, utc_now()))
    bob.cookies["otai_language"] = "de"
    page = bob.get("/acme/help/importing/").content.decode()
    assert (
        "<h1>Tickets importieren</h1>" in page and '<h2 id="bad-rows">Zeilen' in page and "Englisch" not in page[:3000]
    )
    assert 'href="/acme/help/api/" lang="en"' in bob.get("/acme/help/").content.decode()
    bob.cookies["otai_language"] = "fr"
    page = bob.get("/acme/help/importing/").content.decode()
    assert "Elle est affichée en anglais" in page
    assert '<h1 lang="en">' in page and 'class="help-text" lang="en"' in page
