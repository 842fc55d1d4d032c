"""The people of the stories: Alice and Bob of acme, Carol of globex, and some tickets of theirs."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

from otai.billing.models import CheckoutPage, PaymentMethod, Purchase
from otai.billing.operations import sign_up
from otai.db import utc_now
from otai.jobs.models import Job
from otai.orgs.models import Organisation
from otai.pricing.price_book import Delivery, Mode, Tier
from otai.runs.models import Quote, Reason, Run
from otai.runs.operations import make_quote, order_run
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.tickets.jobs import ask_for_preview
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from otai.tickets.ticket_index.building import INDEXED, build
from otai.tickets.ticket_index.keeping import keep_index, put_index

QUEUES = {
    "billing": ["invoice wrong amount", "payment charged twice", "refund for the last bill", "billing address change"],
    "network": ["vpn drops every minute", "wifi is slow", "no internet in room", "router lost connection"],
    "accounts": ["password reset please", "locked out of my account", "new user for colleague", "login fails"],
}
PRIORITIES = {"billing": "low", "network": "high", "accounts": "medium"}


def acme(now: datetime, *, tier: Tier = Tier.COMMUNITY) -> Organisation:
    return sign_up(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", tier=tier, now=now)


def globex(now: datetime, *, tier: Tier = Tier.COMMUNITY) -> Organisation:
    return sign_up(slug="globex", name="Globex Inc", time_zone="UTC", tier=tier, now=now)


def write_tickets(path: Path, *, tickets: int = 150, seed: int = 1) -> Path:
    """A small file of tickets with the attributes queue and priority; queue follows from the words."""
    chance = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "body", "queue", "priority"])
        for number in range(tickets):
            queue = chance.choice(list(QUEUES))
            phrase = chance.choice(QUEUES[queue])
            writer.writerow(
                [
                    f"{phrase} {number}",
                    f"Hello, {phrase}. It began on day {chance.randint(1, 28)}. Reference {number}. Regards, "
                    f"{chance.choice(['Ann', 'Ben', 'Cem'])}",
                    queue,
                    PRIORITIES[queue] if chance.random() < 0.9 else chance.choice(["low", "medium", "high"]),
                ]
            )
    return path


def tickets_of(organisation: Organisation, folder: Path, now: datetime, *, name: str = "support") -> DataSet:
    source = write_tickets(folder / f"{name}.csv")
    import_tickets(organisation=organisation, name=name, source=source, now=now)
    return tickets.data_set(organisation, name)


def searchable(data_set: DataSet, folder: Path, now: datetime) -> DataSet:
    """With an index of its tickets, as an import by a page makes it."""
    staged = folder / INDEXED
    staged.unlink(missing_ok=True)
    build(tickets.tickets_path(data_set), staged)
    keep_index(data_set, put_index(staged, data_set.organisation_id), now=now)
    return data_set


def waiting_job(organisation: Organisation, folder: Path, now: datetime) -> Job:
    """A look at columns that waits and that nobody conducts, in the line of another machine.

    In this one's, each job that a test asks for would wait behind it for a minute, until it is found lost; it is heard
    of for an hour yet, however slowly a test goes over it.
    """
    source = folder / "waiting.csv"
    source.write_text("text,queue\nThe printer is on fire,it\n")
    job = ask_for_preview(organisation=organisation, source=source, filename=source.name, who="alice", now=now).job
    Job.objects.filter(id=job.id).update(machine="another", heartbeat_at=utc_now() + timedelta(hours=1))
    job.refresh_from_db()
    return job


def quote_for(
    organisation: Organisation,
    data_set: DataSet,
    now: datetime,
    *,
    attributes: tuple[str, ...] = ("queue", "priority"),
    delivery: Delivery = Delivery.STANDARD,
    mode: Mode = Mode.BASIC,
) -> Quote:
    return make_quote(
        organisation=organisation,
        data_set=data_set,
        attributes=attributes,
        mode=mode,
        delivery=delivery,
        model_name=data_set.name,
        reason=Reason.NEW_MODEL,
        now=now,
    )


def maximum_tried(data_set: DataSet, now: datetime, **gains: float) -> None:
    """As if a trial had found that fine-tuning gains so much at each of these attributes."""
    business = {"accuracy": {"value": 0.8, "low": 0.75, "high": 0.85}, "macro_f1": None}
    modes = {"basic": None, "business": business, "maximum": None}
    expected = {"modes": modes, "guessing": 0.3, "tried_on": 120, "unknown": ""}
    expected_quality.keep(data_set, dict.fromkeys(("queue", "priority"), expected), now=now)
    tried = {
        name: {
            "gain": gain,
            "low": gain - 0.02,
            "high": gain + 0.02,
            "accuracy": gain,
            "macro_f1": gain,
            "tickets": 480,
        }
        for name, gain in gains.items()
    }
    expected_quality.keep_maximum(data_set, tried)


def told_by_nothing(data_set: DataSet, now: datetime, *attributes: str) -> None:
    """As if a trial on the tickets had shown of these attributes that no text tells them."""
    tried = {"modes": dict.fromkeys(("basic", "business", "maximum")), "guessing": 0.3, "tried_on": 1200, "unknown": ""}
    names = [one.name for one in tickets.usable_attributes(data_set)]
    expected_quality.keep(data_set, {name: {**tried, "no_signal": name in attributes} for name in names}, now=now)


def ordered(
    organisation: Organisation, data_set: DataSet, now: datetime, *, delivery: Delivery = Delivery.STANDARD
) -> Run:
    offered = quote_for(organisation, data_set, now, delivery=delivery)
    return order_run(organisation=organisation, quote=offered.id, who="alice", now=now)


def a_kept_method_and_a_page(
    organisation: Organisation, purchase: Purchase, now: datetime
) -> tuple[PaymentMethod, CheckoutPage]:
    """As a provider with pages of its own leaves them."""
    method = PaymentMethod.objects.create(
        organisation=organisation,
        gateway="fake",
        reference=f"cus_{organisation.slug}:pm_1",
        external_id="pm_1",
        kind="card",
        brand="visa",
        last_four="4242",
        saved_at=now,
        saved_by="alice",
    )
    page = CheckoutPage.objects.create(
        organisation=organisation,
        purchase=purchase,
        gateway="fake",
        reference=f"cs_{organisation.slug}",
        url="https://pay.example/cs_1",
        keeps_method=True,
        opened_at=now,
        opened_by="alice",
        expires_at=now + timedelta(hours=23),
    )
    return method, page
