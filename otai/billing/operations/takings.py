"""What the reversals of a payment take of all that it brought: worked out anew each time from what they say now, so
that their order, repetition and change of mind lead to the same books.

Surplus goes first, then the price. Of the price's share the credits are taken in proportion, as far as they are
unspent; what was spent or is held is owed, and taken when it comes back. Ledger rows are never changed: what is
taken is withdrawn, what is given back is a new lot of the same source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Sum

from otai.billing.models import (
    BroughtLot,
    Payment,
    Purchase,
    PurchaseKind,
    RefundKind,
    Reversal,
    ReversalKind,
    ReversalState,
    Taking,
)
from otai.db import new_id
from otai.ledger import operations as ledger
from otai.ledger.models import Account, Lot, LotSource
from otai.ledger.references import ReferredTo, reference_to
from otai.ledger.revenue import value_of
from otai.units import Money
from otai.words.sentences import Fact


def counts(reversal: Reversal) -> bool:
    """Whether its money is gone or may go."""
    return reversal.kind != ReversalKind.INQUIRY and reversal.state != ReversalState.WON


def expected_owed(reversal: Reversal) -> int:
    """The credits that a reversal should say are owed."""
    if reversal.settled_at is not None or reversal.kind == ReversalKind.REFUND:
        return 0
    return reversal.share_credits - reversal.withdrawn_credits


def net_of(purchase: Purchase, gross: int) -> int:
    """The net part of a gross amount of this purchase, rounded down; all of it is all of it."""
    return purchase.net_cents * gross // purchase.gross_cents


def refunded(purchase: Purchase) -> tuple[int, int, int]:
    """What our own payment refunds took of the purchase's price: net, gross, and unused credits."""
    own = purchase.payment_refunds.exclude(kind=RefundKind.SURPLUS)
    sums = own.aggregate(net=Sum("net_cents"), gross=Sum("gross_cents"))
    credits = own.filter(kind=RefundKind.UNUSED_CREDITS).aggregate(credits=Sum("credits"))["credits"]
    return sums["net"] or 0, sums["gross"] or 0, credits or 0


def kept_net(purchase: Purchase) -> int:
    """What of the purchase's net price is still ours: less payment refunds, less what reversals take of it."""
    taken = purchase.reversals.aggregate(gross=Sum("price_cents"))["gross"] or 0
    return max(0, purchase.net_cents - refunded(purchase)[0] - net_of(purchase, taken))


def share_out(purchase: Purchase, reversals: list[Reversal]) -> None:
    """Splits each reversal's amount into surplus, price and excess, the earliest first. The payments' surplus
    follows."""
    surplus = _surplus_to_share(purchase, reversals)
    delivered = purchase.paid_at is not None
    price = max(0, purchase.gross_cents - refunded(purchase)[1]) if delivered else 0
    before = sum(reversal.surplus_cents for reversal in reversals)
    for reversal in reversals:
        left = reversal.cents if counts(reversal) else 0
        reversal.surplus_cents = min(left, surplus)
        left -= reversal.surplus_cents
        surplus -= reversal.surplus_cents
        reversal.price_cents = min(left, price)
        reversal.excess_cents = left - reversal.price_cents
        price -= reversal.price_cents
    _take_surplus(purchase, sum(reversal.surplus_cents for reversal in reversals) - before)


def _surplus_to_share(purchase: Purchase, reversals: Iterable[Reversal]) -> int:
    sums = Payment.objects.filter(purchase=purchase).aggregate(came=Sum("surplus_cents"), went=Sum("returned_cents"))
    return (sums["came"] or 0) - (sums["went"] or 0) + sum(reversal.surplus_cents for reversal in reversals)


def _take_surplus(purchase: Purchase, cents: int) -> None:
    """Marks so many cents of the payments' surplus as gone back; as not gone back where negative."""
    if cents == 0:
        return
    for payment in Payment.objects.select_for_update(no_key=True).filter(purchase=purchase).order_by("id"):
        most = payment.surplus_cents - payment.returned_cents
        part = min(cents, most) if cents > 0 else max(cents, -payment.returned_cents)
        if part:
            Payment.objects.filter(id=payment.id).update(returned_cents=F("returned_cents") + part)
            cents -= part


