"""The fee after the second miss: credited at once, or after an operator's look, or declined with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from otai.billing import operations as billing_operations
from otai.billing import queries as billing
from otai.billing.operations.events import checked_why
from otai.billing.price_books import book_named
from otai.db import one_transaction
from otai.errors import NotFound, Refused
from otai.learning.evidence.acceptance import Outcome
from otai.learning.finding import Finding
from otai.ledger import operations as ledger
from otai.ledger.models import LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.orgs.actors import is_same_person
from otai.orgs.models import Organisation
from otai.pricing.price_book import GuaranteeTerms, Tier
from otai.pricing.published import PriceBookUnknown
from otai.runs.guarantee.criteria import noise_among
from otai.runs.guarantee.mails import tell
from otai.runs.guarantee.moves import move, record
from otai.runs.guarantee_status import GuaranteeOccurrence, GuaranteeStatus
from otai.runs.models import Guarantee
from otai.words.actors import together
from otai.words.sentences import Fact

SYSTEM = "guarantee"


class FeeNotInReview(Refused):
    code = "fee_not_in_review"


def terms_of(guarantee: Guarantee) -> GuaranteeTerms:
    """What was promised when the criteria were agreed: those of the price book that the guarantee names."""
    try:
        return book_named(guarantee.price_book).guarantee
    except PriceBookUnknown:
        return billing.price_book().guarantee


def noise_in(guarantee: Guarantee, outcomes: Iterable[Outcome], findings: Iterable[Finding]) -> list[Fact]:
    """Of the criteria that were missed: whose labels the product itself finds to be noise."""
    missed = {outcome.criterion.attribute for outcome in outcomes if not outcome.met}
    return noise_among(missed, findings, noise_from=terms_of(guarantee).noise_from)


def missed_twice(guarantee: Guarantee, *, noise: list[Fact], now: datetime) -> None:
    """Within the transaction of the second miss: the list price of the first run is credited, or an operator looks
    first."""
    is_given = Tier(guarantee.tier) not in terms_of(guarantee).fee_at_once
    why = [*([Fact("guarantee.free_tier", {"tier": Tier(guarantee.tier).title})] if is_given else []), *noise]
    if not why:
        _credit(guarantee, who=SYSTEM, why=_fee(guarantee), now=now)
        return
    reasons = [fact.as_dict() for fact in why]
    move(
        guarantee,
        GuaranteeStatus.IN_REVIEW,
        who=SYSTEM,
        why=Fact("guarantee.fee_waits", {"reasons": reasons}),
        now=now,
        waits_because=reasons,
    )
    tell(guarantee, "fee_waits", now=now, credits=_credits(guarantee), reasons=reasons)


@one_transaction
def credit_fee(*, guarantee: UUID, who: str, why: str, now: datetime) -> Guarantee:
    """An operator has looked, and credits the fee. Above the limit of goodwill that one operator gives alone
    (`OTAI_GOODWILL_ALONE`) the first one asks, and it is credited when another one says the same.

    Raises NotFound, FeeNotInReview, SameOperator and WhoAndWhyMissing."""
    why = checked_why(why)
    found = _in_review(guarantee)
    by, credits = who, _credits(found)
    if billing_operations.credits_take_two(found.organisation, credits, now=now):
        if not found.fee_asked_by:
            Guarantee.objects.filter(id=found.id).update(fee_asked_by=who)
            found.fee_asked_by = who
            record(found, move=GuaranteeOccurrence.SECOND_OPERATOR_ASKED, who=who, why=why, now=now, credits=credits)
            return found
        if is_same_person(who, found.fee_asked_by):
            raise billing_operations.SameOperator("approve", asked_by=found.fee_asked_by)
        by = together(found.fee_asked_by, who)[:200]
    _credit(found, who=by, why=why, now=now)
    tell(found, "fee_credited", now=now, credits=credits, why=why)
    return found


@one_transaction
def decline_fee(*, guarantee: UUID, who: str, why: str, now: datetime) -> Guarantee:
    """An operator has looked, and credits nothing; the customer reads why. Raises NotFound, FeeNotInReview and
    WhoAndWhyMissing."""
    why = checked_why(why)
    found = _in_review(guarantee)
    move(found, GuaranteeStatus.DECLINED, who=who, why=why, now=now)
    tell(found, "fee_declined", now=now, credits=_credits(found), why=why)
    return found


def _in_review(guarantee: UUID) -> Guarantee:
    """Locked after its organisation, as whoever gives credits locks them."""
    of = Guarantee.objects.filter(id=guarantee).values_list("organisation", flat=True).first()
    if of is None:
        raise NotFound("no_guarantee")
    Organisation.objects.select_for_update(no_key=True).get(id=of)
    found = (
        Guarantee.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organisation", "run")
        .get(id=guarantee)
    )
    if found.status != GuaranteeStatus.IN_REVIEW:
        raise FeeNotInReview("fee", status=found.status)
    return found


def _credits(guarantee: Guarantee) -> int:
    """The fee: the list price of the first included run."""
    assert guarantee.run is not None
    return guarantee.run.credits


def _fee(guarantee: Guarantee) -> Fact:
    assert guarantee.run is not None
    return Fact("guarantee.fee", {"run": guarantee.run.number, "credits": _credits(guarantee)})


def _credit(guarantee: Guarantee, *, who: str, why: str | Fact, now: datetime) -> None:
    assert guarantee.run is not None
    credits = _credits(guarantee)
    made = ledger.grant(
        organisation=guarantee.organisation_id,
        credits=credits,
        source=LotSource.GUARANTEE,
        key=f"guarantee-fee:{guarantee.id}",
        reference=reference_to(ReferredTo.GUARANTEE, guarantee.id),
        reason=Fact("moved_why.fee", {"run": guarantee.run.number}),
        now=now,
    )
    move(
        guarantee,
        GuaranteeStatus.CREDITED,
        who=who,
        why=why,
        now=now,
        details={"credits": credits, "lot": str(made.lot)},
        fee_credits=credits,
        fee_lot=made.lot,
    )
