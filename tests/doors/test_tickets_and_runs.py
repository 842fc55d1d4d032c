"""What customers do with tickets and runs all day, over TLS: settle columns, order and cancel many at once, train, and
delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from otai.client import Studio
from tests import stories
from tests.doors.production import Customer, Production
from tests.helpdesks import story
from tests.helpdesks.conftest import Fake, fake_of  # noqa: F401 -- a fixture
from tests.walk.test_tickets_are_deleted import AGENT, BODY, SUBJECT, TICKET, as_csv, rows

ORDERS, AT_A_TIME = 36, 6
PLANTED = [SUBJECT, BODY, TICKET]


@pytest.fixture(scope="module")
def acme(studio: Production) -> Customer:
    return studio.customer("acme-tickets")


@pytest.fixture
def program(trusted: Production, acme: Customer) -> Iterator[Studio]:
    with Studio(trusted.url, acme.key) as client:
        yield client


def deadlocks(studio: Production) -> int | None:
    """Of this Studio's database since it was made, as PostgreSQL counts them."""
    url = studio.installation.settings["OTAI_DATABASE_URL"]
    if url.startswith("sqlite"):
        return None
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as line:
        # What other processes counted comes with the end of their transactions, a second later at most.
        line.execute("SELECT pg_sleep(1.1)")
        row = line.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.postgres
def test_what_the_columns_page_shows_is_what_it_imports(
    studio: Production, acme: Customer, program: Studio, browser: Any, tmp_path: Path
) -> None:
    file = tmp_path / "shown.csv"
    file.write_text(
        "text,tags,title\n"
        + "".join(f"The printer in room {n} is on fire and nobody comes,it; room {n % 3},Fire {n}\n" for n in range(40))
    )
    page = studio.page(browser, acme)
    page.goto("tickets/")
    page.set_input_files("#file", file)
    page.click("[data-uploads] button")
    page.wait_for_url("**/tickets/uploads/**")

    # Without any text: nothing stands in for it.
    page.select_option("#role-0", "ignore")
    page.select_option("#role-2", "ignore")
    page.click("text=Import these tickets")
    page.wait_for_selector("#role-0-error")
    assert "Nothing was imported yet" in page.inner_text("main")
    # With two of them: neither is dropped.
    page.select_option("#role-0", "body")
    page.select_option("#role-2", "body")
    page.click("text=Import these tickets")
    page.wait_for_selector("#role-0-error")
    assert page.is_visible("#role-2-error") and not page.is_visible("#role-1-error")
    # With the tags left out, they are neither text nor attribute.
    page.select_option("#role-0", "ignore")
    page.select_option("#role-1", "ignore")
    page.select_option("#role-2", "subject")
    page.click("text=Import these tickets")
    page.wait_for_selector("text=40 tickets are imported")
    roles = program.data_set_details(program.data_set("shown").id).raw["roles"]
    assert (roles["single"], roles["attributes"]) == ({"subject": "title"}, [])
    assert set(roles["ignored"]) == {"text", "tags"}


@pytest.mark.postgres
def test_cuts_are_undone_and_labels_renamed_and_joined_by_pressing_buttons(
    trusted: Production, acme: Customer, program: Studio, browser: Any, tmp_path: Path
) -> None:
    quote = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana wrote:\n> The earlier words"
    queues = ("network", "Network", "billing", "fax")
    file = tmp_path / "pressed.csv"
    file.write_text(
        "ticket id,text,queue\n"
        + "".join(
            f'T{n},"The {"printer router"[n % 2 * 8 :][:7]} {n} fails{quote}",{queues[n % 4]}\n' for n in range(80)
        )
    )
    first = program.import_tickets(file, name="pressed")
    page = trusted.page(browser, acme)

    def newest(version: int) -> tuple[dict[str, int], set[str], Any]:
        """What a program is told of the version that the button made: labels, findings, id."""
        page.wait_for_selector(f"h1:has-text('pressed v{version}')")
        made = program.data_set("pressed")
        assert made.version == version and str(made.id) in page.url
        raw = program.data_set_details(made.id).raw["profile"]
        labels = {label["name"]: label["count"] for one in raw["attributes"] for label in one["labels"]}
        return labels, {one["code"] for one in raw["findings"]}, made.id

    page.goto(f"tickets/{first.id}/")
    page.click("text=Undo the cuts")
    labels, found, id = newest(2)
    assert "text_was_cut" not in found and labels == dict.fromkeys(queues, 20)
    with trusted.http(headers=acme.authorization) as caller:
        shown = caller.get(f"/api/v1/data-sets/{id}/tickets").json()["items"]
    assert all("The earlier words" in one["body"] for one in shown)

    page.goto(f"tickets/{id}/labels?attribute=queue")
    page.fill("[aria-label='What billing becomes']", "finance")
    page.check("[aria-label='Leave out fax']")
    page.wait_for_selector("#plan >> text=20 tickets of “billing” become “finance”.")
    page.wait_for_selector("#plan >> text=20 tickets lose “fax” and stay.")
    page.click("text=Make the new version")
    labels, found, id = newest(3)
    assert labels == {"network": 20, "Network": 20, "finance": 20} and "labels_look_alike" in found

    page.click("a.button:has-text('Join them')")
    page.click("text=Make the new version")
    labels, found, _ = newest(4)
    assert sorted(labels.values()) == [20, 40] and "finance" in labels and "labels_look_alike" not in found
    # The versions before stay as they were.
    assert "text_was_cut" in {one["code"] for one in program.data_set_details(first.id).raw["profile"]["findings"]}