@dataclass(frozen=True, slots=True)
class _Group:
    """The credits of one source that a purchase brought, and where they are."""

    source: str
    brought: int
    paid_back: int
    taken: int
    taken_net: int
    lots: list[Lot]

    def share(self, part: int, price: int, whole: int) -> int:
        """The credits that go with `part` cents of a price that was `price` and of which `whole` is left to take."""
        left = self.brought - self.paid_back
        return left if part >= whole else min(left, self.brought * part // price)


def _groups(purchase: Purchase) -> list[_Group]:
    brought = list(purchase.brought_lots.all())
    lots = {
        lot.id: lot
        for lot in Lot.objects.filter(organisation=purchase.organisation_id, id__in=[b.lot for b in brought])
    }
    paid_back = refunded(purchase)[2]
    groups = []
    for source in sorted({one.source for one in brought}):
        takes, gives = (
            purchase.takings.filter(source=source, gives_back=way).aggregate(c=Sum("credits"), n=Sum("net_cents"))
            for way in (False, True)
        )
        groups.append(
            _Group(
                source=source,
                brought=sum(one.credits for one in brought if one.source == source and not one.gives_back),
                paid_back=paid_back if source == LotSource.PURCHASE else 0,
                taken=(takes["c"] or 0) - (gives["c"] or 0),
                taken_net=(takes["n"] or 0) - (gives["n"] or 0),
                lots=sorted(
                    (lots[one.lot] for one in brought if one.source == source and one.lot in lots),
                    key=lambda lot: lot.seq,
                ),
            )
        )
    return groups


def move_credits(purchase: Purchase, reversals: list[Reversal], *, now: datetime) -> None:
    """Takes or gives back credits until each reversal has its share, and says of each what it took and what is owed.

    The account is locked first, so that no run takes a lot's credits between the look and the withdrawal.
    """
    Account.objects.select_for_update(no_key=True).filter(organisation=purchase.organisation_id).first()
    groups = _groups(purchase)
    price = purchase.gross_cents
    whole = max(0, price - refunded(purchase)[1])
    shares: dict[UUID, list[int]] = {reversal.id: [] for reversal in reversals}
    for group in groups:
        so_far = given = 0
        for reversal in reversals:
            so_far += reversal.price_cents
            share = (group.share(so_far, price, whole) - given) if reversal.price_cents else 0
            given += share
            shares[reversal.id].append(share)
    wanted = {reversal.id: _capped(reversal, shares[reversal.id]) for reversal in reversals}
    left = []
    for number, group in enumerate(groups):
        asked = sum(of[number] for of in wanted.values())
        left.append([*_move(purchase, group, asked, by=_cause(reversals), now=now)])
    for reversal in reversals:
        _attribute(reversal, shares[reversal.id], wanted[reversal.id], left)


def _capped(reversal: Reversal, shares: list[int]) -> list[int]:
    """What a reversal may take of each source: its share, and once it is settled no more than it has by then. Of what
    a year brings later, month by month, a refund made at the provider takes its share as well."""
    if reversal.settled_at is None:
        return shares
    left = reversal.withdrawn_credits
    if reversal.kind == ReversalKind.REFUND:
        left += max(0, sum(shares) - reversal.share_credits)
    capped = []
    for share in shares:
        capped.append(min(share, left))
        left -= capped[-1]
    return capped


def _cause(reversals: list[Reversal]) -> Reversal:
    """The reversal that a movement is written down for: the newest that was booked."""
    return max(reversals, key=lambda reversal: (reversal.decided_at or reversal.opened_at, reversal.id))


def _attribute(reversal: Reversal, shares: list[int], wanted: list[int], left: list[list[int]]) -> None:
    credits = net = 0
    for most, rest in zip(wanted, left, strict=True):
        part = min(most, rest[0])
        if part:
            # Cents in proportion; the last one to take from a source takes what is left of its cents.
            worth = rest[1] * part // rest[0]
            rest[0] -= part
            rest[1] -= worth
            credits, net = credits + part, net + worth
    reversal.share_credits = sum(shares)
    reversal.withdrawn_credits, reversal.withdrawn_net_cents = credits, net
    reversal.owed_credits = expected_owed(reversal)


def _move(purchase: Purchase, group: _Group, wanted: int, *, by: Reversal, now: datetime) -> tuple[int, int]:
    """Brings what is taken of a group to `wanted`, as far as credits are unspent; returns credits and net price
    taken."""
    if wanted < group.taken:
        return _give_back(purchase, group, group.taken - wanted, by=by, now=now)
    missing, net = wanted - group.taken, group.taken_net
    for lot in group.lots:
        part = min(missing, lot.unspent)
        if part == 0:
            continue
        gone = lot.spent + lot.withdrawn
        worth = value_of(lot.price_cents or 0, lot.credits, gone, gone + part)
        taking = new_id()
        made = ledger.withdraw(
            organisation=purchase.organisation_id,
            lot=lot.id,
            credits=part,
            key=f"reversal:{taking}",
            reference=reference_to(ReferredTo.PURCHASE, purchase.reference),
            reason=_why(by),
            now=now,
        )
        _write(purchase, by, taking, group.source, lot.id, made.transfer, part, worth, gives_back=False, now=now)
        missing, net = missing - part, net + worth
    return wanted - missing, net


def _give_back(purchase: Purchase, group: _Group, credits: int, *, by: Reversal, now: datetime) -> tuple[int, int]:
    worth = group.taken_net * credits // group.taken
    taking = new_id()
    made = ledger.grant(
        organisation=purchase.organisation_id,
        credits=credits,
        source=LotSource(group.source),
        key=f"reversal:{taking}",
        reference=reference_to(ReferredTo.PURCHASE, purchase.reference),
        reason=Fact("moved_why.payment_stays", {"purchase": purchase.reference}),
        now=now,
        price=Money(worth, purchase.currency) if group.source == LotSource.PURCHASE else None,
        price_book=purchase.price_book,
    )
    _write(purchase, by, taking, group.source, made.lot, made.transfer, credits, worth, gives_back=True, now=now)
    brought(purchase, lot=made.lot, source=group.source, credits=credits, gives_back=True, now=now)
    return group.taken - credits, group.taken_net - worth


def _why(by: Reversal) -> Fact:
    # The provider's own word for it is for programs.
    code = "refunded" if by.kind == ReversalKind.REFUND else "taken_back"
    return Fact(f"moved_why.{code}", {"why": by.reason})


def _write(
    purchase: Purchase,
    by: Reversal,
    id: UUID,
    source: str,
    lot: UUID | None,
    transfer: UUID | None,
    credits: int,
    net: int,
    *,
    gives_back: bool,
    now: datetime,
) -> None:
    Taking.objects.create(
        id=id,
        organisation_id=purchase.organisation_id,
        purchase=purchase,
        reversal=by,
        gives_back=gives_back,
        source=source,
        lot=lot,
        transfer=transfer,
        credits=credits,
        net_cents=net,
        at=now,
    )


def write_money(purchase: Purchase, reversal: Reversal, net: int, *, now: datetime) -> None:
    """A part of the price that went back without credits: negative where it came again."""
    if net:
        _write(purchase, reversal, new_id(), "", None, None, 0, abs(net), gives_back=net < 0, now=now)


def brought(
    purchase: Purchase, *, lot: UUID, source: str, credits: int, now: datetime, gives_back: bool = False
) -> None:
    """Writes down a lot that a purchase brought, in the transaction that grants it."""
    BroughtLot.objects.create(
        organisation_id=purchase.organisation_id,
        purchase=purchase,
        lot=lot,
        source=source,
        credits=credits,
        gives_back=gives_back,
        brought_at=now,
    )


def say_what_is_owed(purchase: Purchase, reversal: Reversal, *, returned_cents: int = 0) -> None:
    """The money that a reversal leaves owed: what is beyond the price, and the price of what is not there to be taken.

    `returned_cents`: gross, of the time of a month that ended early, and so was not used.
    """
    package = purchase.kind == PurchaseKind.PACKAGE
    owed = reversal.price_cents - min(returned_cents, reversal.price_cents)
    if package:
        owed = reversal.price_cents * reversal.owed_credits // reversal.share_credits if reversal.share_credits else 0
    reversal.waived_cents = reversal.price_cents if package and reversal.share_credits == 0 else 0
    owed += reversal.excess_cents
    if reversal.kind == ReversalKind.REFUND:
        # The vendor's own doing: whoever gives money back does not claim it.
        reversal.owed_credits = owed = 0
    reversal.owed_gross_cents = owed
    reversal.owed_net_cents = net_of(purchase, owed)
