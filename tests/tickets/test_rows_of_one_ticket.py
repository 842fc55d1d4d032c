"""Rows with one ticket's id: of states the one changed last is the ticket, of messages the customer's first is its
text, in whatever order rows and files come."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otai.orgs.models import Organisation
    from otai.tickets.files import FileStore
    from otai.tickets.models import DataSet

pytestmark = [pytest.mark.pure, pytest.mark.django_db]

Bring = Callable[..., "DataSet"]
THINGS = ("printer", "laptop", "invoice", "router", "badge")


def request(n: int) -> str:
    return f"Good morning, the {THINGS[n % 5]} number {n} makes trouble since yesterday, please help me."


def answer(n: int) -> str:
    return f"Your request {n} lies with our desk now and we look after it, says the desk."


def thanks(n: int) -> str:
    return f"Thanks a lot for number {n}, all is well again in our office here"


def queue(n: int) -> str:
    return ("Print", "Desk", "Billing")[n % 3]


def table(header: str, rows: list[list[Any]]) -> str:
    held = StringIO()
    writer = csv.writer(held)
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return held.getvalue()


def stored(data_set: DataSet) -> dict[str, dict[str, Any]]:
    from otai.tickets import queries

    return {row["ticket"]: row for row in queries.tickets(data_set)}


def labels(data_set: DataSet, attribute: str = "Group") -> dict[str, Any]:
    return {id: row[f"attribute:{attribute}"] for id, row in stored(data_set).items()}


def findings(data_set: DataSet) -> dict[str, Any]:
    from otai.tickets import queries

    return {one.code: one.values for one in queries.profile(data_set).findings}


def otai_tickets(*words: str) -> dict[str, Any]:
    from typer.testing import CliRunner

    from otai.cli.tickets import app

    result = CliRunner().invoke(app, [*words, "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


MOVED_IN_MARCH = {f"T{n}": "Moved" if n < 20 else queue(n) for n in range(60)}


def newest_first(stamp: Callable[[int, int], str]) -> list[list[Any]]:
    """60 tickets as they are in March, and below 20 of them as they were in January."""
    march = [[f"T{n}", request(n), MOVED_IN_MARCH[f"T{n}"], stamp(3, n)] for n in range(60)]
    return march + [[f"T{n}", request(n), queue(n), stamp(1, n)] for n in range(20)]


UPDATES = (
    "updated_at", "Last Updated", "sys_updated_on", "LastModifiedDate", "Date modified", "Last activity",
    "Geändert", "Zuletzt aktualisiert", "Änderungsdatum", "Letzte Bearbeitung am",
    "Date de dernière modification", "Mis à jour le", "Date de mise à jour", "Fecha de actualización", "Modificado el",
    "Data ultima modifica", "Aggiornato il", "Gewijzigd op", "Laatst bijgewerkt", "Data modyfikacji",
    "Ostatnia aktualizacja", "Última atualização", "Alterado em", "Ticket last changed", "Export date",
)  # fmt: skip


@pytest.mark.parametrize("name", UPDATES)
def test_the_row_that_was_changed_last_is_the_ticket_wherever_it_stands(bring: Bring, name: str) -> None:
    made = bring(table(f"Ticket ID,Description,Group,{name}", newest_first(lambda m, n: f"2026-0{m}-0{n % 9 + 1}")))
    assert labels(made) == MOVED_IN_MARCH
    assert findings(made)["newest_row_won"] == {"rows": 80, "tickets": 60, "repeated": 20, "updated": name}


@pytest.mark.parametrize(
    "stamp",
    [
        lambda m, n: f"{n % 9 + 10}.0{m}.2026 08:00",
        lambda m, n: f"{n % 9 + 13}/0{m}/2026 8:00",
        lambda m, n: f"0{m}/{n % 9 + 13}/2026 8:00 PM",
        lambda m, n: f"2026-0{m}-01T10:00:00+0{n % 9}:00",
        lambda m, n: str(1767225600 + m * 2_592_000 + n),
        lambda m, n: f"Mon, {n % 9 + 1} {('Jan', 'Feb', 'Mar')[m - 1]} 2026 08:00:00 +0100",
    ],
)
def test_times_of_change_are_read_as_any_other(bring: Bring, stamp: Callable[[int, int], str]) -> None:
    made = bring(table("Ticket ID,Description,Group,Last Updated", newest_first(stamp)))
    assert labels(made) == MOVED_IN_MARCH


def test_zones_decide_and_not_what_is_written(bring: Bring) -> None:
    """Eleven at night in New York is later than three in the morning in Berlin."""
    rows = [[f"T{n}", request(n), "Moved", "2026-03-01T23:00:00-05:00"] for n in range(20)]
    rows += [[f"T{n}", request(n), queue(n), "2026-03-02T03:00:00+01:00"] for n in range(40)]
    made = bring(table("Ticket ID,Description,Group,Updated at", rows))
    assert labels(made) == {f"T{n}": "Moved" if n < 20 else queue(n) for n in range(40)}


def test_of_rows_changed_at_one_time_the_later_one_counts(bring: Bring) -> None:
    rows = [[f"T{n}", request(n), queue(n), "2026-03-01"] for n in range(40)]
    rows += [[f"T{n}", request(n), "Moved", "2026-03-01"] for n in range(20)]
    made = bring(table("Ticket ID,Description,Group,Updated at", rows))
    assert labels(made) == {f"T{n}": "Moved" if n < 20 else queue(n) for n in range(40)}


def test_a_row_that_was_never_changed_is_as_old_as_its_ticket(bring: Bring) -> None:
    rows = [[f"T{n}", request(n), "Moved", "2026-01-05", "2026-03-01"] for n in range(20)]
    rows += [[f"T{n}", request(n), queue(n), "2026-01-05", ""] for n in range(40)]
    made = bring(table("Ticket ID,Description,Group,Created,Updated", rows))
    assert labels(made) == {f"T{n}": "Moved" if n < 20 else queue(n) for n in range(40)}
    # Without a time of creation either.
    again = bring(table("Ticket ID,Description,Group,Updated", [[*row[:3], row[4]] for row in rows]), name="other")
    assert labels(again) == labels(made)


def test_without_a_time_of_change_the_last_row_counts_and_it_is_said(bring: Bring) -> None:
    rows = [[f"T{n}", request(n), queue(n)] for n in range(40)] + [[f"T{n}", request(n), "Moved"] for n in range(20)]
    made = bring(table("Ticket ID,Description,Group", rows))
    assert labels(made) == {f"T{n}": "Moved" if n < 20 else queue(n) for n in range(40)}
    assert findings(made)["newest_row_won"] == {"rows": 60, "tickets": 40, "repeated": 20}
    created = bring(table("Ticket ID,Description,Group,Created", [[*row, "2026-01-05"] for row in rows]), name="other")
    assert labels(created) == labels(made)
    assert findings(created)["newest_row_won"]["created"] == "Created"


def test_a_time_that_is_not_of_the_ticket_decides_nothing(bring: Bring) -> None:
    rows = [[f"T{n}", request(n), queue(n), f"2026-03-{n % 28 + 1:02d}"] for n in range(40)]
    rows += [[f"T{n}", request(n), "Moved", "2026-01-01"] for n in range(20)]
    for name in ("Password changed", "SLA modified at"):
        dated = [[*row, "2026-01-01"] for row in rows]
        made = bring(table(f"Ticket ID,Description,Group,{name},Created", dated))
        assert labels(made)["T3"] == "Moved", name
        assert "updated" not in findings(made)["newest_row_won"]


def of(name: str) -> Callable[[int], str]:
    return lambda n: f"{name} {n % 2}"


def month(number: int, ids: range, group: Callable[[int], str], *, update: str = "Updated at") -> str:
    return table(
        f"Ticket ID,Description,Group,{update}",
        [[f"T{n}", request(n), group(n), f"2026-0{number}-05 08:00"] for n in ids],
    )


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1), (3, 2, 1)])
def test_increments_are_put_in_order_whichever_comes_first(
    acme: Organisation, store: FileStore, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """At the command line: January's tickets, some of them again in February, and some of those in March."""
    months = {
        1: month(1, range(40), queue),
        2: month(2, range(20, 60), of("February")),
        3: month(3, range(30, 50), of("March")),
    }
    for at, number in enumerate(order):
        (tmp_path / f"{number}.csv").write_text(months[number])
        more = ["--add"] if at else []
        shown = otai_tickets("import", str(tmp_path / f"{number}.csv"), "--name", "support", *more)
    from otai.tickets import queries

    right = {f"T{n}": (queue if n < 20 else of("March") if 30 <= n < 50 else of("February"))(n) for n in range(60)}
    assert labels(queries.data_set(acme, "support")) == right
    assert shown["tickets"] == 60 and shown["version"] == 3


