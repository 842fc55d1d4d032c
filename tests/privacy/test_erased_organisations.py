"""Acme is deleted: thirty days in which it only reads and can be taken back, and then no planted word is left."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.models import Invoice, Notice, Purchase
from otai.billing.operations.chaining import chain_new
from otai.billing.operations.notices import send_notices
from otai.billing.status import PurchaseStatus
from otai.db import utc_now
from otai.ledger import queries as ledger
from otai.ledger.audit import audit as audit_ledger
from otai.orgs.actors import by_key
from otai.orgs.models import Member, Organisation, TeamEvent, User
from otai.orgs.operations import create_api_key
from otai.orgs.permissions import Role, Scope
from otai.orgs.suspension import OrganisationClosing
from otai.outbound import operations as webhooks
from otai.pricing.price_book import Delivery, Mode
from otai.privacy import organisations
from otai.privacy.models import Erasure
from otai.privacy.persons import erase_person
from otai.runs import spending
from otai.runs.events import record
from otai.runs.models import Reason, Run
from otai.runs.operations import make_quote, order_run
from otai.serving import feedback, queries
from otai.serving.models import ReviewItem
from otai.tickets.models import DataSet
from otai.tickets.operations import import_tickets
from otai.words.explained import arrow
from tests import stories
from tests.api.callers import Program
from tests.api.everything import everything_of
from tests.billing.people import details, transfer
from tests.leftovers import found_in_files, found_in_tables
from tests.orgs.people import PASSWORD, joins, person
from tests.serving.training_here import work

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = ["quetzal", "zinnober", "lapislazuli", "obsidianacme"]
BY_LAW = {"billing_invoice.facts", "billing_purchase.buyer"}


@pytest.fixture
def now() -> datetime:
    return utc_now().replace(microsecond=0)


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return billing.sign_up(
        slug="obsidianacme", name="Obsidianacme Ltd", time_zone="UTC", tier=stories.Tier.COMMUNITY, now=now
    )


@pytest.fixture
def alicia(acme: Organisation, now: datetime) -> User:
    user = person("quetzal")
    joins(acme, user, Role.OWNER, now)
    details(acme, now=now)
    return user


def planted(path: Path) -> Path:
    stories.write_tickets(path, tickets=120)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Regards,", "Lapislazuli regards,"), encoding="utf-8")
    return path


def lived(acme: Organisation, user: User, folder: Path, now: datetime) -> None:
    """Bought, imported, trained, predicted, corrected, limited, hooked: with words that stand nowhere else."""
    made = create_api_key(organisation=acme, name="zinnober sync", scopes=[Scope.READ], who=user.email, now=now)
    bought, _ = billing.order_package(organisation=acme, package="10", who=user.email, key="first", now=now)
    transfer(Purchase.objects.get(id=bought.id), now)
    import_tickets(organisation=acme, name="zinnober", source=planted(folder / "zinnober.csv"), now=now)
    found = DataSet.objects.get(organisation=acme)
    quote = make_quote(
        organisation=acme, data_set=found, attributes=("queue",), mode=Mode.BASIC, delivery=Delivery.STANDARD,
        model_name="zinnober", reason=Reason.NEW_MODEL, now=now,
    )  # fmt: skip
    order_run(organisation=acme, quote=quote.id, who=by_key(made.key.name, made.key.prefix), now=now)
    work(now)
    version = queries.version(acme, "zinnober")
    feedback.give(
        version=version, key="k", corrections=[feedback.Correction("lapislazuli vpn", {"queue": ("network",)})],
        by=user.email, now=now,
    )  # fmt: skip
    spending.set_limit(organisation=acme, member=user.email, monthly_credits=9, who=user.email, now=now)
    webhooks.create_endpoint(organisation=acme, url="https://hooks.zinnober.example/x", who=user.email, now=now)


def test_after_its_grace_no_planted_word_is_left(
    acme: Organisation, alicia: User, tmp_path: Path, now: datetime
) -> None:
    left_by_others = {name: words for name, words in found_in_files(WORDS).items() if ".sqlite3" not in name}
    globex = stories.globex(now)
    carol = person("carol", at="globex.example")
    joins(globex, carol, Role.OWNER, now)
    lived(acme, alicia, tmp_path, now)
    chain_new(now=now)
    assert {"tickets_data_set.name", "serving_feedback.text"} <= set(found_in_tables(WORDS))
    before, number = audit().findings, Invoice.objects.get(organisation=acme).number

    organisations.ask_to_delete(organisation=acme, who=alicia.email, now=now)
    then = now + organisations.grace
    organisations.sweep_closings(now=then - timedelta(days=2))
    assert Run.objects.filter(organisation=acme).exclude(model_name="zinnober").count() == 0
    assert organisations.sweep_closings(now=then) == 1
    send_notices(now=then)
    organisations.sweep_closings(now=then)

    # The account is the person's own, and stays until they erase it.
    assert {where for where in found_in_tables(WORDS) if where not in BY_LAW} == {
        "orgs_user.email",
        "orgs_user.username",
        "orgs_user.first_name",
    }
    erase_person(user=alicia, now=then)
    assert found_in_tables(WORDS).keys() <= BY_LAW
    files = found_in_files(WORDS)
    # The database itself keeps the name that the invoice was made out to, and nothing else.
    assert {word for name in files if ".sqlite3" in name for word in files[name]} <= {"obsidianacme"}
    assert {name: files[name] for name in files if ".sqlite3" not in name} == left_by_others
    acme.refresh_from_db()
    assert (acme.name, acme.closed_at) == ("erased", then)
    assert Invoice.objects.get(organisation=acme).number == number
    assert Erasure.objects.get(organisation=acme).went["tickets"] == 120
    chain_new(now=then)
    assert audit().findings == before
    assert audit_ledger().clean
    assert Organisation.objects.get(slug="globex").closing_at is None
    assert carol.memberships.count() == 1


def test_nor_a_word_of_anything_else_there_may_be(now: datetime, tmp_path: Path) -> None:
    """One of everything that an endpoint can name, a label that Bob decided, and mails that told of it."""
    words = ["dora@", "bob@", "hooks.acme", "waiting.csv", "wifi is slow", "alice@acme", "support.csv", "lapislazuli"]
    left_by_others = {name: there for name, there in found_in_files(words).items() if ".sqlite3" not in name}
    acme = stories.acme(now, tier=stories.Tier.PRO)
    joins(acme, person("alice"), Role.OWNER, now)
    Program(acme)
    everything_of(acme, tmp_path, now)
    ReviewItem.objects.update(verdict="keep", labels=["lapislazuli"], decided_by="bob@acme.example", decided_at=now)
    for member in Member.objects.filter(organisation=acme):
        webhooks.choose(member=member, kind="model_live", mail="daily", in_browser=True, now=now)
    run = Run.objects.get()
    record(run, move=arrow("evaluating", "completed"), who="bob@acme.example", why="", now=now, to="completed")
    webhooks.collect(now=now)
    webhooks.mail_due(now=now + timedelta(days=2))
    found = {word for words_there in found_in_tables(words).values() for word in words_there}
    assert found >= set(words) - {"lapislazuli"}, "what is looked for is there"

    organisations.ask_to_delete(organisation=acme, who="alice@acme.example", now=now)
    then = now + organisations.grace
    for _ in range(2):
        organisations.sweep_closings(now=then)
        send_notices(now=then)
    for user in User.objects.all():
        erase_person(user=user, now=then)
    assert found_in_tables(words) == {}
    assert {name: there for name, there in found_in_files(words).items() if ".sqlite3" not in name} == left_by_others


def test_what_is_open_ends_at_once_and_credits_come_back(
    acme: Organisation, alicia: User, tmp_path: Path, now: datetime
) -> None:
    data_set = stories.tickets_of(acme, tmp_path, now)
    order_run(organisation=acme, quote=stories.quote_for(acme, data_set, now).id, who=alicia.email, now=now)
    billing.order_package(organisation=acme, package="10", who=alicia.email, key="first", now=now)
    assert ledger.balance(acme.id).held > 0
    asked = organisations.what_closes(acme)
    assert (asked.open_runs, asked.open_orders, asked.data_sets, asked.members) == (1, 1, 1, 1)
    organisations.ask_to_delete(organisation=acme, who=alicia.email, now=now)
    assert (ledger.balance(acme.id).held, ledger.balance(acme.id).available) == (0, 6)
    assert Purchase.objects.get(organisation=acme).status == PurchaseStatus.CANCELLED
    with pytest.raises(OrganisationClosing):
        order_run(organisation=acme, quote=stories.quote_for(acme, data_set, now).id, who=alicia.email, now=now)


def test_it_only_reads_until_an_owner_takes_it_back(acme: Organisation, alicia: User, now: datetime) -> None:
    browser = Client()
    assert browser.login(username=alicia.username, password=PASSWORD)
    organisations.ask_to_delete(organisation=acme, who=alicia.email, now=now)
    assert browser.get("/obsidianacme/tickets/").status_code == 200
    assert (
        browser.post("/obsidianacme/team/invite/", {"email": "eve@acme.example", "role": "viewer"}).status_code == 409
    )
    program = Program(acme, scopes=[Scope.TICKETS_WRITE, Scope.READ])
    assert program.upload("/data-sets?name=x&filename=x.csv", b"text,queue\na,b\n").status_code == 409
    organisations.take_back(organisation=acme, who=alicia.email, now=now)
    assert (
        browser.post("/obsidianacme/team/invite/", {"email": "eve@acme.example", "role": "viewer"}).status_code == 302
    )
    assert organisations.sweep_closings(now=now + 2 * organisations.grace) == 0
    told = TeamEvent.objects.filter(organisation=acme, what__startswith="closing").order_by("at", "id")
    assert [event.what for event in told] == ["closing_asked", "closing_taken_back"]


def test_owners_are_told_at_the_request_before_the_end_and_at_the_end(
    acme: Organisation, alicia: User, now: datetime, mailoutbox: list[object]
) -> None:
    organisations.ask_to_delete(organisation=acme, who=alicia.email, now=now)
    for days in (1, 28, 29):
        organisations.sweep_closings(now=now + timedelta(days=days))
    told = Notice.objects.filter(organisation=acme, template__startswith="closing").order_by("made_at")
    assert list(told.values_list("template", "recipient")) == [
        ("closing_asked", alicia.email), ("closing_soon", alicia.email)
    ]  # fmt: skip
    organisations.sweep_closings(now=now + organisations.grace)
    assert any("is deleted" in str(getattr(mail, "subject", "")) for mail in mailoutbox)


def test_what_is_erased_cannot_be_taken_back(acme: Organisation, alicia: User, now: datetime) -> None:
    organisations.ask_to_delete(organisation=acme, who=alicia.email, now=now)
    organisations.sweep_closings(now=now + organisations.grace)
    with pytest.raises(organisations.OrganisationErased):
        organisations.take_back(organisation=acme, who=alicia.email, now=now)
