"""What is advised for credits is news, would be ordered, and is expected to gain; once it is followed it is gone."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from otai.orgs.models import Organisation
from otai.orgs.permissions import Role
from otai.pricing.price_book import Mode, Tier
from otai.runs.models import Run
from otai.runs.operations import NoGainExpected
from otai.serving import advice, feedback, queries, versions
from otai.serving.models import Advice, ModelVersion
from otai.tickets.models import DataSet
from otai.words import advice as words
from tests import stories
from tests.orgs.people import joins, person
from tests.serving.training_here import trained, work

pytestmark = pytest.mark.django_db(transaction=True)

Rows = list[dict[str, str]]


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now)


def rows_of(tickets: int, folder: Path) -> Rows:
    with stories.write_tickets(folder / "made.csv", tickets=tickets).open(newline="") as file:
        return list(csv.DictReader(file))


def imported(acme: Organisation, rows: Rows, folder: Path, now: datetime) -> DataSet:
    path = folder / "support.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return stories.import_tickets(organisation=acme, name="support", source=path, now=now)


def relabelled(rows: Rows, label: str, number: int) -> Rows:
    """The first tickets of network carry another label."""
    left = [number]

    def other(row: dict[str, str]) -> dict[str, str]:
        if row["queue"] != "network" or not left[0]:
            return row
        left[0] -= 1
        return row | {"queue": label}

    return [other(row) for row in rows]


def kinds(acme: Organisation, now: datetime) -> list[str]:
    return [one.kind for one in advice.check(organisation=acme, name="support", now=now)]


def test_a_label_that_stayed_too_rare_is_no_news(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    """Five tickets carry it, two of them set aside as test: a training learnt nothing of it, and would not the next
    time either."""
    rows = rows_of(240, tmp_path)

    def apart(labelled: Rows) -> Rows:
        of_vpn = [at for at, row in enumerate(labelled) if row["queue"] == "vpn"]
        test = {*of_vpn[:2], *(at for at in range(len(labelled)) if at % 5 == 0 and at not in of_vpn)}
        return [row | {"split": "test" if at in test else "train"} for at, row in enumerate(labelled)]

    few = relabelled(rows, "vpn", 5)
    trained(acme, imported(acme, apart(few), tmp_path, now), now)
    corrected = [
        row | ({"queue": "accounts"} if row["queue"] == "billing" and at < 9 else {}) for at, row in enumerate(few)
    ]
    imported(acme, apart(corrected), tmp_path, now)
    assert kinds(acme, now) == []
    imported(acme, apart(relabelled(rows, "vpn", 40)), tmp_path, now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert found.kind == "labels_changed"
    [point] = found.chart["points"]
    assert (point["label"], point["before"], point["now"]) == ("vpn", 5, 40), "counted alike"


def test_home_says_of_a_few_corrections_that_nothing_speaks_for_a_training(
    acme: Organisation, tmp_path: Path, now: datetime, client: Client
) -> None:
    rows = rows_of(200, tmp_path)
    trained(acme, imported(acme, rows, tmp_path, now), now)
    imported(acme, relabelled(rows, "accounts", 5), tmp_path, now)
    kinds(acme, now)
    client.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    home = client.get("/acme/").text
    assert "no model has learnt from" not in home
    assert "Nothing speaks for training again" in home


def test_home_model_page_mail_and_api_say_the_same_with_the_gain(
    acme: Organisation, tmp_path: Path, now: datetime, client: Client
) -> None:
    from otai.outbound.events import _advice_news
    from otai.words import news
    from tests.api.callers import Program

    rows = rows_of(300, tmp_path)
    version = trained(acme, imported(acme, rows, tmp_path, now), now)
    imported(acme, relabelled(rows, "vpn", 60), tmp_path, now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    [gain] = [one for one in found.evidence if one["kind"] == "gain"]
    assert 0 < gain["low"] < gain["value"] < gain["high"] < 0.4, "60 of 300 tickets cannot gain more"
    said = words.gain(found)
    assert said.startswith("Expected of a new training: queue is right more often by +")
    client.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    title = words.title(found)
    for page in ("/acme/", f"/acme/models/{version.model_id}/"):
        text = client.get(page).text
        assert title in text and said in text, page
    _, told = Program(acme).get(f"/advice/{found.id}")
    assert told["title"] == title and said in [one["sentence"] for one in told["evidence"]]
    happened = _advice_news(Advice.objects.get())
    assert happened is not None
    assert title.removesuffix(".") in news.title(happened.event, happened.data)
    assert news.more(happened.event, happened.data, zone=acme.zone) == said


def test_the_201st_attribute_is_not_advised(
    acme: Organisation, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be refused. Here a run may predict 2 attributes, as it may 200 elsewhere."""
    rows = [row | {"team": row["queue"], "area": row["priority"]} for row in rows_of(200, tmp_path)]
    first = [{name: row[name] for name in ("subject", "body", "queue")} for row in rows]
    trained(acme, imported(acme, first, tmp_path, now), now)
    imported(acme, rows, tmp_path, now)
    monkeypatch.setattr("otai.pricing.price_book.PriceBook.most_attributes", property(lambda book: 2))
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert len(found.attributes) == 2
    assert advice.follow(organisation=acme, id=found.id, who="alice", now=now) is not None
    monkeypatch.setattr("otai.pricing.price_book.PriceBook.most_attributes", property(lambda book: 1))
    assert kinds(acme, now) == []