def test_an_older_increment_changes_nothing_and_says_so(bring: Bring) -> None:
    bring(month(3, range(40), of("March")))
    made = bring(month(1, range(20), queue), add=True)
    assert labels(made) == {f"T{n}": of("March")(n) for n in range(40)}
    compared = findings(made)["versions_compared"]
    assert (compared["came"], compared["changed"], compared["same"]) == (0, 0, 40)
    assert findings(made)["newest_row_won"]["updated"] == "Updated at"


def test_an_increment_without_times_is_newer_than_what_was_there(bring: Bring) -> None:
    bring(month(3, range(40), of("March")))
    bring(table("Ticket ID,Description,Group", [[f"T{n}", request(n), of("Later")(n)] for n in range(20)]), add=True)
    made = bring(month(2, range(30), of("February")), add=True)
    assert labels(made) == {f"T{n}": of("Later" if n < 20 else "March")(n) for n in range(40)}
    newest = bring(month(4, range(5), of("April")), add=True)
    assert labels(newest)["T4"] == "April 0" and labels(newest)["T5"] == "Later 1"


def test_several_files_of_one_import_are_put_in_order_too(bring: Bring, tmp_path: Path) -> None:
    (tmp_path / "january.csv").write_text(month(1, range(20), queue))
    made = bring(month(3, range(40), of("March")), filename="march.csv", further=[tmp_path / "january.csv"])
    assert labels(made) == {f"T{n}": of("March")(n) for n in range(40)}


