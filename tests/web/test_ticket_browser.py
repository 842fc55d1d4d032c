"""Alice finds her tickets: by words, label, language, time, and by what a model said of those it was measured on."""

from __future__ import annotations

import csv
import html
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.serving import deletion
from otai.tickets import erasing
from otai.tickets.files import file_store
from otai.tickets.models import DataSet, TicketIndex
from tests import stories
from tests.serving.training_here import trained
from tests.web.visitors import columns_shown, member_of, of, upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


def told(path: Path) -> str:
    """Tickets in two languages, some without a queue, with tags, each on a day of its own."""
    rows = [
        ("T-1", "vpn drops every minute", "since Monday the zebra breaks", "network", "2026-01-05", "vpn|urgent"),
        ("T-2", "invoice wrong", "the amount is wrong, zebra again", "billing", "2026-02-07", "urgent"),
        ("T-3", "Rechnung ist falsch", "Der Betrag vom Mai ist falsch, bitte prüfen", "billing", "2026-03-09", ""),
        ("T-4", "no queue yet", "somebody should look at the giraffe", "", "2026-04-11", "vpn"),
    ]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "subject", "body", "queue", "created", "tags"])
        writer.writerows(rows)
        for number in range(30):
            what = "network" if number % 2 else "billing"
            writer.writerow(
                [f"U-{number}", f"plain {what} {number}", f"ordinary words {number}", what, "2025-12-01", "old"]
            )
    return path.read_text(encoding="utf-8")


def imported(alice: Client, content: str) -> DataSet:
    """By the page, as a customer does it."""
    columns = upload(alice, content)
    answer = alice.post(columns, {**columns_shown(alice, columns), "name": "support"}, follow=True)
    assert answer.status_code == 200, answer.content.decode()
    return DataSet.objects.order_by("-version")[0]


def ids(page: Any) -> list[str]:
    """The tickets that a page of the browser lists."""
    return re.findall(r'<span class="small quiet">(?:Ticket )?([TU]-\d+)', page.content.decode())


def test_words_labels_languages_and_days_find_tickets(alice: Client, tmp_path: Path) -> None:
    support = imported(alice, told(tmp_path / "support.csv"))
    address = f"/acme/tickets/{support.id}/browse"

    def found(**asked: str) -> list[str]:
        page = alice.get(address, asked)
        assert page.status_code == 200
        return ids(page)

    assert found(q="zebra") == ["T-2", "T-1"], "the newest first"
    assert found(q="ZEBRA mond") == ["T-1"], "all words; the last is the beginning of one"
    assert found(q="prufen") == ["T-3"], "with or without dots"
    assert found(q="T-4") == ["T-4"], "by its number"
    assert found(q='"zebra" OR (') == [], "what means something to a database means nothing here"
    assert found(q="zebra", attribute="queue", label="billing") == ["T-2"]
    assert found(attribute="queue", unlabelled="1") == ["T-4"]
    assert found(attribute="tags", label="vpn") == ["T-4", "T-1"]
    assert found(since="2026-02-01", until="2026-03-09") == ["T-3", "T-2"]
    assert found(language="de") == ["T-3"]
    assert found(q="nobody wrote this") == []
    assert len(found()) == 25 and len(found(**{"from": "25"})) == 9

    page = alice.get(address, {"q": "zebra"}).content.decode()
    [first, *_] = re.findall(rf'href="(/acme/tickets/{support.id}/browse/\d+[^"]*)"', page)
    whole = alice.get(html.unescape(first)).content.decode()
    assert "the amount is wrong, zebra again" in whole and "2026" in whole


def test_a_label_of_the_data_sets_page_leads_to_its_tickets(alice: Client, tmp_path: Path) -> None:
    support = imported(alice, told(tmp_path / "support.csv"))
    page = alice.get(f"/acme/tickets/{support.id}/").content.decode()
    [link] = re.findall(r'href="([^"]*/browse\?attribute=queue&amp;label=network)"', page)
    shown = alice.get(html.unescape(link))
    assert "16 tickets" in shown.content.decode() and "T-1" in ids(shown)


