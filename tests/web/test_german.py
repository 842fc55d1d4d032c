"""Every sentence of the pages has its German, formal, with the same facts in it."""

from __future__ import annotations

import re
from datetime import datetime

import polib
import pytest

from otai.orgs.permissions import Role
from tests.stories import acme
from tests.web.strings import CATALOGUE, catalogue, sentences
from tests.web.visitors import member_of, of

PLACES = re.compile(r"%\(\w+\)s|%%")


@pytest.mark.pure
def test_no_sentence_is_without_its_german() -> None:
    wanted = {(sentence.text, sentence.plural) for sentence in sentences()}
    there = {(entry.msgid, entry.msgid_plural or "") for entry in catalogue() if entry.translated()}
    assert len(wanted) > 500
    assert wanted - there == set(), "python -m tests.web.strings collects them"


@pytest.mark.pure
def test_what_is_compiled_is_what_is_written() -> None:
    compiled = {
        entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    }
    written = {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in catalogue()}
    assert compiled == written


@pytest.mark.pure
def test_german_keeps_the_facts_and_says_sie() -> None:
    for entry in catalogue():
        for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            ours = set(PLACES.findall(entry.msgid + (entry.msgid_plural or "")))
            assert set(PLACES.findall(text)) <= ours, text
            if not entry.msgid_plural:
                assert set(PLACES.findall(text)) == ours, text
            assert re.findall(r"<[^>]+>", text) == re.findall(r"<[^>]+>", entry.msgid), text
            assert not re.search(r"\b([Dd]u|[Dd]eine?[mnrs]?|[Dd]ich|[Dd]ir)\b", text), text


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
