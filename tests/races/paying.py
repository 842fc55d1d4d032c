"""How acme pays, ready to be raced: on pages of the provider, with kept methods, by itself each month, and what
becomes of it later. As operations.py: each prepares, and returns the calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial, wraps
from threading import RLock
from typing import Any

from otai.billing import operations as billing
from otai.billing.gateway import ReversalOutcome, ReversalSeen
from otai.billing.gateways import gateways
from otai.billing.models import (
    BankEntry,
    BankEntryState,
    Payment,
    PaymentMethod,
    PaymentRefund,
    Purchase,
    PurchaseKind,
    RefundState,
)
from otai.billing.operations import dunning as charging
from otai.billing.operations import methods, pages, second_operator, topups, webhooks
from otai.billing.testing import DECLINED_CARD, GOOD_CARD, SLOW_DEBIT, FakeGateway
from otai.pricing.price_book import Term, Tier
from otai.units import Money
from tests.billing import people
from tests.billing.test_statements import entry, statement
from tests.races.world import Calls, World


def _one_at_a_time(provider: type[FakeGateway]) -> type[FakeGateway]:
    """A provider answers many at once without losing a payment; one that lives in memory needs a lock for it."""
    lock = RLock()

    def alone(method: Any) -> Any:
        @wraps(method)
        def locked(*arguments: Any, **named: Any) -> Any:
            with lock:
                return method(*arguments, **named)

        return locked

    for name, method in vars(FakeGateway).items():
        if callable(method) and not name.startswith("_"):
            setattr(provider, name, alone(method))
    return provider


@_one_at_a_time
class Provider(FakeGateway):
    """Asked by many threads at once."""


def provider() -> Provider:
    fake = gateways()["fake"]
    assert isinstance(fake, Provider)
    return fake


def _ordered(world: World) -> Purchase:
    """Ten credits, to be paid at the provider."""
    return billing.order_package(
        organisation=world.acme, package="10", key=world.key(), who="alice", now=world.now, gateway="fake"
    )[0]


def _month(world: World) -> Purchase:
    """The month of Pro that acme has paid."""
    paid = Purchase.objects.filter(organisation=world.acme, kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=False)
    return paid.earliest("ordered_at")


def disputed(purchase: Purchase, outcome: ReversalOutcome) -> ReversalSeen:
    """The payer's bank asks all of a paid purchase's money back."""
    return ReversalSeen(
        Payment.objects.get(purchase=purchase).external_id,
        f"dispute of {purchase.reference}",
        outcome,
        purchase.gross_cents,
        purchase.currency,
        "fraudulent",
    )


def _kept(world: World, card: str) -> PaymentMethod:
    """A card that the provider keeps; each has a name of its own there, as at Stripe."""
    customer = methods.customer_of(world.acme, "fake", now=world.now)
    saved = provider().save_method(payment_method=card, customer=f"{customer}:{world.key()}")
    kept = methods.keep(world.acme, "fake", saved, who="alice", now=world.now)
    assert kept is not None
    return kept


def checkout_pages(world: World) -> Calls:
    """Two clicks for a page, a payer's way back beside the provider's news, an order cancelled while its page is open,
    and the sweep that looks at all of them."""
    asked, paid, left = (_ordered(world) for _ in range(3))
    who = {"organisation": world.acme, "who": "alice", "now": world.now}
    opened = billing.open_payment_page(reference=paid.reference, **who).page
    assert opened is not None
    billing.open_payment_page(reference=left.reference, **who)
    provider().payer_pays(opened.reference)
    click = partial(billing.open_payment_page, reference=asked.reference, **who)
    return [
        click,
        click,
        lambda: billing.settle_page(billing.page_named(world.acme, opened.reference), now=world.now),
        lambda: billing.settle_page(billing.page_named(world.acme, opened.reference), now=world.now),
        partial(billing.cancel, reference=left.reference, why="a mistake", **who),
        partial(pages.look_at_pages, now=world.now + timedelta(hours=1)),
    ]


def kept_methods(world: World) -> Calls:
    """The card that pays months and top-ups is entered on a page once more, and takes its own place while it is removed
    here and in the provider's portal."""
    who = {"organisation": world.acme, "who": "alice", "now": world.now}
    gone = _kept(world, GOOD_CARD)
    billing.pay_renewals_with(method=gone.id, **who)
    topups.set_top_up(
        below=1,
        package="10",
        monthly_limit=Money(500_00),
        gateway="fake",
        payment_method=gone.reference,
        **who,
    )
    page = billing.open_method_page(gateway="fake", for_renewals=True, **who)
    provider().payer_pays(page.reference, f"{GOOD_CARD}#2")
    return [
        partial(billing.remove_method, method=gone.id, **who),
        partial(methods.look_again, "fake", gone.external_id, now=world.now),
        lambda: billing.settle_page(billing.page_named(world.acme, page.reference), now=world.now),
        partial(pages.look_at_pages, now=world.now + timedelta(hours=1)),
    ]


def renewal_payment(world: World) -> Calls:
    who = {"organisation": world.acme, "who": "alice", "now": world.now}
    card = _kept(world, GOOD_CARD)
    return [
        partial(billing.pay_renewals_with, method=card.id, **who),
        partial(billing.pay_renewals_with, method=None, **who),
        partial(billing.set_renewal_payment, gateway="fake", payment_method=card.reference, **who),
    ]


