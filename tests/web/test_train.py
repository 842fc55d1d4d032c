"""Alice chooses what to train, sees what it costs and why, and orders once however often she clicks."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.models import LotSource
from otai.ledger.operations import grant
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.runs.models import Quote, Run
from otai.runs.operations import cancel_run
from otai.serving.deletion import delete_tickets
from otai.tickets.models import DataSet
from tests import stories
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    return stories.tickets_of(acme, tmp_path, now)


def order_form(page: str) -> dict[str, list[str]]:
    """What the order's form would send, button and all."""
    form = page[page.index('class="order-bar"') :]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(value)
    return found


def test_without_tickets_the_page_teaches_the_first_step(alice: Client) -> None:
    page = alice.get("/acme/train/").content.decode()
    assert "First, tickets" in page and "/acme/tickets/" in page


def test_one_page_says_what_it_costs_when_it_is_ready_and_why(alice: Client, support: DataSet) -> None:
    page = alice.get("/acme/train/").content.decode()
    # Two attributes, Basic: 1 x 1/2, rounded up; 6 credits at sign-up.
    assert "This training costs 1 credit of your 6 credits" in page
    assert "Train Basic, Standard: 1 credit" in page
    assert "since it predicts 1 to 5 attributes" in page and "rounded up, once" in page
    assert "After this: 5 credits of 6 credits" in page or "After this: 5 of 6 credits" in page
    # Each cell says what is left after it.
    assert "leaves 5" in page and "Fast costs the same here" in page
    assert "no machine is at work for it now" in page


