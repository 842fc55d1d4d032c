"""What one operator may not do alone: goodwill, packages that give credits away, and confirmed payments above a limit,
coupons for more than half, and price books that make something nearly free, wait until another approves.

The limits hold for all that operators did alone for one organisation lately, so that nothing is gained by doing it in
parts. They are settings, since they follow the vendor's staff and not its prices: `OTAI_GOODWILL_ALONE` in credits,
`OTAI_PAYMENT_ALONE` in whole units of the currency, both within `OTAI_ALONE_DAYS`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Sum

from otai.billing import price_books
from otai.billing.models import (
    BankEntry,
    BankEntryState,
    Coupon,
    CouponFor,
    CustomPackage,
    OperatorRequest,
    OperatorRequestKind,
    OperatorRequestState,
    Payment,
    Purchase,
)
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.coupons import CouponTerms, check_coupon, make_coupon, takes_more_than_half, written
from otai.billing.operations.events import as_told, checked_why, plain, record
from otai.billing.operations.goodwill import give_goodwill, goodwill_key
from otai.billing.operations.packages import check_offer, offer_package
from otai.billing.operations.payments import BY_HAND, PaymentBooked, confirm_payment
from otai.billing.operations.prices import schedule_price_book
from otai.billing.packages import gift_of
from otai.db import new_id, one_transaction
from otai.errors import NotAllowed, NotFound, Refused
from otai.ledger.models import LotSource, Transfer, TransferKind
from otai.ledger.operations import GrantMade
from otai.orgs.actors import is_same_person
from otai.orgs.models import Organisation
from otai.pricing.nearly_free import NearlyFree, nearly_free
from otai.pricing.price_book import PriceBook
from otai.pricing.published import as_published
from otai.units import Money, whole_credits
from otai.words.actors import together
from otai.words.explained import as_text
from otai.words.sentences import Fact


class SameOperator(NotAllowed):
    """Whoever asked cannot approve."""

    code = "same_operator"


class AlreadyDecided(Refused):
    code = "already_decided"


@one_transaction
def goodwill(
    *,
    organisation: Organisation,
    credits: int,
    who: str,
    why: str | Fact,
    key: str,
    now: datetime,
    key_made_by: str = "",
) -> GrantMade | OperatorRequest:
    """Gives credits, or above the limit asks for a second operator. `key_made_by`: where a program of the vendor's
    gives them, the operator who made its key, and who cannot approve it. Raises as `give_goodwill` does."""
    credits = whole_credits(credits)
    # Two gifts at once are counted one after the other.
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    was_given = Transfer.objects.filter(organisation=organisation.id, key=goodwill_key(key)).exists()
    if was_given or not credits_take_two(organisation, credits, now=now):
        return give_goodwill(organisation=organisation, credits=credits, who=who, why=why, key=key, now=now)
    facts = {"credits": credits, "key": key, **({"key_made_by": key_made_by} if key_made_by else {})}
    if isinstance(why, Fact):
        facts["why"], why = why.as_dict(), as_text(why)
    return _ask(OperatorRequestKind.GOODWILL, organisation, key, facts, who=who, why=why, now=now)


@one_transaction
def payment(
    *, reference: str, received: Money, bank_reference: str, who: str, why: str, now: datetime
) -> PaymentBooked | OperatorRequest:
    """Books a payment that the bank statement shows, or above the limit asks for a second operator. Raises NotFound,
    and as `confirm_payment` does."""
    purchase = Purchase.objects.select_related("organisation").filter(reference=reference.strip().upper()).first()
    if purchase is None:
        raise NotFound("purchase", reference=reference)
    bank_reference = bank_reference.strip()
    was_booked = Payment.objects.filter(gateway=BY_HAND, external_id=bank_reference).exists()
    if was_booked or not takes_two(purchase.organisation, received, now=now):
        return confirm_payment(
            reference=reference, received=received, bank_reference=bank_reference, who=who, why=why, now=now
        )
    facts = {
        "reference": purchase.reference,
        "cents": received.cents,
        "currency": received.currency,
        "bank_reference": bank_reference,
    }
    key = f"{purchase.reference}:{bank_reference}"
    return _ask(OperatorRequestKind.PAYMENT, purchase.organisation, key, facts, who=who, why=why, now=now)


@one_transaction
def package(
    *, organisation: Organisation, code: str, credits: int, price: Money, who: str, why: str, now: datetime
) -> CustomPackage | OperatorRequest:
    """Offers a package, or where it gives too much away asks for a second operator: the same package again is the same
    request. Raises as `offer_package` does."""
    # Two offers at once are counted one after the other.
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    if not _package_takes_two(organisation, credits, price, now=now):
        return offer_package(
            organisation=organisation, code=code, credits=credits, price=price, who=who, why=why, now=now
        )
    check_offer(organisation, code, credits, price)
    facts: dict[str, object] = {
        "code": code,
        "credits": credits,
        "cents": price.cents,
        "currency": price.currency,
    }
    return _ask_anew(OperatorRequestKind.PACKAGE, organisation, facts, who=who, why=why, now=now)


def _package_takes_two(organisation: Organisation, credits: int, price: Money, *, now: datetime) -> bool:
    """A package can be ordered any number of times, so one that gives away more than it sells always does
    (decision 0425)."""
    gift = gift_of(credits, price)
    return gift > 0 and (2 * gift > credits or credits_take_two(organisation, gift, now=now))


@one_transaction
def coupon(*, code: str, terms: CouponTerms, who: str, why: str, now: datetime) -> Coupon | OperatorRequest:
    """Makes a coupon, or where it takes more than half off asks for a second operator (decision 0425): the same coupon
    again is the same request. Raises as `make_coupon` does."""
    code = written(code)
    check_coupon(code, terms, now=now)
    if not takes_more_than_half(terms):
        return make_coupon(code=code, terms=terms, who=who, why=why, now=now)
    facts: dict[str, object] = {
        "code": code,
        "what": CouponFor(terms.what).value,
        "percent": terms.percent,
        "cents": terms.amount.cents if terms.amount else None,
        "currency": terms.amount.currency if terms.amount else "",
        # Without a day of its own it is good from its approval on.
        "valid_from_at": plain(terms.valid_from_at) if terms.valid_from_at > now else None,
        "valid_until_at": plain(terms.valid_until_at),
        "most_uses": terms.most_uses,
        "once_each": terms.once_each,
        "first_purchase_only": terms.first_purchase_only,
    }
    return _ask_anew(OperatorRequestKind.COUPON, None, facts, who=who, why=why, now=now)


def _terms_asked(facts: dict[str, Any], *, now: datetime) -> CouponTerms:
    begins, ends = (facts[name] and datetime.fromisoformat(facts[name]) for name in ("valid_from_at", "valid_until_at"))
    return CouponTerms(
        what=CouponFor(facts["what"]),
        percent=facts["percent"],
        amount=Money(facts["cents"], facts["currency"]) if facts["cents"] else None,
        valid_from_at=begins or now,
        valid_until_at=ends,
        most_uses=facts["most_uses"],
        once_each=facts["once_each"],
        first_purchase_only=facts["first_purchase_only"],
    )


@one_transaction
def price_book(*, text: str, who: str, why: str, now: datetime, key_made_by: str = "") -> PriceBook | OperatorRequest:
    """Schedules a price book, or where it makes something nearly free asks for a second operator (decision 0426): the
    same book again is the same request. `key_made_by`: as in `goodwill`. Raises as `schedule_price_book` does."""
    why = checked_why(why)
    book = price_books.checked(text, now=now)
    cheap = made_nearly_free(book, now=now)
    if not cheap:
        return schedule_price_book(text, who=who, why=why, now=now)
    facts: dict[str, object] = {
        "version": book.version,
        "effective_on": book.effective_on.isoformat(),
        "nearly_free": [list(thing) for thing in cheap],
        "book": as_published(book),
        **({"key_made_by": key_made_by} if key_made_by else {}),
    }
    return _ask_anew(OperatorRequestKind.PRICE_BOOK, None, facts, who=who, why=why, now=now)


def made_nearly_free(book: PriceBook, *, now: datetime) -> list[NearlyFree]:
    """What costs less than half with this book of what it cost with any book of the last `OTAI_ALONE_DAYS`, so that
    halves of halves, day after day, are seen as what they come to."""
    lately = price_books.in_force_since(_counts_since(now), now=now)
    return list(dict.fromkeys(thing for before in lately for thing in nearly_free(book, before)))


def takes_two(organisation: Organisation, received: Money, *, now: datetime) -> bool:
    """Whether with this payment one operator alone would have confirmed more than they may. Locks the organisation, so
    that two payments at once are counted one after the other: within a transaction."""
    Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
    return _confirmed_alone(organisation, now=now) + received.cents > settings.OTAI_PAYMENT_ALONE * 100


def credits_take_two(organisation: Organisation, credits: int, *, now: datetime) -> bool:
    """Whether with these credits one operator alone would have given more than they may. The caller has the
    organisation's row, so that two gifts at once are counted one after the other."""
    return _given_alone(organisation, now=now) + credits > settings.OTAI_GOODWILL_ALONE