def test_an_increment_may_call_its_time_of_change_otherwise(bring: Bring) -> None:
    bring(month(3, range(40), of("March")))
    made = bring(month(1, range(20), queue, update="Geändert"), add=True)
    assert labels(made) == {f"T{n}": of("March")(n) for n in range(40)}


def thread(n: int) -> list[dict[str, Any]]:
    """The desk's automatic note, the customer's request, an answer, a note among agents, and thanks."""
    who = ("agent", "customer", "agent", "agent", "customer")
    said = (f"Ticket {n} was opened for you by the desk, please wait", request(n), answer(n), f"Internal: known {n}",
            thanks(n))  # fmt: skip
    return [
        {"id": 9_000 + 5 * n + at, "ticket": f"T{n}", "who": who[at], "text": said[at], "opened": "2026-01-05 07:30",
         "at": f"2026-01-05 {8 if at < 2 else at + 6:02d}:{10 * at:02d}", "group": queue(n)}
        for at in range(5)
    ]  # fmt: skip


def shuffled(rows: list[Any]) -> list[Any]:
    random.Random(7).shuffle(rows)
    return rows


ORDERS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "oldest first": list,
    "newest first": lambda rows: rows[::-1],
    "shuffled": shuffled,
}
MESSAGE_COLUMNS = {
    "en": ("Message ID,Ticket ID,Sender,Message,Ticket created,Message created,Group",
           "id ticket who text opened at group"),
    "en, other words": ("comment_id,ticket_id,author_type,body,ticket_created_at,comment_created_at,Group",
                        "id ticket who text opened at group"),
    "en, sent": ("Ticket number,Created,Sent at,From type,Text,Group", "ticket opened at who text group"),
    "de": ("Artikel-Nr,Ticketnummer,Absendertyp,Nachricht,Ticket erstellt,Nachricht erstellt am,Group",
           "id ticket who text opened at group"),
    "fr": ("N° ticket,Date de création,Date du message,Auteur,Message,Group", "ticket opened at who text group"),
    "es": ("Número de ticket,Fecha de creación,Fecha del mensaje,Rol,Mensaje,Group", "ticket opened at who text group"),
    "ids alone": ("Message ID,Ticket ID,Sender,Message,Group", "id ticket who text group"),
    "a bare id": ("id,ticket_id,sender,body,group_name", "id ticket who text group"),
    "one time": ("ticket_id,sender,body,created_at,Group", "ticket who text at group"),
}  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("columns", MESSAGE_COLUMNS)
def test_of_messages_the_customers_first_is_the_text_in_any_order(bring: Bring, columns: str, order: str) -> None:
    header, fields = MESSAGE_COLUMNS[columns]
    messages = ORDERS[order]([message for n in range(40) for message in thread(n)])
    made = bring(table(header, [[message[name] for name in fields.split()] for message in messages]))
    assert {id: row["body"] for id, row in stored(made).items()} == {f"T{n}": request(n) for n in range(40)}
    attribute = "group_name" if columns == "a bare id" else "Group"
    assert labels(made, attribute) == {f"T{n}": queue(n) for n in range(40)}
    assert findings(made)["messages_joined"]["tickets"] == 40


