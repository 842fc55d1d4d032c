"""Alice renames, joins and leaves out labels on the page of her tickets, and cuts what gives labels away."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.db import utc_now
from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.serving.models import DataSetChange
from otai.tickets import queries as tickets
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from tests import stories
from tests.orgs.people import joins, person
from tests.stories_of_leaks import write_signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Pages read the clock themselves."""
    return utc_now()


@pytest.fixture
def support(acme: Organisation, tmp_path: Path, now: datetime) -> DataSet:
    return stories.tickets_of(acme, tmp_path, now)


def newest() -> DataSet:
    return DataSet.objects.order_by("-version")[0]


def counts(data_set: DataSet, attribute: str = "queue") -> dict[str, int]:
    return {label.name: label.count for label in data_set.attributes.get(name=attribute).labels.all()}


def test_only_labels_that_are_there_are_offered_and_a_look_shows_the_counts(alice: Client, support: DataSet) -> None:
    before = counts(support)
    page = alice.get(f"/acme/tickets/{support.id}/").content.decode()
    assert f"/acme/tickets/{support.id}/labels?attribute=queue" in page
    address = f"/acme/tickets/{support.id}/labels"
    page = alice.get(address, {"attribute": "queue"}).content.decode()
    assert set(re.findall(r'name="label" value="([^"]+)"', page)) == set(before)
    sent = {
        "attribute": "queue",
        "label": ["billing", "network", "accounts"],
        "becomes": ["money", "network", "network"],
        "leave_out": ["billing"],
    }
    looked = alice.post(address, {**sent, "look": "1"}).content.decode()
    assert f"{before['billing']} tickets lose “billing” and stay." in looked
    assert f"{before['accounts']} tickets of “accounts” become “network”." in looked
    assert "Labels that can be learnt: 3 now, 1 then" in looked
    assert DataSet.objects.count() == 1

    assert alice.post(address, sent).status_code == 302
    made = newest()
    assert made.version == 2 and counts(made) == {"network": before["network"] + before["accounts"]}
    assert made.tickets == support.tickets, "tickets stay, without the label"
    change = DataSetChange.objects.get()
    assert (change.changed, change.changed_by) == (before["accounts"] + before["billing"], "alice@acme.example")
    shown = alice.get(f"/acme/tickets/{made.id}/").content.decode()
    assert "labels that went since version 1: “accounts”, “billing”" in shown