def _given_alone(organisation: Organisation, *, now: datetime) -> int:
    """Credits of goodwill, and of packages beyond what their price buys, that no second operator approved."""
    return _goodwill_alone(organisation, now=now) + _packages_alone(organisation, now=now)


def _goodwill_alone(organisation: Organisation, *, now: datetime) -> int:
    approved = _approved(OperatorRequestKind.GOODWILL, organisation).values_list("facts__key", flat=True)
    given = Transfer.objects.filter(
        organisation=organisation.id, source=LotSource.GOODWILL, kind=TransferKind.GRANT, at__gt=_counts_since(now)
    ).filter(key__startswith=goodwill_key(""))
    found = given.exclude(key__in=[goodwill_key(key) for key in approved]).aggregate(credits=Sum("credits"))
    return found["credits"] or 0


def _packages_alone(organisation: Organisation, *, now: datetime) -> int:
    """Packages that were withdrawn count too: what was ordered of them stands."""
    approved = _approved(OperatorRequestKind.PACKAGE, organisation).values_list("facts__code", flat=True)
    offered = CustomPackage.objects.filter(organisation=organisation, offered_at__gt=_counts_since(now))
    alone = offered.exclude(code__in=list(approved))
    return sum(gift_of(found.credits, Money(found.price_cents, found.currency)) for found in alone)