def test_a_helpdesk_is_connected_looked_at_and_imported_by_pressing_buttons(
    studio: Production,
    acme: Customer,
    program: Studio,
    browser: Any,
    fake_of: Callable[[str], Fake],  # noqa: F811
) -> None:
    page = studio.page(browser, acme)
    page.goto("tickets/")
    page.click("text=Or connect a helpdesk")
    page.select_option("[name=system]", "zammad")
    page.fill("[name=address]", fake_of("zammad").address)
    page.fill("[name=token]", story.TOKEN)
    page.fill("[name=name]", "Our Zammad")
    page.click("text=Connect and test")
    page.wait_for_selector("text=The helpdesk answers, and the token may read it.")
    shown = page.locator("section:has(#tickets) tbody tr")
    assert shown.count() == 10 and story.Told(1).text in shown.nth(0).inner_text()

    page.fill("#name", "of-zammad")
    page.click("form:has(#name) button:has-text('Import')")
    page.wait_for_selector("h1:has-text('of-zammad v1')")
    made = program.data_set("of-zammad")
    assert str(made.id) in page.url and made.tickets == story.TICKETS
    assert story.TOKEN not in page.content()


def test_orders_and_cancellations_at_once_are_all_answered_without_a_deadlock(
    trusted: Production, acme: Customer, program: Studio, tmp_path: Path
) -> None:
    tickets = program.import_tickets(stories.write_tickets(tmp_path / "many.csv"), name="many")
    quotes = [str(program.quote(tickets.id).id) for _ in range(ORDERS)]
    before, counted = program.balance(), deadlocks(trusted)

    def order_and_cancel(quote: str) -> tuple[int, int]:
        ordered = caller.post("/api/v1/runs", json={"quote": quote, "again": True})
        if ordered.status_code != 201:
            return ordered.status_code, 0
        return ordered.status_code, caller.post(f"/api/v1/runs/{ordered.json()['number']}/cancel").status_code

    # Straight: the Python client would try a 503 again.
    with trusted.http(headers=acme.authorization) as caller, ThreadPoolExecutor(AT_A_TIME) as threads:
        answers = list(threads.map(order_and_cancel, quotes))
    assert answers == [(201, 200)] * ORDERS
    assert program.balance() == before
    assert deadlocks(trusted) == counted


@pytest.mark.postgres
def test_of_tickets_that_were_quoted_and_trained_on_no_word_is_left_once_they_are_deleted(
    trusted: Production, acme: Customer, program: Studio, browser: Any, tmp_path: Path
) -> None:
    made = rows(300)
    file = tmp_path / "support.csv"
    file.write_bytes(as_csv(made))
    tickets = program.import_tickets(file, name="support")
    program.preview_columns(file)
    assert [one["attribute"] for one in program.expected_quality(tickets.id)] == [AGENT, "priority"]
    # One order is cancelled, the next one trains, and its model answers.
    wanted: dict[str, Any] = {"attributes": [AGENT, "priority"], "model": "support"}
    assert program.cancel(program.order(program.quote(tickets.id, **wanted).id).number).status == "cancelled"
    stages: list[str] = []
    ordered = program.order(program.quote(tickets.id, **wanted).id)
    run = program.wait_for_run(
        ordered.number, on_progress=lambda progress: stages.append(progress["status"]), timeout=200
    )
    assert run.status == "completed" and stages
    assert SUBJECT in str(program.report_card(run.number))
    [answer] = program.predict("support", [f"{made[0]['subject']}\n{made[0]['body']}"])
    assert answer[AGENT].labels == (made[0][AGENT],)
    program.download("support", tmp_path)
    # A file of the same tickets waits for its columns, too.
    page = trusted.page(browser, acme)
    page.goto("tickets/")
    page.set_input_files("#file", file)
    page.click("[data-uploads] button")
    page.wait_for_url("**/tickets/uploads/**")
    before = trusted.found(PLANTED)
    assert {"tickets_data_set.roles", "jobs_job.result", "runs_run.report_card"} & before.keys(), before
    assert any("/" in place for place in before), "and in files"

    address = f"{trusted.url}/api/v1/data-sets/{tickets.id}"
    with trusted.http(headers=acme.authorization) as caller:
        beforehand = caller.get(f"{address}/deletion").json()
    assert (beforehand["tickets"], beforehand["report_cards"], beforehand["staying_models"]) == (300, 1, ["support"])
    said = trusted.curl("-X", "DELETE", "-w", "%{http_code}", "-H", f"Authorization: Bearer {acme.key}", address)
    assert said == "204"
    assert trusted.found(PLANTED) == {}
    # What it cost and reached stays, and so does the model.
    assert program.run(run.number).status == "completed"
    assert program.predict("support", ["wifi router"])[0][AGENT].labels == ("gisselbrecht",)
    page.goto(f"runs/{run.number}/")
    assert "were deleted on" in page.inner_text("main")