def years(world: World) -> Calls:
    """A year in the place of the paid month is paid by card while months are chosen again, a year of a higher tier is
    ordered, a part of the month's price goes back, and years are announced and swept."""
    who = {"organisation": world.acme, "who": "alice", "now": world.now}
    year = {"term": Term.YEAR, "gateway": "fake", "payment_method": GOOD_CARD}
    month = _month(world)
    half = replace(disputed(month, ReversalOutcome.LOST), cents=month.gross_cents // 2)
    return [
        partial(billing.change_tier, tier=Tier.PRO, at_once=True, **year, **who),
        partial(billing.change_tier, tier=Tier.PRO, at_once=True, **year, **who),
        partial(billing.change_tier, tier=Tier.PRO, term=Term.MONTH, **who),
        partial(billing.change_tier, tier=Tier.ENTERPRISE, **year, **who),
        partial(billing.book_reversals, month.id, [half], who="bank", now=world.now),
        partial(billing.announce_years, now=world.later(350)),
        partial(billing.sweep_grants, now=world.later(32)),
    ]


def dunning(world: World) -> Calls:
    """The month after was refused by one card; another is kept now, and two sweeps and Alice herself charge it."""
    refused, good = _kept(world, DECLINED_CARD), _kept(world, GOOD_CARD)
    who = {"organisation": world.acme, "who": "alice", "now": world.now}
    billing.pay_renewals_with(method=refused.id, **who)
    after = world.later(32)
    billing.sweep_subscriptions(now=after)
    billing.pay_renewals_with(method=good.id, **who)
    [*waiting] = Purchase.objects.filter(kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=True, gateway="fake")
    charged = [partial(billing.pay, one, now=after, payment_method=good.reference) for one in waiting]
    return [partial(charging.charge_again, now=after)] * 2 + charged


def month_taken_back(world: World) -> Calls:
    """The payer's bank takes the paid month back while it decides for us, and news comes in any order."""
    month = _month(world)
    outcomes = (ReversalOutcome.OPEN, ReversalOutcome.LOST, ReversalOutcome.WON)
    news = [
        partial(billing.book_reversals, month.id, [disputed(month, one)], who="bank", now=world.now) for one in outcomes
    ]
    return [*news, partial(billing.collect_before_spending, world.acme, now=world.now)]


def confirmations(world: World) -> Calls:
    """Debits that the bank confirms: by news that come twice, and by the sweep that asks; and an entry of the bank
    statement that two operators record."""
    debits = [_ordered(world) for _ in range(2)]
    for one in debits:
        billing.pay(one, now=world.now, payment_method=SLOW_DEBIT)
        one.refresh_from_db()
        provider().settle(one.gateway_reference)
    news = [provider().signed(event) for event in provider().account.events[-2:]]
    receive = [
        partial(webhooks.receive, gateway="fake", body=body, headers=headers, now=world.now) for body, headers in news
    ]
    entry = partial(world.pays, world.bought(), entry=world.key())
    return [*receive, *receive, partial(billing.ask_gateways, now=world.now + timedelta(hours=1)), entry, entry]


def bank_statements(world: World) -> Calls:
    """Two operators import one statement, and decide about an entry of a statement before that names no order."""
    waiting, named = world.bought(), world.bought()
    unclear = entry(f"{waiting.gross_cents / 100:.2f}", "our order", ref=world.key())
    clear = entry(f"{named.gross_cents / 100:.2f}", named.reference, ref=world.key())
    who = {"who": "olga", "now": world.now}
    billing.import_statement(statement(unclear), **who)
    open_entry = BankEntry.objects.filter(state=BankEntryState.WAITING).latest("id")
    assign = partial(billing.assign_entry, entry=open_entry.id, reference=waiting.reference, why="it fits", **who)
    both = partial(billing.import_statement, statement(unclear, clear), **who)
    return [both, both, assign, partial(billing.dismiss_entry, entry=open_entry.id, why="no payment of ours", **who)]


def refunds_confirmed(world: World) -> Calls:
    """Money that goes back: sent by two sweeps, confirmed by two operators, and one that did not arrive."""
    for one in (world.bought() for _ in range(2)):
        world.pays(one)
        billing.refund_payment(reference=one.reference, who="olga", why="unused", now=world.now)
    sent, failing = PaymentRefund.objects.filter(state=RefundState.SENT).order_by("-requested_at", "-id")[:2]
    PaymentRefund.objects.filter(id=failing.id).update(state=RefundState.REQUESTED)
    confirm = partial(billing.confirm_refund, refund=sent.id, who="olga", why="on the statement", now=world.now)
    return [confirm, confirm, *[partial(billing.send_waiting, now=world.now)] * 2]


def at_the_desk(world: World) -> Calls:
    """What operators do by hand: surplus returned, a claim closed, an address corrected."""
    paid = world.bought()
    for _ in range(2):
        world.pays(paid)
    surplus = Payment.objects.filter(purchase=paid, surplus_cents__gt=0).latest("received_at")
    taken_back = world.bought()
    world.pays(taken_back)
    lost = disputed(taken_back, ReversalOutcome.LOST)
    [claim] = billing.book_reversals(taken_back.id, [lost], who="bank", now=world.now)
    return [
        partial(billing.return_surplus, payment=surplus.id, who="olga", why="too much", now=world.now),
        partial(billing.return_surplus, payment=surplus.id, who="olga", why="too much", now=world.now),
        partial(billing.settle_owed, reversal=claim.id, who="olga", why="paid in cash", now=world.now),
        partial(billing.write_off_owed, reversal=claim.id, who="olga", why="gone", now=world.now),
        partial(people.details, world.acme, now=world.now, street="Aachener Strasse 1"),
        *gifts_in_parts(world),
    ]


def gifts_in_parts(world: World) -> Calls:
    """Credits of which one operator gives the first alone."""
    return [
        partial(
            second_operator.goodwill,
            organisation=world.acme,
            credits=60,
            who="olga",
            why="a bad week",
            key=world.key(),
            now=world.now,
        )
        for _ in range(2)
    ]