def _confirmed_alone(organisation: Organisation, *, now: datetime) -> int:
    """Cents that were confirmed by hand, or with a statement, and by one operator only."""
    approved = set(_approved(OperatorRequestKind.PAYMENT, organisation).values_list("facts__bank_reference", flat=True))
    matched = BankEntry.objects.filter(state=BankEntryState.MATCHED, purchase__organisation=organisation)
    by_two = {
        reference
        for reference, one, other in matched.values_list("reference", "imported_by", "decided_by")
        if not is_same_person(one, other)
    }
    confirmed = Payment.objects.filter(organisation=organisation, gateway=BY_HAND, received_at__gt=_counts_since(now))
    return confirmed.exclude(external_id__in=approved | by_two).aggregate(cents=Sum("cents"))["cents"] or 0


def _approved(kind: OperatorRequestKind, organisation: Organisation) -> QuerySet[OperatorRequest]:
    return OperatorRequest.objects.filter(kind=kind, organisation=organisation, state=OperatorRequestState.APPROVED)


def _counts_since(now: datetime) -> datetime:
    return now - timedelta(days=settings.OTAI_ALONE_DAYS)


def _ask_anew(
    kind: OperatorRequestKind,
    organisation: Organisation | None,
    facts: dict[str, object],
    *,
    who: str,
    why: str,
    now: datetime,
) -> OperatorRequest:
    """The request that waits with these facts, or a new one: what was declined may be asked for again."""
    waiting = OperatorRequest.objects.filter(kind=kind, organisation=organisation, state=OperatorRequestState.WAITING)
    same = next((request for request in waiting if request.facts == facts), None)
    return same or _ask(kind, organisation, str(new_id()), facts, who=who, why=why, now=now)