def test_labels_too_rare_are_left_out_from_the_finding_itself(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    source = stories.write_tickets(tmp_path / "support.csv", tickets=60)
    with source.open("a", encoding="utf-8") as file:
        file.write("a rare one,look at it,facilities,low\n")
    rare = import_tickets(organisation=acme, name="support", source=source, now=now)
    page = alice.get(f"/acme/tickets/{rare.id}/").content.decode()
    [link] = re.findall(r'href="([^"]*labels\?attribute=queue&amp;rare=1)"', page)
    looked = alice.get(link.replace("&amp;", "&")).content.decode()
    assert "1 ticket loses “facilities” and stays." in looked
    assert re.findall(r'name="leave_out" value="([^"]+)" checked', looked) == ["facilities"]


def test_an_ordered_attribute_keeps_its_order_under_new_names(alice: Client, support: DataSet) -> None:
    address = f"/acme/tickets/{support.id}/labels"
    alice.post(address, {"attribute": "priority", "label": ["high"], "becomes": ["urgent"]})
    assert newest().attributes.get(name="priority").order == ["low", "medium", "urgent"]


def test_what_cannot_be_is_said_and_nothing_is_made(alice: Client, support: DataSet) -> None:
    address = f"/acme/tickets/{support.id}/labels"
    for sent in (
        {"attribute": "queue", "label": ["unheard of"], "becomes": ["network"]},
        {"attribute": "queue", "label": ["network"], "becomes": ["network"]},
        {"attribute": "queue", "label": ["network"], "becomes": ["x" * 300]},
        {"attribute": "queue", "leave_out": ["network", "billing", "accounts"]},
    ):
        answer = alice.post(address, sent)
        assert answer.status_code == 422 and "Nothing was changed yet" in answer.content.decode(), sent
    assert alice.get(address, {"attribute": "<b>"}).status_code == 404
    assert DataSet.objects.count() == 1


def test_spellings_of_one_label_are_joined_with_two_clicks(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    source = tmp_path / "alike.csv"
    rows = [
        f"The printer of case {n} is broken,{('Network', 'network', 'Billing', 'bil-ling')[n % 4]}" for n in range(60)
    ]
    source.write_text("\n".join(["text,queue", *rows, "One more,network", "And another,Billing"]))
    found = import_tickets(organisation=acme, name="alike", source=source, now=now)
    page = alice.get(f"/acme/tickets/{found.id}/").content.decode()
    link = re.search(r'href="([^"]+alike=1)"', page)
    assert link is not None
    page = alice.get(link[1].replace("&amp;", "&")).content.decode()
    fields = re.findall(r'name="label" value="([^"]+)"><input type="text" name="becomes" value="([^"]+)"', page)
    assert dict(fields) == {"Network": "network", "network": "network", "bil-ling": "Billing", "Billing": "Billing"}
    assert "15 tickets of “Network” become “network”." in page
    alice.post(
        f"/acme/tickets/{found.id}/labels",
        {"attribute": "queue", "label": [one for one, _ in fields], "becomes": [other for _, other in fields]},
    )
    assert counts(newest()) == {"network": 31, "Billing": 31}


def test_carol_and_viewers_change_nothing(acme: Organisation, support: DataSet, now: datetime) -> None:
    carol, viewer = Client(), Client()
    carol.force_login(joins(stories.globex(now), person("carol", at="globex.example"), Role.OWNER, now).user)
    viewer.force_login(joins(acme, person("vera"), Role.VIEWER, now).user)
    for what in ("labels", "cut", "uncut"):
        address = f"/acme/tickets/{support.id}/{what}"
        assert carol.post(address, {"attribute": "queue"}).status_code in (403, 404)
        assert viewer.post(address, {"attribute": "queue"}).status_code == 403
    assert "Rename, join or leave out" not in viewer.get(f"/acme/tickets/{support.id}/").content.decode()


def test_what_gives_labels_away_is_cut_with_one_click(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    found = import_tickets(organisation=acme, name="support", source=write_signed(tmp_path / "s.csv"), now=now)
    assert "Cut these lines" in alice.get(f"/acme/tickets/{found.id}/").content.decode()
    assert "Cut these lines" in alice.get("/acme/train/?chosen=1&attribute=queue").content.decode()
    answer = alice.post(f"/acme/tickets/{found.id}/cut", {"then": "train"})
    made = newest()
    assert answer["Location"] == f"/acme/train/?data_set={made.id}" and made.version == 2
    assert not any("took this" in (row["body"] or "") for row in tickets.tickets(made))
    page = alice.get(answer["Location"]).content.decode()
    assert "may look better than the model is" not in page
    # The tickets say what was done to them, also when their labels are other ones later.
    said = f"were cut from {found.tickets} of {found.tickets} tickets"
    assert said in alice.get(f"/acme/tickets/{made.id}/").content.decode()
    label = made.attributes.get(name="queue").labels.all()[0].name
    alice.post(f"/acme/tickets/{made.id}/labels", {"attribute": "queue", "label": label, "becomes": "other"})
    assert newest().version == 3 and said in alice.get(f"/acme/tickets/{newest().id}/").content.decode()
    # The version before keeps them, says so, and is cut no second time.
    older = alice.get(f"/acme/train/?data_set={found.id}&chosen=1&attribute=queue").content.decode()
    assert "may look better than the model is" in older and "Cut these lines" not in older
    assert all("took this" in row["body"] for row in tickets.tickets(found))


@pytest.mark.parametrize("gives_away", [True, False])
def test_lines_that_no_import_looked_for_are_looked_for_by_a_job(
    gives_away: bool,
    alice: Client,
    acme: Organisation,
    support: DataSet,
    tmp_path: Path,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = support
    if gives_away:
        found = import_tickets(organisation=acme, name="signed", source=write_signed(tmp_path / "s.csv"), now=now)
        # As a release wrote it that did not look for such lines.
        found.profile = {**found.profile, "findings": []}
        found.save(update_fields=["profile"])

    def refuse(*_: Any) -> Any:
        raise AssertionError("the web process reads tickets")

    monkeypatch.setattr("otai.tickets.changing.find_leaks", refuse)
    page = alice.post(f"/acme/tickets/{found.id}/cut", follow=True).content.decode()
    made = DataSet.objects.filter(name=found.name, version=2)
    if gives_away:
        assert "is without these lines" in page
        assert not any("took this" in (row["body"] or "") for row in tickets.tickets(made.get()))
    else:
        assert "No lines that give a label away" in page and not made.exists()


def test_what_the_import_cut_is_put_back_with_one_click(
    alice: Client, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    quote = "\n\nOn Mon, 5 Jan 2026 at 08:12, Dana wrote:\n> The earlier words"
    rows = "".join(f'T{n},"The printer number {n} fails{quote}",{"ab"[n % 2]}\n' for n in range(60))
    (tmp_path / "mails.csv").write_text(f"ticket id,text,queue\n{rows}")
    found = import_tickets(organisation=acme, name="support", source=tmp_path / "mails.csv", now=now)
    assert "Undo the cuts" in alice.get(f"/acme/tickets/{found.id}/").content.decode()
    page = alice.post(f"/acme/tickets/{found.id}/uncut", follow=True).content.decode()
    assert "has the texts as they came" in page and "Undo the cuts" not in page
    german = alice.get(f"/acme/tickets/{newest().id}/", headers={"Accept-Language": "de"}).content.decode()
    assert "Texte, wie sie kamen, ungekürzt" in german
    assert all("earlier words" in row["body"] for row in tickets.tickets(newest()))
    page = alice.post(f"/acme/tickets/{newest().id}/uncut", follow=True).content.decode()
    assert "cut nothing from these texts" in page and newest().version == 2