def test_an_attribute_that_is_gone_is_not_ordered_again(acme: Organisation, tmp_path: Path, now: datetime) -> None:
    rows = rows_of(300, tmp_path)
    trained(acme, imported(acme, rows, tmp_path, now), now)
    newest = [{name: row[name] for name in ("subject", "body", "queue")} for row in relabelled(rows, "vpn", 60)]
    imported(acme, newest, tmp_path, now)
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert found.attributes == ["queue"]
    assert advice.follow(organisation=acme, id=found.id, who="alice", now=now) is not None


def test_maximum_is_not_proposed_where_it_is_not_expected_to_gain(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of Maximum, tickets on which Maximum was tried and gained nothing: Business is proposed, at its price."""
    monkeypatch.setattr("otai.runs.readiness.require", lambda mode: None)
    acme = stories.acme(now, tier=Tier.ENTERPRISE)
    rows = rows_of(300, tmp_path)
    version = trained(acme, imported(acme, rows, tmp_path, now), now)
    Run.objects.filter(id=version.run_id).update(mode=Mode.MAXIMUM)
    newest = imported(acme, relabelled(rows, "vpn", 60), tmp_path, now)
    stories.maximum_tried(newest, now, queue=0.0, priority=0.0)
    [found] = advice.check(organisation=acme, name="support", now=now)
    assert found.credits == 2, "Business Standard, 1 to 5 attributes"
    with pytest.raises(NoGainExpected):
        advice.follow(organisation=acme, id=found.id, who="alice", now=now, mode=Mode.MAXIMUM)
    run = advice.follow(organisation=acme, id=found.id, who="alice", now=now)
    assert run is not None and (run.mode, run.credits) == ("business", 2)


CHANGES: dict[str, Callable[[Rows, random.Random], Rows]] = {
    "a new label": lambda rows, chance: relabelled(rows, "vpn", chance.randint(4, 60)),
    "a label is gone": lambda rows, chance: [row for row in rows if row["queue"] != "network"],
    "one is split": lambda rows, chance: [
        row | ({"queue": chance.choice(["wifi", "vpn"])} if row["queue"] == "network" else {}) for row in rows
    ],
    "a new attribute": lambda rows, chance: [row | {"team": row["queue"][:3]} for row in rows],
}


@pytest.mark.pure
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("change", sorted(CHANGES))
def test_once_it_is_followed_the_same_advice_is_gone(
    change: str, seed: int, acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    chance = random.Random(f"{change} {seed}")
    rows = rows_of(240, tmp_path)
    trained(acme, imported(acme, rows, tmp_path, now), now)
    changed = CHANGES[change](rows, chance)
    imported(acme, changed, tmp_path, now)
    at, given = now, set()
    while open_ones := [one for one in advice.check(organisation=acme, name="support", now=at) if one.credits]:
        one = open_ones[0]
        about = (one.kind, words.title(one))
        assert about not in given, "it was followed before"
        given.add(about)
        at += timedelta(hours=1)
        assert advice.follow(organisation=acme, id=one.id, who="alice", now=at) is not None
        [version] = work(at)
        live(version)
        at += timedelta(hours=1)
    # A few corrections later it is still no news.
    imported(acme, relabelled(changed, "accounts", 3), tmp_path, at)
    again = {(one.kind, words.title(one)) for one in advice.check(organisation=acme, name="support", now=at)}
    assert not again & given


GERMAN = (
    "Der Drucker im dritten Stock druckt seit heute Morgen nur noch leere Seiten, bitte kommen Sie vorbei",
    "Ich komme nach dem Urlaub nicht mehr in mein Postfach, das Kennwort wird nicht angenommen",
    "Die Rechnung vom letzten Monat ist doppelt gebucht worden, bitte buchen Sie einen Betrag zurück",
    "Das Netz in der Werkstatt fällt jede Stunde für einige Minuten aus, niemand kann arbeiten",
)


def german(number: int) -> str:
    return f"{GERMAN[number % 4]} ({number})."


def asked(acme: Organisation, texts: list[str], now: datetime) -> ModelVersion:
    """The model is asked about these, and keeps them."""
    versions.keep_tickets(organisation=acme, name="support", days=30, who="alice", now=now)
    version = queries.version(acme, "support")
    feedback.keep(version, texts, now=now)
    return version


@pytest.mark.pure
def test_a_new_language_is_no_reason_to_pay_before_tickets_in_it_are_there(
    acme: Organisation, tmp_path: Path, now: datetime, client: Client
) -> None:
    rows = rows_of(320, tmp_path)
    trained(acme, imported(acme, rows, tmp_path, now), now)
    version = asked(acme, [*(row["body"] for row in rows[:60]), *map(german, range(60))], now)
    later = now + timedelta(hours=1)
    [found] = advice.check(organisation=acme, name="support", now=later)
    assert (found.kind, found.credits) == ("new_language", 0)
    assert words.gain(found).startswith("A training needs tickets in German")
    with pytest.raises(advice.TicketsFirst):
        advice.follow(organisation=acme, id=found.id, who="alice", now=later)
    client.force_login(joins(acme, person("alice"), Role.OWNER, now).user)
    page = client.get(f"/acme/models/{version.model_id}/").text
    assert "A training needs tickets in German" in page and "Train again:" not in page and "Bring tickets" in page

    brought = [{**row, "subject": "", "body": german(number)} for number, row in enumerate(rows[:60])]
    imported(acme, [*rows, *brought], tmp_path, later)
    [found] = [one for one in advice.check(organisation=acme, name="support", now=later) if one.kind == "new_language"]
    assert found.credits == 1
    assert advice.follow(organisation=acme, id=found.id, who="alice", now=later) is not None
    [version] = work(later)
    live(version)
    asked(acme, [*(row["body"] for row in rows[:60]), *map(german, range(60))], later)
    assert "new_language" not in kinds(acme, later + timedelta(hours=1))


@pytest.mark.pure
def test_drift_is_no_reason_to_pay_for_the_same_tickets_again(
    acme: Organisation, tmp_path: Path, now: datetime
) -> None:
    rows = rows_of(320, tmp_path)
    trained(acme, imported(acme, rows, tmp_path, now), now)
    version = asked(acme, [f"{row['subject']}\n{row['body']}" for row in rows[:200]], now)
    texts = [f"{row['subject']}\n{row['body']}" for row in rows[:80]]
    wrong = [
        feedback.Correction(text, {"queue": ("billing" if said["queue"].label != "billing" else "network",)})
        for text, said in zip(texts, queries.predict(version, texts), strict=True)
    ]
    feedback.give(version=version, corrections=wrong, by="bob", key="week", now=now)
    [found] = advice.check(organisation=acme, name="support", now=now + timedelta(hours=1))
    assert (found.kind, found.credits) == ("drift", 1), "the feedback can be learnt from"
    merged = feedback.merge(organisation=acme, name="support", by="bob", now=now + timedelta(hours=2))
    Run.objects.filter(id=version.run_id).update(data_set=merged.data_set)
    [found] = advice.check(organisation=acme, name="support", now=now + timedelta(hours=3))
    assert (found.kind, found.credits) == ("drift", 0), "it learnt from all there is"
    assert "would learn the same" in words.gain(found)
    Run.objects.filter(id=version.run_id).update(data_set=version.run.data_set)
    [found] = advice.check(organisation=acme, name="support", now=now + timedelta(hours=4))
    assert advice.follow(organisation=acme, id=found.id, who="alice", now=now + timedelta(hours=5)) is not None
    [version] = work(now + timedelta(hours=5))
    live(version)
    assert "drift" not in kinds(acme, now + timedelta(hours=6))


def live(version: ModelVersion) -> None:
    """Whatever the comparison said: the advice is about the version that answers."""
    version.model.__class__.objects.filter(id=version.model_id).update(live=version)
    assert queries.version(version.model.organisation, version.model.name).id == version.id
