"""What stands out in a data set, on its page, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from otai.orgs.permissions import Role
from otai.tickets import queries as tickets
from otai.words import findings as words
from tests import stories
from tests.web.visitors import member_of, of


@pytest.mark.django_db
def test_a_german_data_set_page_says_what_stands_out_in_german(tmp_path: Path, now: datetime) -> None:
    acme = stories.acme(now)
    lines = stories.write_tickets(tmp_path / "usual.csv", tickets=120).read_text().splitlines()
    rows = [*lines[1:], lines[1], *(f"Fax {n},,rare{n},low" for n in range(2))]
    source = tmp_path / "support.csv"
    source.write_text("\n".join([lines[0], *rows]))
    data_set = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    found = tickets.profile(data_set).findings
    assert {"duplicate_tickets", "rare_labels"} <= {one.code for one in found}
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    english = alice.get(f"/acme/tickets/{data_set.id}/").text
    assert "repeats the text of an earlier one" in english
    alice.cookies["otai_language"] = "de"
    german = alice.get(f"/acme/tickets/{data_set.id}/").text
    assert "1 Ticket (0,8" in german and "wiederholt den Text eines früheren" in german
    assert [one.code for one in found if words.message(one) in german or words.advice(one) in german] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "said", "read_as"),
    [
        ("en", "What stands out is said with each attribute below.", "CSV separated by semicolons"),
        ("de", "Was auffällt, steht unten beim jeweiligen Attribut.", "CSV, getrennt durch Semikolons"),
        ("fr", "Ce qui ressort est indiqué ci-dessous, pour chaque attribut.", "CSV séparé par des points-virgules"),
    ],
)
def test_nothing_is_said_to_stand_out_above_what_does(
    language: str, said: str, read_as: str, tmp_path: Path, now: datetime
) -> None:
    acme = stories.acme(now)
    source = tmp_path / "support.csv"
    rows = [f"The printer in room {n} is on fire;{'it' if n % 2 else 'hr'}" for n in range(60)]
    source.write_text("\n".join(["text;queue", *rows, "The lift is stuck;rare", "No light in the hall;seldom"]))
    data_set = stories.import_tickets(organisation=acme, name="support", source=source, now=now)
    assert {one.attribute for one in tickets.profile(data_set).findings} == {"queue"}
    alice = of(member_of(acme, "alice", Role.OWNER, now))
    alice.cookies["otai_language"] = language
    page = alice.get(f"/acme/tickets/{data_set.id}/").text
    assert said in page and read_as in page
    assert "Nothing stands out" not in page
