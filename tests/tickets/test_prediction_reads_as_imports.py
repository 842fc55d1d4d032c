"""What an import did to the texts of a data set is done to a new ticket before a model that learnt them predicts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from otai.learning.data.cuts.cutting import TextRules, as_learnt
from otai.tickets import queries
from otai.tickets.models import DataSet

Bring = Callable[..., DataSet]

KINDS = {
    "html": "<div>Hello,</div><p>the printer&nbsp;{n} &amp; its tray are broken</p><ul><li>since monday</li></ul>",
    "html of many lines": "<html>\n<style>\np {{color: red}}\n</style><body>\n<p>Printer {n} broken</p></body></html>",
    "escaped twice": "&lt;p&gt;The printer {n} is broken&lt;/p&gt;&lt;p&gt;since &amp;amp; on monday&lt;/p&gt;",
    "wiki": "h1. Printer {n}\nSee {{code}}E{n}{{code}}, [our page|https://acme.example/{n}], [~ada] knows",
    "breaks written out": "Hello,\\n\\nthe printer of case {n} is broken.\\nSince monday",
    "letters read wrongly": "Die TÃ¼r von Fall {n} klemmt, bitte prÃ¼fen",
    "rtf": "{{\\rtf1\\ansi The printer of case {n} is broken\\par since monday}}",
    "control characters": "The printer of case\x0b{n} is broken",
    "quoted": "The printer of case {n} is broken\n\nOn 5 Jan 2026 10:00, Helpdesk wrote:\n> We look at it",
    "html with a mail below": "<p>The printer of case {n} is broken</p><p>-----Original Message-----<br>"
    "From: Helpdesk<br>Sent: Monday<br>To: Ada<br>Subject: Printer</p><p>We look at it {n}</p>",
    "chat": "[08:12:05] Ann Baker: printer {n} is broken\n[08:13:00] Agent Joe: we look\n[08:15:00] Ann Baker: ok",
    "entries under stamps": "05-01-2026 09:30 Desk, Joe:\nWe look\n05-01-2026 08:12 Baker, Ann:\nPrinter {n} broken",
    "tree": "-->||customer||Ada||2026-01-05 08:43:00||<---\nPrinter {n} broken\n"
    "-->||agent||Joe||2026-01-05 09:00:00||<---\nWe look at it",
    "list of messages": '[{{"body": "Printer {n} broken", "type": "customer"}}, {{"body": "Ok", "type": "agent"}}]',
    "plain": "The printer of case {n} is broken since monday",
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_ticket_is_read_as_the_import_read_it(bring: Bring, kind: str) -> None:
    cells = [KINDS[kind].format(n=n) for n in range(100, 130)]
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["ticket id", "title", "description", "queue"])
    rows.writerows([n, f"Trouble with {n}", cell, ("network", "billing")[n % 2]] for n, cell in enumerate(cells))
    made = bring(table.getvalue())
    stored = [f"{row['subject']}\n{row['body']}" for row in queries.tickets(made)]
    assert (stored[0] != f"Trouble with 0\n{cells[0]}") is (kind != "plain")
    rules = queries.text_rules(made)
    assert as_learnt([f"Trouble with {n}\n{cell}" for n, cell in enumerate(cells)], rules) == stored


@pytest.mark.pure
@pytest.mark.parametrize("text", ["", "\n", "  a  b \n\n c ", "a < b & c > d\nC:\\new\\table", "x {y} [z|w] !\n> no"])
def test_what_needs_no_reading_stays_as_it_is_to_the_blank(text: str) -> None:
    """Models made before go on saying of it what they said."""
    assert as_learnt([text], None) == [text]
    assert as_learnt([text], TextRules(kinds=(), chats=True)) == [text]


@pytest.mark.pure
def test_rules_of_before_know_no_chats_and_those_of_now_say_it() -> None:
    assert TextRules.from_dict(TextRules(chats=True).as_dict()).chats
    assert not TextRules.from_dict({"kinds": []}).chats and "chats" not in TextRules().as_dict()
    half = "\ud83d broken\n<p>Half a picture</p>"
    assert as_learnt([half], None) == ["\ud83d broken\nHalf a picture"]
