"""Alice of acme erases her account: a number stands for her in all that is kept, and every audit still agrees."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.test import Client

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.models import BillingDetails, ChainLink, Event, Notice, Purchase
from otai.billing.operations import topups
from otai.billing.operations.chaining import chain_new
from otai.db import utc_now
from otai.ledger.audit import audit as audit_ledger
from otai.orgs.models import ApiKey, Member, Organisation, TeamEvent, User
from otai.orgs.operations import create_api_key, invite, revoke_api_key
from otai.orgs.permissions import Role
from otai.orgs.persons import Replacement, number_of, numbered
from otai.outbound.models import Message, Notification, NotificationChoice
from otai.outbound.operations import choose
from otai.pricing.price_book import Tier
from otai.privacy.models import Erasure
from otai.privacy.persons import OnlyOwner, OperatorAccount, erase_person
from otai.runs import spending
from tests import stories
from tests.billing.people import details, transfer
from tests.leftovers import found_in_tables
from tests.orgs.people import PASSWORD, has_another_address, joins, person

pytestmark = pytest.mark.django_db(transaction=True)

NOW = utc_now().replace(microsecond=0) - timedelta(days=1)
WORDS = ["quetzal", "alicia zinnober", "alicia.zinnober"]
BY_LAW = {"billing_invoice.facts", "billing_purchase.buyer"}


def alicia(organisation: Organisation) -> User:
    """Whose address and name stand nowhere else."""
    user = person("quetzal")
    User.objects.filter(pk=user.pk).update(first_name="Alicia", last_name="Zinnober")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    joins(organisation, user, Role.OWNER, NOW)
    return user


def lived(organisation: Organisation, user: User) -> None:
    """She buys, sets a limit, invites and is invited to pay by mail."""
    details(organisation, now=NOW, email=user.email)
    bought, _ = billing.order_package(organisation=organisation, package="10", who=user.email, key="first", now=NOW)
    transfer(Purchase.objects.get(id=bought.id), NOW)
    member = Member.objects.get(organisation=organisation, user=user)
    choose(member=member, kind="model_live", mail="daily", now=NOW)
    told = Message.objects.create(
        organisation=organisation, key="k", event="model.live", payload={"data": {}}, happened_at=NOW, made_at=NOW
    )
    Notification.objects.create(message=told, member=member, kind="model_live", in_browser=True, made_at=NOW)
    spending.set_limit(organisation=organisation, member=user.email, monthly_credits=9, who=user.email, now=NOW)
    topups.set_low_balance_notice(organisation=organisation, below=3, who=user.email, now=NOW)
    invite(organisation=organisation, email="dan@acme.example", role=Role.TRAINER, who=user.email, now=NOW)
    billing.change_tier(organisation=organisation, tier=Tier.PRO, who=user.email, now=NOW)


def test_owners_are_told_which_keys_of_hers_go_on() -> None:
    acme = stories.acme(NOW)
    user = alicia(acme)
    bob = joins(acme, person("bob"), Role.OWNER, NOW)
    now = utc_now()
    made = create_api_key(organisation=acme, name="sync", scopes=["read"], who=user.email, now=NOW)
    revoked = create_api_key(organisation=acme, name="old", scopes=["read"], who=user.email, now=NOW)
    revoke_api_key(organisation=acme, key=revoked.key.id, who=user.email, now=NOW)
    create_api_key(organisation=acme, name="bobs", scopes=["read"], who=bob.user.email, now=NOW)
    erase_person(user=user, now=now)
    [told] = Notice.objects.filter(template="keys_stay")
    assert (told.recipient, told.context["keys"]) == (bob.user.email, f"sync ({made.key.prefix})")
    event = TeamEvent.objects.get(organisation=acme, what="person_erased")
    assert event.details == {"keys": [made.key.prefix]}
    assert ApiKey.objects.get(id=made.key.id).created_by == numbered(user.pk)


def test_a_number_stands_for_her_in_everything_that_is_kept() -> None:
    acme = stories.acme(NOW)
    user = alicia(acme)
    joins(acme, person("bob"), Role.OWNER, NOW)
    lived(acme, user)
    # Most of it was done under the address that she had before.
    EmailAddress.objects.filter(user=user).update(email="alicia.zinnober@acme.example")
    has_another_address(user, "alicia.zinnober@acme.example", NOW)
    User.objects.filter(pk=user.pk).update(username="person-0123456789abcdef")
    browser = Client()
    assert browser.login(username=user.email, password=PASSWORD)
    chain_new(now=NOW)
    before = audit().findings

    erasure = erase_person(user=user, now=utc_now())

    left = {where: words for where, words in found_in_tables(WORDS).items() if where not in BY_LAW}
    assert left == {}
    assert number_of(erasure.who) == user.pk
    assert TeamEvent.objects.filter(organisation=acme, what="person_erased", subject=numbered(user.pk)).exists()
    assert BillingDetails.objects.get(organisation=acme).email == "bob@acme.example"
    assert not Member.objects.filter(user=user).exists()
    assert not NotificationChoice.objects.exists() and not Notification.objects.exists()
    assert browser.get("/acme/").status_code == 302
    assert not Client().login(username=user.email, password=PASSWORD)
    chain_new(now=utc_now())
    assert audit().findings == before
    assert audit_ledger().clean


def test_whoever_alone_owns_an_organisation_hands_it_over_first() -> None:
    acme = stories.acme(NOW)
    user = alicia(acme)
    with pytest.raises(OnlyOwner) as refused:
        erase_person(user=user, now=NOW)
    assert refused.value.details["organisations"] == ["acme"]
    assert User.objects.get(pk=user.pk).is_active
    joins(acme, person("bob"), Role.OWNER, NOW)
    erase_person(user=user, now=NOW)
    assert not User.objects.get(pk=user.pk).is_active


def test_an_operator_answers_for_what_they_did() -> None:
    olga = person("olga")
    User.objects.filter(pk=olga.pk).update(is_staff=True)
    with pytest.raises(OperatorAccount):
        erase_person(user=olga, now=NOW)
    assert not Erasure.objects.exists()


def test_the_address_is_free_for_whoever_signs_up_anew() -> None:
    user = person("carol", at="globex.example")
    erase_person(user=user, now=NOW)
    assert person("carol", at="globex.example").pk != user.pk


def test_nobody_else_is_replaced() -> None:
    theirs = Replacement(("alice@acme.example",), 7)
    assert theirs.in_text("alice@acme.example, malice@acme.example, alice@acme.example.org") == (
        "person:7, malice@acme.example, alice@acme.example.org"
    )
    assert theirs.in_value({"Alice@Acme.example": ["by alice@acme.example."]}) == {"person:7": ["by person:7."]}


def test_no_event_is_changed_untold() -> None:
    acme = stories.acme(NOW)
    details(acme, now=NOW)
    event = Event.objects.filter(organisation=acme).latest("id")
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(id=event.id).update(who="somebody")
    Event.objects.create(
        organisation=acme, subject="event", subject_id=str(event.id), at=NOW, move="person_replaced", who="somebody"
    )
    Event.objects.filter(id=event.id).update(who="person:7")
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(id=event.id).update(move="made up")


def test_whoever_changes_more_than_was_told_is_found() -> None:
    acme = stories.acme(NOW)
    user = alicia(acme)
    joins(acme, person("bob"), Role.OWNER, NOW)
    lived(acme, user)
    erase_person(user=user, now=NOW)
    chain_new(now=NOW)
    told = ChainLink.objects.filter(event__who=numbered(user.pk)).earliest("seq")
    Event.objects.filter(id=told.event_id).update(who="person:999999")
    assert f"event {told.event_id}" in [one.where for one in audit().findings]
