"""What every helpdesk's adapter keeps to, each asked of a fake that speaks the system's documented API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from otai.helpdesks import asking
from otai.helpdesks.connecting import System, connected
from otai.helpdesks.helpdesk import Helpdesk
from otai.helpdesks.problems import HelpdeskRefused, HelpdeskUnavailable
from otai.helpdesks.reading import Told, as_document, read_tickets, understood
from otai.helpdesks.values import ArticleWriter, Ticket, WantedTickets
from tests.helpdesks import story
from tests.helpdesks.conftest import Fake

pytestmark = pytest.mark.parametrize("fake", list(System), indirect=True)
QUEUE = {"zammad": "group", "request-tracker": "Queue", "zendesk": "group"}


def all_of(helpdesk: Helpdesk, wanted: WantedTickets) -> list[Ticket]:
    def pages() -> Iterator[Ticket]:
        page = helpdesk.page(wanted)
        yield from page.tickets
        while page.cursor is not None:
            page = helpdesk.page(wanted, page.cursor)
            yield from page.tickets

    return list(pages())


def test_pages_hold_every_ticket_once(fake: Fake, helpdesk: Helpdesk) -> None:
    found = all_of(helpdesk, WantedTickets())
    assert [int(one.id) for one in found] == [one.id for one in story.tickets()]
    assert len(helpdesk.page(WantedTickets()).tickets) < len(found)
    for one, told in zip(found, story.tickets(), strict=True):
        assert (one.title, one.created_at, one.changed_at) == (told.title, told.created_at, told.changed_at)
        assert one.fields[QUEUE[fake.system]] == told.queue
        assert told.priority in one.fields.values()
        assert one.articles == ()


def test_only_what_is_wanted_is_read(fake: Fake, helpdesk: Helpdesk) -> None:
    told = story.tickets()
    of_two = all_of(helpdesk, WantedTickets(queues=frozenset(story.QUEUES[:2])))
    assert len(of_two) == sum(one.queue in story.QUEUES[:2] for one in told)
    day = (story.BEGAN_AT + timedelta(days=3)).date()
    later = all_of(helpdesk, WantedTickets(created_since=day))
    assert len(later) == sum(one.created_at.date() >= day for one in told)
    changed = all_of(helpdesk, WantedTickets(changed_since=told[-3].changed_at))
    assert [int(one.id) for one in changed] == [one.id for one in told[-3:]]
    assert all_of(helpdesk, WantedTickets(queues=frozenset({"It's none"}), created_since=date(2030, 1, 1))) == []


def test_one_ticket_is_as_its_page_says(fake: Fake, helpdesk: Helpdesk) -> None:
    assert helpdesk.ticket("4") == all_of(helpdesk, WantedTickets())[3]
    with pytest.raises(HelpdeskRefused) as refused:
        helpdesk.ticket("9999")
    assert refused.value.case == "not_there"


def test_articles_come_in_order_with_their_writers_and_without_files(fake: Fake, helpdesk: Helpdesk) -> None:
    ticket = helpdesk.read(helpdesk.ticket("4"))
    people = [one for one in ticket.articles if one.writer is not ArticleWriter.SYSTEM]
    assert [(one.writer, one.is_internal, one.body) for one in people] == [
        (ArticleWriter.CUSTOMER, False, story.Told(4).text),
        (ArticleWriter.AGENT, True, story.SECRET_NOTE),
        (ArticleWriter.AGENT, False, story.ANSWER),
    ]
    assert [one.written_at for one in ticket.articles] == sorted(one.written_at for one in ticket.articles)
    assert story.FILE not in json.dumps(as_document(ticket))


def test_the_text_is_what_the_customer_wrote_first(fake: Fake, helpdesk: Helpdesk) -> None:
    for id in (1, 2, 3, 4, 6):
        assert understood(helpdesk.read(helpdesk.ticket(str(id)))) == story.Told(id).text


def test_nothing_names_a_customer(fake: Fake, helpdesk: Helpdesk) -> None:
    for id in ("1", "4"):
        assert story.ADA not in json.dumps(as_document(helpdesk.read(helpdesk.ticket(id))))


def test_the_queues_that_exist_are_told(fake: Fake, helpdesk: Helpdesk) -> None:
    assert helpdesk.labels()[QUEUE[fake.system]] == story.QUEUES


def test_a_wrong_token_is_refused_and_not_told(fake: Fake) -> None:
    with (
        connected(System(fake.system), fake.address, "another-token") as helpdesk,
        pytest.raises(HelpdeskRefused) as refused,
    ):
        helpdesk.page(WantedTickets())
    assert refused.value.case == "token"
    assert "another-token" not in str(refused.value.as_dict())


def test_a_helpdesk_that_asks_for_patience_gets_it(fake: Fake, helpdesk: Helpdesk, waits: list[float]) -> None:
    fake.answers_first((429, {"Retry-After": "7"}, ""), (503, {}, ""))
    assert len(helpdesk.page(WantedTickets()).tickets) == 100
    assert waits == [7.0, 2.0]


def test_patience_ends(fake: Fake, helpdesk: Helpdesk, waits: list[float]) -> None:
    fake.answers_first(*[(429, {}, "")] * asking.most_tries)
    with pytest.raises(HelpdeskUnavailable) as busy:
        helpdesk.page(WantedTickets())
    assert (busy.value.case, waits) == ("busy", [1.0, 2.0, 4.0])
    fake.answers_first((429, {"Retry-After": "3600"}, ""))
    with pytest.raises(HelpdeskUnavailable):
        helpdesk.page(WantedTickets())
    assert len(waits) == 3


@pytest.mark.parametrize(
    ("first", "case"),
    [
        ((200, {}, "<html>a page of another program</html>"), "unexpected"),
        ((200, {}, '{"items": [3], "pages": "many", "tickets": 3, "end_of_stream": 0}'), "unexpected"),
        ((200, {}, "[[" * 50_000), "unexpected"),
        ((302, {"Location": "https://elsewhere.example/"}, ""), "redirected"),
        ((403, {}, "{}"), "rights"),
        ((422, {}, "{}"), "answered"),
        ((500, {}, "{}"), "answered"),
    ],
)
def test_whatever_is_no_answer_of_the_system_is_said(
    fake: Fake, helpdesk: Helpdesk, first: tuple[int, dict[str, str], str], case: str
) -> None:
    fake.answers_first(first)
    with pytest.raises((HelpdeskRefused, HelpdeskUnavailable)) as refused:
        helpdesk.page(WantedTickets())
    assert refused.value.case == case
    assert refused.value.message


def test_too_much_is_not_read(fake: Fake, helpdesk: Helpdesk, monkeypatch: Any) -> None:
    monkeypatch.setattr(asking, "most_answer_bytes", 1_000)
    with pytest.raises(HelpdeskRefused) as refused:
        helpdesk.page(WantedTickets())
    assert refused.value.case == "large"


def test_a_ticket_that_is_gone_meanwhile_is_left_out(fake: Fake, helpdesk: Helpdesk, monkeypatch: Any) -> None:
    read = helpdesk.read

    def gone_now(ticket: Ticket) -> Ticket:
        if ticket.id == "2":
            fake.answers_first((404, {}, "{}"))
        return read(ticket)

    monkeypatch.setattr(helpdesk, "read", gone_now)
    told = Told()
    wanted = WantedTickets(changed_since=None, queues=frozenset({story.Told(2).queue}))
    assert "2" not in [one.id for one in read_tickets(helpdesk, wanted, told)]
    assert (told.gone, told.tickets) == (1, len(all_of(helpdesk, wanted)) - 1)
