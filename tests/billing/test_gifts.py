"""Initial credits and the guarantee are given once for each confirmed person and once for each company."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from otai.billing import operations as billing
from otai.billing.audit import audit
from otai.billing.initial_credits import initial_credits_due, kept, taken_back
from otai.billing.queries import price_book
from otai.ledger import operations as ledger_operations
from otai.ledger import queries as ledger
from otai.ledger.models import LotSource
from otai.orgs.founders import Person, company_domain, same_person
from otai.orgs.models import Founder, Founding, Organisation, User
from otai.orgs.operations import TooManyOrganisations, confirm, lock_founders
from otai.pricing.price_book import Tier
from otai.runs.guarantee import operations as guarantees
from otai.runs.guarantee.operations import GuaranteeThere
from tests.billing.people import details
from tests.billing.test_reversals import buys, deliver, rises
from tests.orgs.test_races import at_once
from tests.stories import acme

pytestmark = pytest.mark.django_db


def person_of(email: str, *, is_confirmed: bool = True) -> Person:
    user, _ = User.objects.get_or_create(username=email, email=email, defaults={"password": make_password(None)})
    return Person(user.pk, email, is_confirmed)


def founds(who: Person, slug: str, now: datetime, *, tier: Tier = Tier.COMMUNITY) -> Organisation:
    return billing.sign_up(
        slug=slug, name=slug.title(), time_zone="UTC", tier=tier, now=now, who=who.email, founder=who
    )


def has(organisation: Organisation) -> int:
    return ledger.balance(organisation.id).available


def guarantees_of(organisation: Organisation, now: datetime) -> list[str]:
    return [one.tier for one in guarantees.open_guarantees(organisation=organisation, now=now)]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("email", "person", "company"),
    [
        ("Alice@Acme.example", "alice@acme.example", "acme.example"),
        ("alice+two@mail.acme.co.uk", "alice@mail.acme.co.uk", "acme.co.uk"),
        ("a.l.i.c.e+x@gmail.com", "alice@gmail.com", ""),
        ("alice@googlemail.com", "alice@gmail.com", ""),
        ("a.lice@gmx.de", "a.lice@gmx.de", ""),
        ("alice@me.com", "alice@icloud.com", ""),
        ("a-l.ice+x@pm.me", "alice@proton.me", ""),
        ("al-ice@ya.ru", "alice@yandex.ru", ""),
        ("two@alice.fastmail.com", "two@alice.fastmail.com", "alice.fastmail.com"),
        ("Alice@Mail.MÜNCHEN.example", "alice@mail.xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("alice@xn--mnchen-3ya.example", "alice@xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("alice@intranet", "alice@intranet", "intranet"),
        ("alice@throw.away.test", "alice@throw.away.test", "away.test"),
        # A domain may end with a dot, a name in quotes may hold an @, and a part after `+` another `+`.
        ("alice@gmail.com.", "alice@gmail.com", ""),
        ("alice@mail.acme.example.", "alice@mail.acme.example", "acme.example"),
        ('"al.ice@home"@googlemail.com', "alice@home@gmail.com", ""),
        ('"alice@home"@acme.example', "alice@home@acme.example", "acme.example"),
        ("alice+two+three@acme.example", "alice@acme.example", "acme.example"),
        ("alice@gmx.de\u3002", "alice@gmx.de", ""),
        # Quotes change nothing, nor does a backslash before a sign that needs none.
        ('"alice"@gmx.de', "alice@gmx.de", ""),
        ('"a\\li\\ce+two"@gmx.de', "alice@gmx.de", ""),
        ("alice-shopping@yahoo.de", "alice@yahoo.de", ""),
        ("alice-shopping@gmx.de", "alice-shopping@gmx.de", ""),
        # Names below these are had for nothing, as many as one likes; below `uk.com` they are bought.
        ("alice@one.duckdns.org", "alice@one.duckdns.org", "duckdns.org"),
        ("alice@mail.two.eu.org", "alice@mail.two.eu.org", "eu.org"),
        ("alice@mail.acme.uk.com", "alice@mail.acme.uk.com", "acme.uk.com"),
        ("alice@[192.0.2.7]", "alice@[192.0.2.7]", "[]"),
        ("alice@[2001:db8::7]", "alice@[2001:db8::7]", "[]"),
    ],
)
def test_who_an_address_stands_for(email: str, person: str, company: str) -> None:
    assert (same_person(email), company_domain(email)) == (person, company)


@pytest.mark.pure
def test_an_operator_names_further_providers_where_each_person_has_an_address(settings: Any) -> None:
    assert company_domain("alice@regional-provider.example") == "regional-provider.example"
    settings.OTAI_PUBLIC_MAIL_DOMAINS = ["Regional-Provider.example"]
    assert company_domain("alice@regional-provider.example") == ""


def test_a_second_organisation_of_a_person_begins_without_gifts(now: datetime) -> None:
    alice = person_of("alice@gmx.de")
    first, second = founds(alice, "first", now), founds(alice, "second", now)
    assert (has(first), has(second)) == (6, 0)
    assert guarantees_of(first, now) == ["community"] and guarantees_of(second, now) == []
    assert has(founds(person_of("bob@gmx.de"), "bobs", now)) == 6, "another person at the same provider"
    assert audit().clean


def test_another_address_of_one_account_and_another_account_of_one_address_are_one_person(now: datetime) -> None:
    alice = person_of("alice@gmx.de")
    founds(alice, "first", now)
    assert has(founds(Person(alice.account, "al@web.de", True), "second", now)) == 0
    assert has(founds(person_of("alice+new@gmx.de"), "third", now)) == 0


def test_a_company_is_given_them_once_whoever_of_it_comes(now: datetime) -> None:
    acme = founds(person_of("alice@acme.example"), "acme", now)
    assert has(acme) == 6 and guarantees_of(acme, now) == ["community"]
    other = founds(person_of("bob@support.acme.example"), "acme-support", now)
    assert has(other) == 0 and guarantees_of(other, now) == []
    assert has(founds(person_of("carol@globex.example"), "globex", now)) == 6


def test_a_climb_totals_the_same_in_however_many_organisations(now: datetime) -> None:
    alice = person_of("alice@acme.example")
    tiers = price_book().tiers
    first, second = founds(alice, "first", now), founds(alice, "second", now, tier=Tier.PRO)
    assert (has(first), has(second)) == (6, 94)
    assert initial_credits_due(first.id, tiers[Tier.PRO]) == 0
    assert initial_credits_due(first.id, tiers[Tier.ENTERPRISE]) == 400
    third = founds(alice, "third", now, tier=Tier.ENTERPRISE)
    assert has(third) == 400
    assert guarantees_of(third, now) == ["enterprise"], "each level reached brings one"
    assert audit().clean


def test_nothing_is_given_before_the_address_is_confirmed_and_all_of_it_then(now: datetime) -> None:
    alice = person_of("alice@acme.example", is_confirmed=False)
    acme = founds(alice, "acme", now)
    months_later = now + timedelta(days=70)
    assert billing.sweep_grants(now=months_later).credits == 0
    assert has(acme) == 0 and guarantees_of(acme, now) == []
    billing.confirmed(Person(alice.account, "else@acme.example", True), now=months_later)
    assert has(acme) == 0, "another address says nothing of this one"
    for _ in range(2):
        billing.confirmed(alice, now=months_later)
    assert has(acme) == 6 and guarantees_of(acme, now) == ["community"]
    assert billing.sweep_grants(now=months_later).credits == 4
    assert audit().clean


def test_a_founding_is_confirmed_once_and_alone(now: datetime) -> None:
    first, second = (
        founds(person_of(f"{name}@acme.example", is_confirmed=False), name, now) for name in ("alice", "bob")
    )
    assert confirm(first.id, now=now) is True
    assert confirm(first.id, now=now + timedelta(days=1)) is False
    confirmed = dict(Founding.objects.values_list("organisation", "confirmed_at"))
    assert confirmed == {first.id: now, second.id: None}


def test_whoever_gives_something_once_holds_each_of_its_founders_and_no_other(now: datetime) -> None:
    alice, bob = person_of("alice@acme.example"), person_of("bob@globex.example")
    acme = founds(alice, "acme", now)
    founds(bob, "globex", now)
    known = set(Founder.objects.values_list("key", flat=True))
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        lock_founders(acme.id)
    held = queries[-1]["sql"].partition(" IN (")[2].partition(")")[0]
    assert held == ", ".join(f"'{key}'" for key in sorted(alice.keys))
    assert set(Founder.objects.values_list("key", flat=True)) == known


def test_whoever_confirms_first_has_them(now: datetime) -> None:
    alice, bob = (person_of(f"{name}@acme.example", is_confirmed=False) for name in ("alice", "bob"))
    first, second = founds(alice, "first", now), founds(bob, "second", now)
    billing.confirmed(bob, now=now)
    billing.confirmed(alice, now=now)
    assert (has(first), has(second)) == (0, 6)


def test_initial_credits_that_went_back_with_their_money_are_due_again(fake: Any, now: datetime) -> None:
    """Alice's month in Pro is disputed, won, disputed again and lost. So is Carol's package, which brought none."""
    acme, globex = (
        founds(person_of("alice@acme.example"), "acme", now),
        founds(person_of("carol@globex.example"), "globex", now),
    )
    for organisation in (acme, globex):
        details(organisation, now=now)
    month, package = rises(acme, Tier.PRO, now), buys(globex, now)
    rises(globex, Tier.PRO, now)
    pro, seen = price_book().tiers[Tier.PRO], []
    for name, verdict in (("", "opened"), ("", "won"), ("-2", "opened"), ("-2", "lost")):
        for purchase in (month, package):
            deliver(fake, fake.dispute(purchase.gateway_reference, name=name, verdict=verdict), now)
        seen.append((kept([acme.id]), taken_back([acme.id]), initial_credits_due(acme.id, pro)))
    assert seen == [(100, 0, 0)] * 3 + [(6, 94, 94)]
    assert (kept([globex.id]), taken_back([globex.id])) == (100, 0)
    assert (kept([acme.id, globex.id]), kept([])) == (106, 0)


def test_an_operator_signs_up_and_grants_what_they_like(now: datetime) -> None:
    founds(person_of("alice@acme.example"), "first", now)
    assert has(acme(now)) == 6, "signed up by an operator"
    second = founds(person_of("bob@acme.example"), "second", now)
    given = partial(
        guarantees.grant_guarantee,
        organisation=second,
        tier=Tier.COMMUNITY,
        who="olga",
        why="Another country's helpdesk",
        now=now,
    )
    assert given().tier == "community"
    assert guarantees_of(second, now) == ["community"]
    with pytest.raises(GuaranteeThere, match="second has its guarantee of Community already"):
        given()


def test_a_person_founds_a_bounded_number_in_all_and_a_day(now: datetime) -> None:
    alice = person_of("alice@gmx.de")
    for number in range(20):
        founds(alice, f"org-{number}", now + timedelta(days=number // 3))
    with pytest.raises(TooManyOrganisations, match="20 organisations, as many as one person may"):
        founds(alice, "one-more", now + timedelta(days=30))
    bob = person_of("bob@gmx.de")
    for number in range(3):
        founds(bob, f"bobs-{number}", now)
    with pytest.raises(TooManyOrganisations, match="3 organisations within a day"):
        founds(bob, "bobs-fourth", now + timedelta(hours=23))
    assert not Organisation.objects.filter(slug__in=["one-more", "bobs-fourth"]).exists(), "nothing is left of it"
    founds(bob, "bobs-fourth", now + timedelta(hours=24))


@pytest.mark.django_db(transaction=True)
def test_organisations_founded_in_the_same_moment_are_given_to_once(now: datetime) -> None:
    people = [person_of(f"{name}@acme.example") for name in ("alice", "bob", "carol", "dave")]
    ends = at_once(*(partial(founds, who, f"org-{who.account}", now) for who in people))
    assert ends == [None] * 4
    organisations = list(Organisation.objects.all())
    assert sorted(map(has, organisations)) == [0, 0, 0, 6]
    opened = at_once(*(partial(guarantees_of, one, now) for one in organisations))
    assert opened == [None] * 4
    assert sum(len(guarantees_of(one, now)) for one in organisations) == 1
    assert audit().clean


def test_the_audit_finds_what_was_given_twice_or_too_early(now: datetime) -> None:
    alice = person_of("alice@acme.example")
    founds(alice, "first", now, tier=Tier.ENTERPRISE)
    second = founds(alice, "second", now)
    ledger_operations.grant(
        organisation=second.id,
        credits=6,
        source=LotSource.INITIAL,
        key="initial:community",
        reference="tier:community",
        reason="By hand",
        now=now,
        price_book=price_book().version,
    )
    assert any("once for each founder" in str(problem) for problem in audit().findings)
    Founding.objects.filter(organisation=second).update(confirmed_at=None)
    assert any("before the address is confirmed" in str(problem) for problem in audit().findings)


def test_what_the_tables_of_founders_refuse(now: datetime) -> None:
    organisation = founds(person_of("alice@acme.example"), "acme", now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Founder.objects.create(key="alice@acme.example")
    with pytest.raises(IntegrityError), transaction.atomic():
        Founding.objects.filter(organisation=organisation).update(confirmed_at=now - timedelta(seconds=1))
    assert "alice" not in str(list(Founder.objects.values_list("key", flat=True))), "only hashes are kept"
