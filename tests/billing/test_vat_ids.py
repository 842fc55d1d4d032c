"""VIES is asked about VAT ids after they are saved, as often as it takes; its answer is kept as proof."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from otai.billing import vies
from otai.billing.models import Event, Notice, VatIdCheck
from otai.billing.operations.sweep import sweep
from otai.billing.operations.vat_ids import ask_vies, check_of
from otai.orgs.models import Organisation
from tests.billing.people import details
from tests.outbound.receiver import Receiver

pytestmark = pytest.mark.django_db
AUSTRIAN = {"country": "AT", "vat_id": "ATU13585627", "city": "Wien"}


@pytest.fixture
def commission(settings: Any) -> Iterator[Receiver]:
    """A VIES that says what its `body` is."""
    with Receiver() as receiver:
        settings.OTAI_VIES = receiver.url
        says(receiver, valid=True)
        yield receiver


def says(receiver: Receiver, *, valid: bool) -> None:
    answer = {"countryCode": "AT", "vatNumber": "U13585627", "valid": valid, "name": "Acme Wien", "address": "Kai 1"}
    receiver.body = json.dumps(answer | {"requestIdentifier": "WAPIAAAAYx1"}).encode()


def test_a_vat_id_is_asked_after_it_was_saved_and_the_answer_is_kept(
    commission: Receiver, acme: Organisation, now: datetime
) -> None:
    details(acme, now=now, **AUSTRIAN)
    assert commission.got == [], "whoever saves does not wait for the Commission"
    assert sweep(now=now)["vat_ids_answered"] == 1
    [(_headers, asked)] = commission.got
    assert json.loads(asked) == {
        "countryCode": "AT",
        "vatNumber": "U13585627",
        "requesterMemberStateCode": "DE",
        "requesterNumber": "136695976",
    }
    check = VatIdCheck.objects.get()
    assert (check.state, check.answered_at, check.consultation_number) == ("valid", now, "WAPIAAAAYx1")
    assert check.answer["name"] == "Acme Wien"
    assert Event.objects.get(subject="VAT id").details["consultation_number"] == "WAPIAAAAYx1"
    assert ask_vies(now=now + timedelta(days=1)) == 0, "it is answered"


def test_what_is_not_answered_is_asked_again_later_and_later(
    commission: Receiver, acme: Organisation, now: datetime
) -> None:
    commission.body = b'{"actionSucceed": false, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}'
    details(acme, now=now, **AUSTRIAN)
    assert (ask_vies(now=now), ask_vies(now=now)) == (0, 0)
    assert len(commission.got) == 1
    assert "MS_UNAVAILABLE" in VatIdCheck.objects.get().problem
    commission.body = b"<html>maintenance</html>"
    assert ask_vies(now=now + timedelta(minutes=10)) == 0
    says(commission, valid=True)
    assert ask_vies(now=now + timedelta(minutes=29)) == 0, "twice as long as before"
    assert ask_vies(now=now + timedelta(minutes=30)) == 1
    assert VatIdCheck.objects.get().state == "valid"


def test_nobody_there_is_no_answer(settings: Any, acme: Organisation, now: datetime) -> None:
    settings.OTAI_VIES = "http://127.0.0.1:9"
    details(acme, now=now, **AUSTRIAN)
    assert ask_vies(now=now) == 0
    assert VatIdCheck.objects.get().state == "waiting"


def test_an_id_that_is_not_valid_is_told_to_the_vendor(commission: Receiver, acme: Organisation, now: datetime) -> None:
    says(commission, valid=False)
    details(acme, now=now, **AUSTRIAN)
    ask_vies(now=now)
    told = Notice.objects.get(template="vat_id_invalid")
    assert (told.recipient, told.context["vat_id"]) == ("billing@vendor.example", "ATU13585627")
    found = check_of(acme, "ATU13585627")
    assert found is not None and found.state == "invalid"


def test_an_answer_is_asked_for_anew_each_month(commission: Receiver, acme: Organisation, now: datetime) -> None:
    details(acme, now=now, **AUSTRIAN)
    assert ask_vies(now=now) == 1
    says(commission, valid=False)
    assert ask_vies(now=now + timedelta(days=29)) == 0
    assert ask_vies(now=now + timedelta(days=30)) == 1
    assert [check.state for check in VatIdCheck.objects.order_by("wanted_at")] == ["valid", "invalid"]
    assert Notice.objects.filter(template="vat_id_invalid").count() == 1
    found = check_of(acme, "ATU13585627")
    assert found is not None and found.state == "invalid", "and the proof of before is kept beside it"


def test_a_silent_vies_is_asked_once_and_keeps_nobody_waiting(
    settings: Any, acme: Organisation, globex: Organisation, now: datetime
) -> None:
    settings.OTAI_VIES = "http://127.0.0.1:9"
    details(acme, now=now, **AUSTRIAN)
    assert (ask_vies(now=now), VatIdCheck.objects.filter(attempts=1).count()) == (0, 1), "globex waits"
    ask_vies(now=now + timedelta(minutes=1))
    assert VatIdCheck.objects.filter(attempts=1).count() == 2, "who was not asked comes first"


@pytest.mark.parametrize("name", ["a \\u0000", "half \\ud800"])
def test_an_answer_that_no_database_holds_is_none(
    name: str, commission: Receiver, acme: Organisation, now: datetime
) -> None:
    commission.body = b'{"valid": true, "name": "%s"}' % name.encode()
    details(acme, now=now, **AUSTRIAN)
    assert ask_vies(now=now) == 0
    assert VatIdCheck.objects.get().state == "waiting"


def test_a_valid_id_of_another_company_is_told_to_the_vendor_once(
    commission: Receiver, acme: Organisation, now: datetime
) -> None:
    details(acme, now=now, **AUSTRIAN | {"name": "Bob's Helpdesk GmbH"})
    for month in range(2):
        assert ask_vies(now=now + timedelta(days=30 * month)) == 1
    told = Notice.objects.get(template="vat_id_of_another")
    assert told.recipient == "billing@vendor.example"
    assert (told.context["known_as"], told.context["billed_as"]) == ("Acme Wien", "Bob's Helpdesk GmbH")


@pytest.mark.pure
@pytest.mark.parametrize(
    ("billed", "known", "is_another"),
    [
        ("Acme GmbH", "ACME SOFTWARE GMBH", False),
        ("Société Générale", "SOCIETE GENERALE SA", False),
        ("OpenTicket", "Open Ticket B.V.", False),
        ("Straße Wien GmbH", "STRASSE WIEN", False),
        ("Elliniki Etaireia", "Ελληνική Εταιρεία", False),
        ("Acme", "", False),
        ("GmbH", "Globex GmbH", False),
        ("Acme GmbH", "Globex GmbH", True),
    ],
)
def test_names_of_companies_are_compared_by_their_words(billed: str, known: str, is_another: bool) -> None:
    assert vies.is_another_name(billed, known) is is_another


@pytest.mark.parametrize("changes", [{"country": "DE", "vat_id": "DE136695976"}, {"country": "AT", "vat_id": ""}])
def test_what_needs_no_proof_is_not_asked(
    changes: dict[str, str], commission: Receiver, acme: Organisation, now: datetime
) -> None:
    details(acme, now=now, **changes)
    assert (ask_vies(now=now), commission.got) == (0, [])


def test_an_id_that_was_saved_before_vies_was_asked_is_asked_too(
    commission: Receiver, acme: Organisation, now: datetime, settings: Any
) -> None:
    settings.OTAI_VIES = ""
    details(acme, now=now, **AUSTRIAN)
    assert not vies.is_asked() and ask_vies(now=now) == 0
    assert VatIdCheck.objects.count() == 0, "the network is used where it was configured, and not else"
    settings.OTAI_VIES = commission.url
    assert ask_vies(now=now) == 1
