from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from otai.errors import NotFound
from otai.ledger import operations as ledger
from otai.ledger import queries
from otai.ledger.audit import audit
from otai.ledger.models import Account, LotSource
from otai.units import MAX_CREDITS, InvalidAmount, Money
from tests.ledger.stories import (
    NOW,
    balance,
    capture,
    credit_refund,
    grant,
    hold,
    release,
    rows_written,
    unspent_by_source,
    withdraw,
)

pytestmark = pytest.mark.django_db


def test_a_grant_can_be_spent_at_once(acme: UUID, globex: UUID) -> None:
    made = grant(acme, 6)
    assert balance(acme) == (6, 0, 0)
    assert (made.credits, made.available_after, made.replayed) == (6, 6, False)
    assert [lot.id for lot in queries.lots(acme)] == [made.lot]
    assert balance(globex) == (100, 0, 0)


def test_a_hold_reserves_its_credits_and_a_capture_spends_them(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    assert placed.available_after == 2
    assert balance(acme) == (2, 4, 0)
    capture(acme, placed.hold)
    assert balance(acme) == (2, 0, 4)
    assert queries.hold(acme, placed.hold).state == "captured"


def test_release_returns_the_whole_hold(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    released = release(acme, placed.hold)
    assert (released.credits, released.available_after) == (4, 6)
    assert balance(acme) == (6, 0, 0)


def test_included_credits_are_spent_first_and_bought_ones_last(acme: UUID) -> None:
    grant(acme, 10, source=LotSource.PURCHASE, price=Money(10_000))
    grant(acme, 5, source=LotSource.GOODWILL)
    grant(acme, 3, source=LotSource.GUARANTEE)
    grant(acme, 2, source=LotSource.MONTHLY)
    grant(acme, 6, source=LotSource.INITIAL)
    placed = hold(acme, 15)
    assert queries.hold(acme, placed.hold).credits == 15
    assert unspent_by_source(acme) == {"monthly": 0, "initial": 0, "goodwill": 0, "guarantee": 1, "purchase": 10}
    hold(acme, 11)
    assert set(unspent_by_source(acme).values()) == {0}


def test_release_and_credit_refund_give_back_to_the_lots_the_credits_came_from(acme: UUID) -> None:
    grant(acme, 2, source=LotSource.INITIAL)
    grant(acme, 5, source=LotSource.PURCHASE, price=Money(5_000))
    before = unspent_by_source(acme)
    released = hold(acme, 4)
    release(acme, released.hold)
    assert unspent_by_source(acme) == before
    captured = hold(acme, 4)
    capture(acme, captured.hold)
    assert unspent_by_source(acme) == {"initial": 0, "purchase": 3}
    credit_refund(acme, captured.hold)
    assert unspent_by_source(acme) == before
    assert balance(acme) == (7, 0, 0)


def test_a_withdrawal_takes_unspent_credits_of_one_lot(acme: UUID) -> None:
    grant(acme, 6)
    bought = grant(acme, 10, source=LotSource.PURCHASE, price=Money(10_000))
    withdrawn = withdraw(acme, bought.lot, 4)
    assert (withdrawn.lot, withdrawn.credits, withdrawn.available_after) == (bought.lot, 4, 12)
    assert unspent_by_source(acme) == {"initial": 6, "purchase": 6}
    with pytest.raises(ledger.InsufficientCredits, match="6 unspent"):
        withdraw(acme, bought.lot, 7)
    assert balance(acme) == (12, 0, 0)


def test_too_few_credits_are_refused_with_numbers(acme: UUID) -> None:
    grant(acme, 9)
    before = rows_written()
    with pytest.raises(ledger.InsufficientCredits, match=r"needs 12 credits \(available: 9\)") as refused:
        hold(acme, 12)
    assert refused.value.details == {"needed": 12, "available": 9, "missing": 3}
    assert refused.value.code == "insufficient_credits"
    assert rows_written() == before


def test_an_organisation_that_never_had_a_credit_has_none(acme: UUID) -> None:
    assert balance(acme) == (0, 0, 0)
    with pytest.raises(ledger.InsufficientCredits, match="available: 0"):
        hold(acme, 1)
    with pytest.raises(ledger.HoldNotFound):
        capture(acme, uuid4())
    assert not Account.objects.exists()


def test_a_hold_resolves_once(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    capture(acme, placed.hold)
    for again in (capture, release):
        with pytest.raises(ledger.HoldAlreadyResolved) as refused:
            again(acme, placed.hold)
        assert refused.value.code == "hold_resolved"
        assert refused.value.details["state"] == "captured"
    assert balance(acme) == (2, 0, 4)


def test_credits_are_refunded_once_and_only_after_capture(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    with pytest.raises(ledger.HoldNotCaptured):
        credit_refund(acme, placed.hold)
    capture(acme, placed.hold)
    credit_refund(acme, placed.hold)
    with pytest.raises(ledger.AlreadyRefunded) as refused:
        credit_refund(acme, placed.hold)
    assert refused.value.code == "already_refunded"
    with pytest.raises(ledger.HoldAlreadyResolved):
        capture(acme, placed.hold)
    assert balance(acme) == (6, 0, 0)


def test_a_late_capture_is_refused_and_kept_for_an_operator(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4)
    release(acme, placed.hold)
    for key in ("first", "second"):
        with pytest.raises(ledger.HoldAlreadyResolved, match="given back"):
            capture(acme, placed.hold, key=key, reason="Run 7: completed")
    (late,) = queries.late_captures()
    assert (late.hold_id, late.organisation_id, late.key, late.reason) == (
        placed.hold,
        acme,
        "first",
        "Run 7: completed",
    )
    assert balance(acme) == (6, 0, 0)


def test_the_same_request_again_gets_the_same_answer_and_writes_nothing(acme: UUID) -> None:
    made = grant(acme, 6, key="g")
    placed = hold(acme, 4, key="h")
    captured = capture(acme, placed.hold, key="c")
    refunded = credit_refund(acme, placed.hold, key="r")
    withdrawn = withdraw(acme, made.lot, 6, key="w")
    before = rows_written()
    later = NOW + timedelta(minutes=5)
    again = [
        grant(acme, 6, key="g", now=later),
        hold(acme, 4, key="h", now=later, deadline_at=later + timedelta(hours=8)),
        capture(acme, placed.hold, key="c", now=later),
        credit_refund(acme, placed.hold, key="r", now=later),
        withdraw(acme, made.lot, 6, key="w", now=later),
    ]
    for first, second in zip([made, placed, captured, refunded, withdrawn], again, strict=True):
        assert second.replayed
        assert {name: getattr(second, name) for name in first.__slots__ if name != "replayed"} == {
            name: getattr(first, name) for name in first.__slots__ if name != "replayed"
        }
    assert rows_written() == before
    assert balance(acme) == (0, 0, 0)


def test_a_key_with_another_request_is_refused(acme: UUID, globex: UUID) -> None:
    made = grant(acme, 6, key="k")
    before = rows_written()
    for request in (
        lambda: grant(acme, 7, key="k"),
        lambda: grant(acme, 6, key="k", source=LotSource.MONTHLY),
        lambda: grant(acme, 6, key="k", reference="other"),
        lambda: hold(acme, 6, key="k"),
        lambda: withdraw(acme, made.lot, 6, key="k"),
    ):
        with pytest.raises(ledger.KeyReused) as refused:
            request()
        assert refused.value.code == "duplicate_request"
    assert rows_written() == before
    # Keys belong to their organisation: Carol's are her own.
    assert not grant(globex, 7, key="k").replayed


def test_a_refused_request_leaves_its_key_free(acme: UUID) -> None:
    with pytest.raises(ledger.InsufficientCredits):
        hold(acme, 4, key="order-1")
    grant(acme, 6)
    assert not hold(acme, 4, key="order-1").replayed


def test_another_organisations_holds_and_lots_do_not_exist(acme: UUID, globex: UUID) -> None:
    grant(acme, 6)
    placed = hold(globex, 4)
    (lot,) = queries.lots(globex)
    for resolve in (capture, release, credit_refund):
        with pytest.raises(ledger.HoldNotFound):
            resolve(acme, placed.hold)
    with pytest.raises(ledger.LotNotFound):
        withdraw(acme, lot.id, 1)
    with pytest.raises(NotFound):
        queries.hold(acme, placed.hold)
    with pytest.raises(ledger.HoldNotFound):
        ledger.extend_hold(organisation=acme, hold=placed.hold, deadline_at=NOW + timedelta(days=2), now=NOW)
    assert balance(globex) == (96, 4, 0)


def test_an_unknown_organisation_is_not_found(db: None) -> None:
    nobody = uuid4()
    for request in (
        lambda: grant(nobody, 1),
        lambda: hold(nobody, 1),
        lambda: capture(nobody, uuid4()),
        lambda: release(nobody, uuid4()),
        lambda: credit_refund(nobody, uuid4()),
        lambda: withdraw(nobody, uuid4(), 1),
        lambda: queries.balance(nobody),
        lambda: queries.balance(nobody, at=NOW),
        lambda: queries.statement(nobody),
        lambda: queries.lots(nobody),
    ):
        with pytest.raises(NotFound, match="no organisation"):
            request()
    assert rows_written() == 0


@pytest.mark.parametrize("credits", [0, -1, 1.5, 3.0, True, "3", None, Decimal(3), MAX_CREDITS + 1, 2**63, 10**30])
def test_an_unusable_amount_is_refused(acme: UUID, credits: object) -> None:
    made = grant(acme, 6)
    before = rows_written()
    for request in (
        lambda: grant(acme, credits),
        lambda: hold(acme, credits),
        lambda: withdraw(acme, made.lot, credits),
    ):
        with pytest.raises(InvalidAmount):
            request()
    assert rows_written() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ""},
        {"key": "k" * 201},
        {"key": None},
        {"key": "nul\0"},
        {"key": "half a pair \ud800"},
        {"reference": "r" * 201},
        {"reference": 7},
        {"reason": "r" * 501},
        {"now": datetime(2026, 11, 2, 9, 30)},  # noqa: DTZ001 - a naive time is what is refused
        {"now": None},
        {"organisation": "acme"},
    ],
)
def test_an_unusable_text_time_or_id_is_refused(acme: UUID, changes: dict[str, Any]) -> None:
    grant(acme, 6)
    before = rows_written()
    organisation = changes.pop("organisation", acme)
    for request in (lambda: grant(organisation, 1, **changes), lambda: hold(organisation, 1, **changes)):
        with pytest.raises(ledger.InvalidRequest):
            request()
    assert rows_written() == before


@pytest.mark.parametrize("deadline", [None, datetime(2027, 1, 1), NOW, NOW - timedelta(seconds=1), "tomorrow"])  # noqa: DTZ001
def test_a_hold_needs_a_deadline_in_the_future(acme: UUID, deadline: object) -> None:
    grant(acme, 6)
    before = rows_written()
    with pytest.raises(ledger.InvalidDeadline):
        hold(acme, 1, deadline_at=deadline)
    assert rows_written() == before


def test_a_purchase_needs_its_price(acme: UUID) -> None:
    with pytest.raises(ledger.PriceMissing):
        grant(acme, 10, source=LotSource.PURCHASE)
    with pytest.raises(ledger.InvalidRequest, match="negative"):
        grant(acme, 10, source=LotSource.PURCHASE, price=Money(-1))
    with pytest.raises(ledger.InvalidRequest, match="no source"):
        grant(acme, 10, source="lottery")
    assert rows_written() == 0


def test_texts_in_any_script_survive(acme: UUID) -> None:
    grant(acme, 6, key="ключ|1|\n", reference="発注-7", reason="Für Ünïcode 🎟 und 'Anführung\"")
    (line,) = queries.statement(acme)
    assert (line.reference, line.reason) == ("発注-7", "Für Ünïcode 🎟 und 'Anführung\"")
    assert audit().clean


def test_a_refusal_leaves_the_callers_transaction_usable(acme: UUID) -> None:
    grant(acme, 6, key="g")
    with transaction.atomic():
        for request in (
            lambda: hold(acme, 7),
            lambda: grant(acme, 7, key="g"),
            lambda: capture(acme, uuid4()),
            lambda: hold(uuid4(), 1),
        ):
            with pytest.raises((ledger.InsufficientCredits, ledger.KeyReused, NotFound)):
                request()
        placed = hold(acme, 6)
    assert balance(acme) == (0, 6, 0)
    assert queries.hold(acme, placed.hold).state == "held"


def test_the_callers_transaction_takes_the_hold_back_with_it(acme: UUID) -> None:
    grant(acme, 6)
    with pytest.raises(RuntimeError), transaction.atomic():
        hold(acme, 4, key="order")
        raise RuntimeError("the run row could not be written")
    assert balance(acme) == (6, 0, 0)
    assert not hold(acme, 4, key="order").replayed
    assert audit().clean


def test_time_never_runs_backwards_within_an_organisation(acme: UUID) -> None:
    grant(acme, 6, now=NOW)
    grant(acme, 6, now=NOW - timedelta(minutes=3))
    assert [line.at for line in queries.statement(acme)] == [NOW, NOW]
    assert audit().clean


def test_extending_a_hold_moves_its_deadline_only_later(acme: UUID) -> None:
    grant(acme, 6)
    placed = hold(acme, 4, deadline_at=NOW + timedelta(hours=8))
    for hours, expected in ((12, 12), (10, 12)):
        ledger.extend_hold(organisation=acme, hold=placed.hold, deadline_at=NOW + timedelta(hours=hours), now=NOW)
        assert queries.hold(acme, placed.hold).deadline_at == NOW + timedelta(hours=expected)
    release(acme, placed.hold)
    with pytest.raises(ledger.HoldAlreadyResolved):
        ledger.extend_hold(organisation=acme, hold=placed.hold, deadline_at=NOW + timedelta(hours=20), now=NOW)