def test_a_mode_that_cannot_be_trained_here_is_sold_nowhere(
    alice: Client, acme: Organisation, support: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [f"/acme/{page}" for page in ("train/", "credits/", "credits/tier/", "help/prices/", "guarantee/")]
    for page in pages[:1] + pages[2:4]:
        text = alice.get(page).text
        assert "Business and Maximum are not installed here and are not sold" in text
        assert "otai encoders pull use-multilingual" in text, "for whoever runs this Studio"
        assert not re.search(r"needs Pro|needs Enterprise|Trains [^<]*(Business|Maximum)|(3|12) credits", text), page
    assert "Business" not in alice.get(pages[1]).text + alice.get(pages[4]).text
    # Installed, it is what the tier is for.
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    page = alice.get("/acme/train/").text
    assert "Not in Community: needs Pro" in page and "Not in Community: needs Enterprise" in page
    tiers = alice.get("/acme/credits/tier/").text
    assert "Trains Basic, Business and Maximum" in tiers and "not installed" not in tiers


def test_what_came_from_the_data_set_comes_anew_with_another(
    alice: Client, acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    source = tmp_path / "sales.csv"
    source.write_text("subject,body,team\n" + "".join(f"Order {n},a box,{'ab'[n % 2]}\n" for n in range(80)))
    sales = stories.import_tickets(organisation=acme, name="sales", source=source, now=now)
    chosen = {"chosen": "1", "attribute": "queue", "choice": "basic-fast", "reason": "drift", "data_set": str(sales.id)}
    shown = order_form(alice.get("/acme/train/", {**chosen, "of": str(support.id), "model": "support"}).text)
    assert (shown["model"], shown["reason"], shown["attribute"]) == (["sales"], ["new_model"], ["team"])
    assert shown["choice"] == ["basic-fast"], "that did not come from the data set"
    # A name that somebody gave is theirs.
    named = order_form(alice.get("/acme/train/", {**chosen, "of": str(support.id), "model": "routing"}).text)
    assert named["model"] == ["routing"]
    # Another version of the same tickets keeps what was picked.
    second = stories.import_tickets(
        organisation=acme, name="support", source=stories.write_tickets(tmp_path / "2.csv", seed=2), now=now
    )
    kept = {**chosen, "data_set": str(second.id), "of": str(support.id), "model": "support"}
    assert order_form(alice.get("/acme/train/", kept).text)["attribute"] == ["queue"]
    # All and none.
    both = order_form(alice.get("/acme/train/", {**kept, "of": str(second.id), "pick": "all"}).text)
    assert sorted(both["attribute"]) == ["priority", "queue"]
    assert "Choose at least one attribute" in alice.get("/acme/train/", {**kept, "pick": "none"}).text


def test_prices_follow_the_choices_in_the_address(alice: Client, support: DataSet) -> None:
    page = alice.get("/acme/train/?chosen=1&attribute=queue&choice=basic-fast").content.decode()
    assert "Train Basic, Fast: 1 credit" in page
    form = order_form(page)
    assert form["attribute"] == ["queue"] and form["choice"] == ["basic-fast"]
    # Nothing chosen: nothing to order, and nothing breaks.
    page = alice.get("/acme/train/?chosen=1").content.decode()
    assert "Choose at least one attribute" in page and 'id="order-button"' not in page


@pytest.mark.parametrize(
    "query", ["data_set=nonsense", "data_set=00000000-0000-0000-0000-000000000000"], ids=["no id", "nobody's"]
)
def test_tickets_that_are_not_there_are_not_found(alice: Client, support: DataSet, query: str) -> None:
    assert alice.get(f"/acme/train/?{query}").status_code == 404


@pytest.mark.parametrize(
    "query", ["choice=maximum-fast", "choice=x", "model=<b>", "reason=none", "attribute=<i>&chosen=1"]
)
def test_choices_that_make_no_sense_fall_back(alice: Client, support: DataSet, query: str) -> None:
    answer = alice.get(f"/acme/train/?{query}")
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode() and "<i>" not in answer.content.decode()


def test_ordering_holds_the_credits_and_leads_to_the_run(alice: Client, acme: Organisation, support: DataSet) -> None:
    form = order_form(alice.get("/acme/train/").content.decode())
    answer = alice.post("/acme/train/order", form)
    assert (answer.status_code, answer["Location"]) == (302, "/acme/runs/1/")
    balance = ledger.balance(acme.id)
    assert (balance.available, balance.held) == (5, 1)
    page = alice.get("/acme/runs/1/").content.decode()
    assert "1 credit held" in page and "Ordered by alice@acme.example" in page


def test_the_same_form_sent_again_orders_nothing_more(alice: Client, acme: Organisation, support: DataSet) -> None:
    form = order_form(alice.get("/acme/train/").content.decode())
    places = {alice.post("/acme/train/order", form)["Location"] for _ in range(3)}
    assert places == {"/acme/runs/1/"}
    assert Run.objects.count() == Quote.objects.count() == 1
    assert ledger.balance(acme.id).held == 1
    # The page made anew is another order: of the same, it is asked about first.
    again = order_form(alice.get("/acme/train/").content.decode())
    assert alice.post("/acme/train/order", again).status_code == 409
    again["again"] = ["1"]
    assert alice.post("/acme/train/order", again)["Location"] == "/acme/runs/2/"


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_order_once(alice: Client, acme: Organisation, support: DataSet) -> None:
    from django.db import connection

    form = order_form(alice.get("/acme/train/").content.decode())

    def click(_number: int) -> str:
        browser = Client()
        browser.cookies = alice.cookies
        try:
            return str(browser.post("/acme/train/order", form)["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as clicks:
        places = set(clicks.map(click, range(4)))
    assert places == {"/acme/runs/1/"}
    assert Run.objects.count() == 1 and ledger.balance(acme.id).held == 1


def test_a_price_that_changed_is_not_charged(alice: Client, acme: Organisation, support: DataSet) -> None:
    form = order_form(alice.get("/acme/train/").content.decode()) | {"credits": ["0"]}
    page = alice.post("/acme/train/order", form, follow=True).content.decode()
    assert "Nothing was ordered yet" in page
    assert not Run.objects.exists() and ledger.balance(acme.id).held == 0


def test_a_mode_that_the_tier_lacks_is_not_ordered(alice: Client, support: DataSet) -> None:
    form = order_form(alice.get("/acme/train/").content.decode()) | {"choice": ["maximum-fast"]}
    page = alice.post("/acme/train/order", form, follow=True).content.decode()
    assert "cannot be ordered any more" in page
    assert not Run.objects.exists()


def test_a_name_that_no_model_can_have_is_refused_with_the_choices_kept(alice: Client, support: DataSet) -> None:
    form = order_form(alice.get("/acme/train/").content.decode()) | {
        "model": ["../../x<script>"],
        "attribute": ["queue"],
    }
    answer = alice.post("/acme/train/order", form, follow=True)
    page = answer.content.decode()
    assert "cannot be used" in page and "<script>" not in page.replace('<script src="', "")
    assert order_form(page)["attribute"] == ["queue"]
    assert not Run.objects.exists()


def test_missing_credits_lead_to_the_package_and_back_again(
    alice: Client, acme: Organisation, support: DataSet, now: datetime
) -> None:
    # Six credits: six trainings, and the seventh form finds none.
    for _ in range(6):
        form = order_form(alice.get("/acme/train/").content.decode())
        alice.post("/acme/train/order", form | {"again": ["1"]})
    page = alice.get("/acme/train/?chosen=1&attribute=queue&choice=basic-fast&model=late").content.decode()
    assert "1 credit is missing" in page and 'id="order-button"' not in page
    [address] = re.findall(r'href="(/acme/credits/\?[^"]*)"', page)
    query = parse_qs(urlsplit(address.replace("&amp;", "&")).query)
    assert query["need"] == ["1"]
    back = query["back"][0]
    assert back.startswith("/acme/train/?") and "choice=basic-fast" in back and "model=late" in back
    assert alice.get(address.replace("&amp;", "&").split("#")[0]).status_code == 200

    # A form from before is refused as well, leads the same way, and nothing is written.
    form = {
        "chosen": "1", "data_set": str(support.id), "attribute": "queue", "choice": "basic-fast", "model": "late",
        "reason": "new_model", "credits": "1", "key": "7e5b9a43-3b0b-4b3e-8f51-6f0f7d3a4c11",
    }  # fmt: skip
    answer = alice.post("/acme/train/order", form)
    assert answer["Location"].startswith("/acme/credits/?need=1&back=")
    assert Run.objects.count() == 6

    # With credits again, the very same form orders.
    grant(
        organisation=acme.id,
        credits=9,
        source=LotSource.GOODWILL,
        key="g",
        reference="test",
        reason="A test",
        now=utc_now(),
    )
    assert alice.post("/acme/train/order", form)["Location"] == "/acme/runs/7/"


def test_expected_quality_is_tried_on_the_tickets_themselves(alice: Client, support: DataSet) -> None:
    page = alice.get("/acme/train/").content.decode()
    assert "unknown yet" in page and "/acme/train/quality?" in page
    row = alice.get("/acme/train/quality").content.decode()
    assert "<tr" in row and "<html" not in row
    # From now on the page has it at once, or says that it stays unknown.
    assert "unknown yet" not in alice.get("/acme/train/").content.decode()


def test_where_maximum_is_not_expected_to_gain_the_page_says_so_beside_the_price_and_asks_once(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    globex = stories.globex(now, tier=Tier.ENTERPRISE)
    carol = Client()
    carol.force_login(joins(globex, person("carol", at="globex.example"), Role.OWNER, now).user)
    tickets = stories.tickets_of(globex, tmp_path, now)
    address = "/globex/train/?choice=maximum-standard"
    stories.maximum_tried(tickets, now, queue=0.001, priority=0.0)
    page = carol.get(address).content.decode()
    assert "Maximum is not expected to gain" in page and "answered no better than Business" in page
    assert (
        "Maximum is not expected to gain" not in carol.get("/globex/train/?choice=business-standard").content.decode()
    )
    # What is expected of Maximum is Business's quality and what was gained: nothing.
    assert re.search(r"queue <span class=\"strong number\">80</span>", page)

    form = order_form(page)
    answer = carol.post("/globex/train/order", form, follow=True)
    assert "Nothing was ordered" in answer.content.decode() and Run.objects.count() == 0
    carol.post("/globex/train/order", {**form, "knows_no_gain": "1"})
    assert Run.objects.get().mode == "maximum"


def test_what_nothing_tells_is_said_beside_it_and_asked_about_once(
    alice: Client, support: DataSet, now: datetime
) -> None:
    page = alice.get("/acme/train/").content.decode()
    assert "Nothing in these texts" not in page and "&amp;untried=1" in page
    before = order_form(page)
    stories.told_by_nothing(support, now, "priority")

    # The page that waited for the trial comes anew, once: there it stands beside the attribute and the order.
    assert 'hx-select="#train"' in alice.get("/acme/train/quality?untried=1").content.decode()
    assert 'hx-select="#train"' not in alice.get("/acme/train/quality").content.decode()
    page = alice.get("/acme/train/").content.decode()
    assert page.count("Nothing in these texts tells it: a training for it would not help.") == 1
    assert "priority: nothing in these texts tells it." in page and 'name="knows_no_signal"' in page

    # The form of before is asked, too; without the attribute there is nothing to ask.
    answer = alice.post("/acme/train/order", before, follow=True).content.decode()
    assert "“priority”: a training for it would not help. Nothing was ordered." in answer and not Run.objects.exists()
    without = alice.get("/acme/train/?chosen=1&attribute=queue").content.decode()
    assert "knows_no_signal" not in without and "Nothing in these texts tells it" in without
    alice.post("/acme/train/order", {**order_form(page), "knows_no_signal": "1"})
    assert {one["name"] for one in Run.objects.get().attributes} == {"queue", "priority"}


def test_carol_cannot_train_on_tickets_of_acme(alice: Client, support: DataSet, now: datetime) -> None:
    form = order_form(alice.get("/acme/train/").content.decode())
    carol = Client()
    globex = stories.globex(now, tier=Tier.PRO)
    carol.force_login(joins(globex, person("carol", at="globex.example"), Role.OWNER, now).user)
    assert carol.get("/acme/train/").status_code == 404
    assert carol.post("/acme/train/order", form).status_code == 404
    assert carol.post("/globex/train/order", form).status_code == 404
    assert carol.get(f"/globex/train/?data_set={support.id}").status_code == 404
    assert not Run.objects.exists() and ledger.balance(globex.id).held == 0


def test_a_viewer_does_not_spend(acme: Organisation, support: DataSet, now: datetime) -> None:
    viewer = Client()
    viewer.force_login(joins(acme, person("bob"), Role.VIEWER, now).user)
    assert viewer.get("/acme/train/").status_code == 403
    assert viewer.post("/acme/train/order", {}).status_code == 403


def test_to_train_again_on_deleted_tickets_others_are_chosen_and_never_taken(
    alice: Client, acme: Organisation, support: DataSet, tmp_path: Path, now: datetime
) -> None:
    stories.ordered(acme, support, now)
    cancel_run(organisation=acme, number=1, who="alice", now=now)
    others = stories.import_tickets(
        organisation=acme, name="others", source=stories.write_tickets(tmp_path / "others.csv"), now=now
    )
    delete_tickets(organisation=acme, data_sets=[support], who="alice", now=now)
    run = alice.get("/acme/runs/1/").content.decode()
    [again] = re.findall(r'href="([^"]+)"><svg[^>]*><use href="[^"]*#again"', run)
    for language, said in {
        "en": "The tickets of support v1 were deleted",
        "de": "Die Tickets von support v1 wurden gelöscht",
        "fr": "Les tickets de support v1 ont été supprimés",
    }.items():
        alice.cookies["otai_language"] = language
        page = alice.get(html.unescape(again)).content.decode()
        assert said in page and "order-button" not in page
    alice.cookies["otai_language"] = "en"
    page = alice.get(html.unescape(again)).content.decode()
    assert "it has 2 of 2 attributes of that training" in page
    [address] = re.findall(rf'href="(/acme/train/\?data_set={others.id}[^"]*)"', page)
    chosen = alice.get(html.unescape(address)).content.decode()
    assert 'value="support"' in chosen and "order-button" in chosen
    # With no other tickets there is nothing to choose from.
    delete_tickets(organisation=acme, data_sets=[others], who="alice", now=now)
    assert "Bring tickets" in alice.get(html.unescape(again)).content.decode()
    assert alice.get("/acme/train/?like=99").status_code == 404