def test_few_tickets_with_several_messages_are_threads_too(bring: Bring) -> None:
    messages = [message for n in range(40) for message in thread(n)[: 3 if n < 5 else 2][1:]][::-1]
    names = "Comment ID,Ticket ID,Comment,Group"
    made = bring(table(names, [[one["id"], one["ticket"], one["text"], one["group"]] for one in messages]))
    assert {id: row["body"] for id, row in stored(made).items()} == {f"T{n}": request(n) for n in range(40)}


def test_a_tickets_labels_are_those_of_the_row_where_they_are_filled(bring: Bring) -> None:
    messages = [message for n in range(40) for message in thread(n)]
    rows = [
        [one["id"], one["ticket"], one["who"], one["text"], one["at"], one["group"] if one["id"] % 5 == 0 else ""]
        for one in messages
    ]
    made = bring(table("Message ID,Ticket ID,Sender,Message,Message created,Group", rows[::-1]))
    assert labels(made) == {f"T{n}": queue(n) for n in range(40)}


def test_messages_that_are_written_newest_first_stay_so_where_times_are_days(bring: Bring) -> None:
    rows = []
    for n in range(40):
        rows += [[f"T{n}", thanks(n), "2026-01-07", queue(n)], [f"T{n}", answer(n), "2026-01-05", queue(n)],
                 [f"T{n}", request(n), "2026-01-05", queue(n)]]  # fmt: skip
    made = bring(table("Ticket ID,Message,Message date,Group", rows))
    assert {id: row["body"] for id, row in stored(made).items()} == {f"T{n}": request(n) for n in range(40)}


def test_a_message_without_words_is_not_the_text(bring: Bring) -> None:
    """Somebody deleted the first one."""
    messages = [message for n in range(40) for message in thread(n)]
    rows = [
        [one["id"], one["ticket"], one["who"], "" if one["id"] == 9_001 else one["text"], one["group"]]
        for one in messages
    ]
    made = bring(table("Message ID,Ticket ID,Sender,Message,Group", rows[::-1]))
    assert stored(made)["T0"]["body"] == thanks(0) and stored(made)["T1"]["body"] == request(1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("columns", ["en", "ids alone"])
def test_messages_that_are_added_find_their_place(bring: Bring, columns: str, order: tuple[int, ...]) -> None:
    """The desk's opening, the customer's request, and what followed, each in an increment of its own."""
    header, fields = MESSAGE_COLUMNS[columns]
    pieces = [slice(0, 1), slice(1, 2), slice(2, 5)]
    for at, number in enumerate(order):
        messages = [message for n in range(40) for message in thread(n)[pieces[number]]]
        content = table(header, [[message[name] for name in fields.split()] for message in messages[::-1]])
        made = bring(content, add=at > 0)
    assert {id: row["body"] for id, row in stored(made).items()} == {f"T{n}": request(n) for n in range(40)}


QUOTED = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana Okafor <dana@acme.example> wrote:\n> The earlier words of {n}"


def test_what_is_counted_in_rows_is_said_of_rows(bring: Bring) -> None:
    """140 messages of 70 tickets are no 140 tickets."""
    rows = [
        [f"T{n}", text + QUOTED.format(n=n), "soon" if n < 3 else "2026-01-05", "N/A" if n < 5 else queue(n)]
        for n in range(70)
        for text in (request(n), answer(n))
    ]
    made = bring(table("Ticket ID,Message,Created,Group", rows))
    found = findings(made)
    assert (found["text_was_cut"]["rows"], found["text_was_cut"]["of"]) == (140, 140)
    assert found["personal_data"]["rows"] == 140
    assert (found["messages_joined"]["rows"], found["messages_joined"]["tickets"]) == (140, 70)
    assert not any(values.get("tickets", 0) > 70 for values in found.values())