def _ask(
    kind: OperatorRequestKind,
    organisation: Organisation | None,
    key: str,
    facts: dict[str, object],
    *,
    who: str,
    why: str,
    now: datetime,
) -> OperatorRequest:
    why = checked_why(why)
    asked: dict[str, object] = {"organisation": organisation, "kind": kind, "facts": facts, "asked_at": now}
    request, made = OperatorRequest.objects.get_or_create(
        key=f"{kind}:{organisation.id if organisation else 'all'}:{key}",
        defaults={**asked, "asked_by": who, "why": why},
    )
    if made:
        _record(request, BillingOccurrence.SECOND_OPERATOR_ASKED, who=who, why=why, now=now)
    return request


@one_transaction
def approve(*, request: UUID, who: str, why: str, now: datetime) -> OperatorRequest:
    """Another operator approves: it is done, in the name of both. Raises NotFound, SameOperator, AlreadyDecided,
    WhoAndWhyMissing, and what doing it refuses; then it waits on."""
    why = checked_why(why)
    asked = _waiting(request)
    # Behind a program stands whoever made its key.
    behind = asked.facts.get("key_made_by") or asked.asked_by
    if is_same_person(who, asked.asked_by) or is_same_person(who, behind):
        raise SameOperator("approve", asked_by=behind)
    _do(asked, who=together(asked.asked_by, who)[:200], now=now)
    return _decide(asked, OperatorRequestState.APPROVED, who=who, why=why, now=now)


def _do(asked: OperatorRequest, *, who: str, now: datetime) -> None:
    facts, organisation, why = asked.facts, asked.organisation, asked.why
    if asked.kind == OperatorRequestKind.PAYMENT:
        confirm_payment(
            reference=facts["reference"],
            received=Money(facts["cents"], facts["currency"]),
            bank_reference=facts["bank_reference"],
            who=who,
            why=why,
            now=now,
        )
    elif asked.kind == OperatorRequestKind.PRICE_BOOK:
        schedule_price_book(json.dumps(facts["book"]), who=who, why=why, now=now)
    elif organisation is None:
        make_coupon(code=facts["code"], terms=_terms_asked(facts, now=now), who=who, why=why, now=now)
    elif asked.kind == OperatorRequestKind.GOODWILL:
        known = Fact.from_dict(facts["why"]) if "why" in facts else why
        give_goodwill(
            organisation=organisation, credits=facts["credits"], who=who, why=known, key=facts["key"], now=now
        )
    else:
        offer_package(
            organisation=organisation,
            code=facts["code"],
            credits=facts["credits"],
            price=Money(facts["cents"], facts["currency"]),
            who=who,
            why=why,
            now=now,
        )


@one_transaction
def decline(*, request: UUID, who: str, why: str, now: datetime) -> OperatorRequest:
    """It is not done; whoever asked may decline it too. Raises NotFound, AlreadyDecided, WhoAndWhyMissing."""
    why = checked_why(why)
    return _decide(_waiting(request), OperatorRequestState.DECLINED, who=who, why=why, now=now)


def _waiting(id: UUID) -> OperatorRequest:
    found = (
        OperatorRequest.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organisation")
        .filter(id=id)
        .first()
    )
    if found is None:
        raise NotFound("no_operator_request", request=str(id))
    if found.state != OperatorRequestState.WAITING:
        raise AlreadyDecided("request", state=found.state, decided_by=found.decided_by)
    return found


DECIDED = {
    OperatorRequestState.APPROVED: BillingOccurrence.SECOND_OPERATOR_APPROVED,
    OperatorRequestState.DECLINED: BillingOccurrence.SECOND_OPERATOR_DECLINED,
}


def _decide(found: OperatorRequest, to: OperatorRequestState, *, who: str, why: str, now: datetime) -> OperatorRequest:
    found.state, found.decided_at, found.decided_by, found.decided_why = to, now, who, why
    found.save(update_fields=["state", "decided_at", "decided_by", "decided_why"])
    _record(found, DECIDED[to], who=who, why=why, now=now)
    return found


def _record(request: OperatorRequest, move: BillingOccurrence, *, who: str, why: str, now: datetime) -> None:
    record(
        organisation=request.organisation,
        subject="operator request",
        subject_id=request.id,
        move=move,
        who=who,
        why=why,
        now=now,
        kind=request.kind,
        facts=request.facts,
        **as_told(request),
    )
