"""All that people do with a guarantee: propose and agree criteria, turn a credited fee into money.

The included runs are ordered in `otai.runs.operations.included`: they are runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from otai.billing import operations as billing_operations
from otai.billing import queries as billing
from otai.billing.models import PaymentRefund
from otai.billing.operations.events import checked_why
from otai.db import one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.learning.evidence.acceptance import Criterion
from otai.ledger.models import Lot
from otai.ledger.references import ReferredTo, reference_to
from otai.orgs.models import Organisation
from otai.orgs.operations import lock_founders
from otai.pricing.price_book import Tier
from otai.runs import readiness
from otai.runs.guarantee import files, holdout, queries
from otai.runs.guarantee.criteria import Reachable, standard_threshold, why_an_operator
from otai.runs.guarantee.expected import reachable
from otai.runs.guarantee.mails import tell
from otai.runs.guarantee.moves import GuaranteeMoved, move, record
from otai.runs.guarantee_status import GuaranteeOccurrence, GuaranteeStatus
from otai.runs.models import Guarantee
from otai.tickets import expected_quality
from otai.tickets import queries as tickets
from otai.tickets.erasing import delete_files, let_go
from otai.tickets.files import StoredFile
from otai.tickets.models import DataSet
from otai.words.explained import arrow
from otai.words.sentences import Fact

MOST_CRITERIA = 200

AGREEING = "price book"


class CriteriaFrozen(Refused):
    code = "criteria_frozen"


class CriteriaInvalid(Invalid):
    code = "criteria_invalid"


class NotAgreed(Refused):
    code = "criteria_not_agreed"


class GuaranteeThere(Refused):
    code = "guarantee_there"


class FeeNotCredited(Refused):
    code = "fee_not_credited"


class FeeWasSpent(Refused):
    code = "fee_was_spent"


def open_guarantees(*, organisation: Organisation, now: datetime) -> list[Guarantee]:
    """The organisation's guarantees, with one opened for every tier level that it has reached. Safe at any time, from
    any process; in a transaction of its own."""
    there = set(Guarantee.objects.filter(organisation=organisation).values_list("tier", flat=True))
    if set(queries.due_levels(organisation)) - there:
        _open_what_is_due(organisation, now=now)
    return list(queries.guarantees(organisation))


@one_transaction
def _open_what_is_due(organisation: Organisation, *, now: datetime) -> None:
    # Two organisations of one founder take turns, and so do two processes.
    lock_founders(organisation.id)
    for tier in queries.due_levels(organisation):
        _open(organisation, tier, who="guarantee", why=Fact("guarantee.reached", {"tier": tier.title}), now=now)


@one_transaction
def grant_guarantee(*, organisation: Organisation, tier: Tier, who: str, why: str, now: datetime) -> Guarantee:
    """An operator gives one that the rules do not: to a second organisation of a person or company. Raises
    GuaranteeThere."""
    if not _open(organisation, tier, who=who, why=why, now=now):
        raise GuaranteeThere("tier", tier=tier.title, organisation=organisation.slug)
    return queries.guarantee(organisation, tier)


def _open(organisation: Organisation, tier: Tier, *, who: str, why: str | Fact, now: datetime) -> bool:
    """False where it is open already."""
    opened = Guarantee(organisation=organisation, tier=tier, opened_at=now)
    try:
        with transaction.atomic():
            opened.save(force_insert=True)
    except IntegrityError:
        return False
    record(opened, move=arrow("", GuaranteeStatus.OPEN), who=who, why=why, now=now)
    return True


@dataclass(frozen=True, slots=True)
class Proposal:
    """Criteria that may be proposed, and the tickets that they are about."""

    guarantee: Guarantee
    data_set: DataSet
    criteria: tuple[Criterion, ...]

    @property
    def attributes(self) -> list[str]:
        """Those that the criteria speak of, each once."""
        return list(dict.fromkeys(criterion.attribute for criterion in self.criteria))

    @property
    def stands(self) -> bool:
        """Whether just this is proposed or agreed already: asked twice, it is done once."""
        found = self.guarantee
        return (
            (found.status == GuaranteeStatus.AGREED or found.waits_for_operator)
            and found.data_set_id == self.data_set.id
            and found.criteria == [criterion.as_dict() for criterion in self.criteria]
        )


def propose(
    *,
    organisation: Organisation,
    data_set: DataSet,
    criteria: Sequence[Criterion],
    who: str,
    now: datetime,
    tier: Tier | None = None,
) -> Guarantee:
    """Proposes what the included run must reach on tickets of `data_set`, and fixes those that it will be measured on.

    Agreed at once where no criterion lies above the standard bar, nor above what is expected of these tickets; else an
    operator is asked. Proposing again replaces
    what was proposed, until the run is ordered. Raises CriteriaInvalid, CriteriaFrozen, HoldoutImpossible,
    TicketsDeleted and NotFound.

    It reads all tickets, here and now; `otai.runs.jobs.ask_to_propose` leaves that to a job.
    """
    proposal = checked_proposal(organisation=organisation, data_set=data_set, criteria=criteria, now=now, tier=tier)
    if proposal.stands:
        return proposal.guarantee
    specs, share = files.specs_of(data_set, proposal.attributes), holdout_share()
    named = {"organisation": organisation.id, "guarantee": proposal.guarantee.id}
    # Reading and storing tickets happens before the transaction, never inside one.
    with files.scratch() as path:
        with files.tickets_while_there(data_set) as source:
            if billing.price_book().guarantee.agreed_if_expected:
                expected_quality.of(data_set, now=now)
            chosen = holdout.choose(source, specs, share=share, into=path)
        with files.kept(path, **named) as stored, transaction.atomic():
            proposed = record_proposal(proposal, chosen, stored, who=who, now=now)
    delete_files()
    return proposed


def holdout_share() -> float:
    """The part of the tickets that is measured on."""
    return float(billing.price_book().guarantee.holdout_share)


def checked_proposal(
    *,
    organisation: Organisation,
    data_set: DataSet,
    criteria: Sequence[Criterion],
    now: datetime,
    tier: Tier | None = None,
) -> Proposal:
    """What can be known without reading a ticket. Raises CriteriaInvalid, CriteriaFrozen, TicketsDeleted and
    NotFound."""
    if data_set.organisation_id != organisation.id:
        raise NotFound("data_set")
    data_set.require_tickets()
    _require_sound(criteria, data_set)
    open_guarantees(organisation=organisation, now=now)
    found = queries.guarantee(organisation, tier)
    _require_changeable(found)
    return Proposal(found, data_set, tuple(criteria))


def record_proposal(
    proposal: Proposal, chosen: holdout.Chosen, stored: StoredFile, *, who: str, now: datetime
) -> Guarantee:
    """Within a transaction: the proposal with the tickets that were chosen for it. Raises CriteriaInvalid where too few
    can be measured on, CriteriaFrozen and TicketsDeleted where somebody was quicker."""
    book, criteria = billing.price_book(), proposal.criteria
    for name in proposal.attributes:
        if (labelled := chosen.labelled.get(name, 0)) < book.guarantee.fewest_holdout_tickets:
            raise CriteriaInvalid(
                "too_few",
                data_set=proposal.data_set,
                attribute=name,
                tickets=labelled,
                needed=book.guarantee.fewest_holdout_tickets,
            )
    # Whoever deletes the tickets has the row by then: what was just chosen from them must not outlive them.
    data_set = DataSet.objects.select_for_update(no_key=True).get(id=proposal.data_set.id)
    data_set.require_tickets()
    guarantee = Guarantee.objects.select_for_update(no_key=True).get(id=proposal.guarantee.id)
    _require_changeable(guarantee)
    why = Fact("guarantee.proposed", {"criteria": [criterion.as_fact().as_dict() for criterion in criteria]})
    if guarantee.status == GuaranteeStatus.AGREED:
        move(guarantee, GuaranteeStatus.OPEN, who=who, why=Fact("guarantee.proposed_anew"), now=now, agreed_at=None)
    waits = reasons_to_wait(data_set, criteria, Tier(guarantee.tier))
    guarantee.criteria = [criterion.as_dict() for criterion in criteria]
    guarantee.proposed_by, guarantee.proposed_at = who, now
    guarantee.waits_for_operator = bool(waits)
    guarantee.waits_because = [reason.as_dict() for reason in waits]
    # What was chosen for an earlier proposal is nobody's any more.
    let_go([guarantee.holdout_file], now=now)
    guarantee.data_set, guarantee.holdout_file, guarantee.holdout_sha256 = data_set, stored.path, stored.sha256
    guarantee.holdout_tickets = chosen.tickets
    guarantee.agreed_by = ""
    guarantee.save()
    record(
        guarantee, move=GuaranteeOccurrence.CRITERIA_PROPOSED, who=who, why=why, now=now, criteria=guarantee.criteria
    )
    if waits:
        why = Fact("guarantee.criteria_wait", {"reasons": guarantee.waits_because})
        record(guarantee, move=GuaranteeOccurrence.CRITERIA_WAIT, who=AGREEING, why=why, now=now)
        tell(guarantee, "guarantee_waits", now=now, reasons=guarantee.waits_because)
    else:
        _agree(guarantee, who=AGREEING, why=Fact("guarantee.standard", {"book": book.version}), now=now)
    return guarantee


def must_be_tried(data_set: DataSet) -> bool:
    """Whether what is expected of these tickets decides who agrees, and nobody has tried it yet."""
    return billing.price_book().guarantee.agreed_if_expected is not None and expected_quality.stored(data_set) is None


def reasons_to_wait(data_set: DataSet, criteria: Sequence[Criterion], tier: Tier) -> list[Fact]:
    """Why an operator has to agree to these criteria, each once; none where they are agreed at once. Reads what is
    expected of the tickets and tries nothing."""
    book = billing.price_book()
    rule = book.guarantee.agreed_if_expected
    found = reachable(data_set, readiness.trainable(book.tiers[tier].modes), rule) if rule else {}
    waits = [
        why_an_operator(criterion, book.standard_bar, found.get(criterion.attribute, Reachable()) if rule else None)
        for criterion in criteria
    ]
    return [reason for at, reason in enumerate(waits) if reason and reason not in waits[:at]]


def _require_sound(criteria: Sequence[Criterion], data_set: DataSet) -> None:
    if not criteria:
        raise CriteriaInvalid("none")
    if len(criteria) > MOST_CRITERIA:
        raise CriteriaInvalid("too_many", criteria=len(criteria), most=MOST_CRITERIA)
    usable = {attribute.name for attribute in tickets.usable_attributes(data_set)}
    seen = set()
    for criterion in criteria:
        if criterion.attribute not in usable:
            raise CriteriaInvalid("unknown", data_set=data_set, attribute=criterion.attribute, known=sorted(usable))
        what = (criterion.attribute, criterion.metric, criterion.precision)
        if what in seen:
            raise CriteriaInvalid("twice", metric=criterion.metric.title, attribute=criterion.attribute)
        seen.add(what)


def _require_changeable(guarantee: Guarantee) -> None:
    if guarantee.status not in (GuaranteeStatus.OPEN, GuaranteeStatus.AGREED):
        raise CriteriaFrozen("frozen", status=guarantee.status)


def _agree(guarantee: Guarantee, *, who: str, why: str | Fact, now: datetime) -> None:
    book = billing.price_book()
    move(
        guarantee,
        GuaranteeStatus.AGREED,
        who=who,
        why=why,
        now=now,
        agreed_by=who,
        agreed_at=now,
        waits_for_operator=False,
        waits_because=[],
        price_book=book.version,
        verdict_rule=book.guarantee.verdict,
    )


def _waiting(guarantee: UUID) -> Guarantee:
    found = Guarantee.objects.select_for_update(no_key=True).filter(id=guarantee).first()
    if found is None:
        raise NotFound("no_guarantee")
    if not found.waits_for_operator:
        raise NotAgreed("nothing_waits", tier=found.tier, status=found.status)
    return found


@one_transaction
def agree(*, guarantee: UUID, who: str, why: str, now: datetime) -> Guarantee:
    """An operator agrees to criteria that wait. Raises NotFound, NotAgreed (nothing waits) and
    WhoAndWhyMissing."""
    why = checked_why(why)
    found = _waiting(guarantee)
    _agree(found, who=who, why=why, now=now)
    tell(found, "guarantee_agreed", now=now, why=why)
    return found


@one_transaction
def decline(*, guarantee: UUID, who: str, why: str, now: datetime) -> Guarantee:
    """An operator does not agree; the customer proposes again. Raises NotFound, NotAgreed (nothing waits) and
    WhoAndWhyMissing."""
    why = checked_why(why)
    found = _waiting(guarantee)
    Guarantee.objects.filter(id=found.id).update(waits_for_operator=False)
    found.waits_for_operator = False
    record(found, move=GuaranteeOccurrence.CRITERIA_DECLINED, who=who, why=why, now=now)
    tell(found, "guarantee_declined", now=now, why=why)
    return found


def refund_fee(*, guarantee: UUID, who: str, why: str, now: datetime) -> list[PaymentRefund]:
    """An operator turns the credited fee into money: withdraws the credits and pays their list price back on what the
    subscription was paid with, newest month first.

    Raises NotFound, FeeNotCredited, FeeWasSpent, WhoAndWhyMissing, and NothingToRefund where the subscription brought
    less money than that."""
    why = checked_why(why)
    with transaction.atomic():
        credited = (
            Guarantee.objects.select_for_update(of=("self",), no_key=True)
            .select_related("organisation")
            .filter(id=guarantee)
            .first()
        )
        if credited is None:
            raise NotFound("guarantee")
        if credited.status != GuaranteeStatus.CREDITED:
            raise FeeNotCredited("fee", status=credited.status)
        assert credited.fee_lot is not None
        lot = Lot.objects.get(id=credited.fee_lot, organisation=credited.organisation_id)
        if lot.unspent < credited.fee_credits:
            raise FeeWasSpent(
                "fee", spent=credited.fee_credits - lot.unspent, unspent=lot.unspent, credits=credited.fee_credits
            )
        refunds = billing_operations.refund_fee(
            organisation=credited.organisation,
            credits=credited.fee_credits,
            lot=lot.id,
            key=f"guarantee-refund:{credited.id}",
            reference=reference_to(ReferredTo.GUARANTEE, credited.id),
            who=who,
            why=why,
            now=now,
        )
        money = [{"purchase": one.purchase.reference, "net_cents": one.net_cents} for one in refunds]
        move(credited, GuaranteeStatus.REFUNDED, who=who, why=why, now=now, details={"payment_refunds": money})
    return [billing_operations.send(refund.id, now=now) for refund in refunds]


__all__ = [
    "CriteriaFrozen",
    "CriteriaInvalid",
    "FeeNotCredited",
    "FeeWasSpent",
    "GuaranteeMoved",
    "GuaranteeThere",
    "NotAgreed",
    "agree",
    "decline",
    "grant_guarantee",
    "open_guarantees",
    "propose",
    "refund_fee",
    "standard_threshold",
]