def test_a_cell_of_the_confusion_matrix_leads_to_what_the_model_said(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime
) -> None:
    version = trained(acme, stories.tickets_of(acme, tmp_path, now), now)
    page = alice.get(f"/acme/runs/{version.run.number}/attributes/0/").content.decode()
    cells = re.findall(r'<td [^>]*class="right-\d"[^>]*><a href="([^"]*)">(\d+)</a>', page)
    assert cells
    link, count = cells[0]
    shown = alice.get(html.unescape(link)).content.decode()
    assert re.search(rf"\b{count} tickets?\b", shown), shown
    sure = alice.get(html.unescape(link) + "&sure_from=0.5").content.decode()
    unsure = alice.get(html.unescape(link) + "&sure_to=0.5").content.decode()
    [low, high] = [int(re.search(r"(\d+) tickets?", one.partition('id="found"')[2])[1]) for one in (unsure, sure)]  # type: ignore[index]
    assert low + high == int(count)
    assert "It said" in shown and "how sure it was" in shown
    # A column is all that the model took for that label; a confusion leads to its own tickets.
    heads = dict(re.findall(r'<th scope="col"><a href="([^"]*predicted=[^"]*)">([^<]*)</a></th>', page))
    columns = re.findall(r'<td data-label="([^"]*)"[^>]*class="[a-z]+-\d"[^>]*><a [^>]*>(\d+)</a>', page)
    assert set(heads.values()) == {label for label, _ in columns}
    for address, label in heads.items():
        count = sum(int(tickets) for column, tickets in columns if column == label)
        assert re.search(rf"\b{count} tickets?\b", alice.get(html.unescape(address)).content.decode())
    confusions = page.partition("Worst confusions")[2].partition("</ul>")[0]
    assert confusions.count("predicted=") == confusions.count("<li>")


def test_tickets_of_a_version_before_are_made_searchable_when_somebody_looks(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime
) -> None:
    support = stories.tickets_of(acme, tmp_path, now)
    assert not TicketIndex.objects.exists(), "as releases before left them"
    page = alice.get(f"/acme/tickets/{support.id}/browse", {"q": "vpn"}, follow=True).content.decode()
    assert TicketIndex.objects.get().data_set == support
    assert "vpn drops every minute" in page


def test_what_is_deleted_cannot_be_found_and_leaves_no_index(alice: Client, tmp_path: Path, acme: Organisation) -> None:
    support = imported(alice, told(tmp_path / "support.csv"))
    kept = TicketIndex.objects.get()
    assert file_store().exists(kept.file)
    deletion.delete_tickets(organisation=acme, data_sets=[support], who="alice", now=utc_now())
    assert not TicketIndex.objects.exists() and not file_store().exists(kept.file)
    assert alice.get(f"/acme/tickets/{support.id}/browse", {"q": "zebra"}).status_code == 409


def test_the_newest_version_alone_keeps_an_index(alice: Client, tmp_path: Path) -> None:
    first = imported(alice, told(tmp_path / "support.csv"))
    before = TicketIndex.objects.get(data_set=first)
    second = imported(alice, told(tmp_path / "again.csv"))
    assert [one.data_set for one in TicketIndex.objects.all()] == [second]
    erasing.delete_files()
    assert not file_store().exists(before.file)


def test_whoever_reads_no_tickets_is_led_to_none(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime
) -> None:
    support = imported(alice, told(tmp_path / "support.csv"))
    vera = of(member_of(acme, "vera", Role.VIEWER, now))
    assert vera.get(f"/acme/tickets/{support.id}/browse").status_code == 403
    assert vera.get(f"/acme/tickets/{support.id}/browse/0").status_code == 403
    assert "/browse" not in vera.get(f"/acme/tickets/{support.id}/").content.decode()
