"""Every operation that changes an organisation's rows, ready to be raced: first what it needs, then calls of it that
may meet.

`ALL[name](world)` prepares, and returns the calls. What is refused in a race (someone was faster) is an answer; a
deadlock is not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from otai.billing import operations as billing
from otai.billing.gateway import ReversalOutcome
from otai.billing.models import CouponFor, Purchase, PurchaseKind
from otai.billing.operations import topups
from otai.billing.operations.coupons import CouponTerms
from otai.billing.operations.vendor_keys import goodwill_by_key
from otai.billing.vendor_scopes import VendorScope
from otai.db import new_id
from otai.ledger import operations as ledger
from otai.orgs import operations as orgs
from otai.orgs.permissions import Role, Scope
from otai.outbound.operations import create_endpoint, delete_endpoint
from otai.pricing.price_book import Tier
from otai.runs import approval
from otai.runs import operations as runs
from otai.runs import queries as run_queries
from otai.runs.approval import Approver
from otai.runs.guarantee import operations as guarantees
from otai.runs.models import Guarantee, Run
from otai.serving.deletion import delete_model, delete_tickets
from otai.serving.operations import register_completed_runs
from otai.units import Money
from tests import stories
from tests.orgs.people import joins, person
from tests.races import paying
from tests.races.world import EACH, Calls, World
from tests.runs.guarantees import agreed


def order(world: World) -> Calls:
    quotes = [stories.quote_for(world.acme, world.support, world.now).id for _ in range(EACH)]
    return [partial(runs.order_run, organisation=world.acme, quote=id, who="alice", now=world.now) for id in quotes]


def cancel(world: World) -> Calls:
    ordered = [world.ordered() for _ in range(EACH)]
    return [
        partial(runs.cancel_run, organisation=world.acme, number=run.number, who="alice", now=world.now)
        for run in ordered
    ]


def approvals(world: World) -> Calls:
    """Orders that wait: two approve each, one is declined, one withdrawn, one lapses; an approver is removed and the
    rule is changed meanwhile."""
    name = world.key()
    owners = [joins(world.acme, person(f"{name}-{n}"), Role.OWNER, world.now) for n in range(2)]
    rule = partial(approval.set_rule, organisation=world.acme, who="alice", now=world.now)
    rule(above_credits=0)
    waiting = [world.ordered().number for _ in range(3)]
    rule(above_credits=None)
    by = [Approver(owner.user.email, member=owner.id) for owner in owners]
    first, second, third = ({"organisation": world.acme, "number": number} for number in waiting)
    return [
        *(partial(runs.approve_run, by=one, now=world.now, **first) for one in by),
        partial(runs.approve_run, by=by[0], now=world.now, **second),
        partial(runs.cancel_run, who="alice", now=world.now, **second),
        partial(runs.decline_run, by=by[1], why="not now", now=world.now, **third),
        partial(runs.lapse_approvals, now=world.later(8)),
        partial(orgs.remove_member, organisation=world.acme, member=owners[1].id, who="alice", now=world.now),
        partial(rule, above_credits=100),
    ]


def end(world: World) -> Calls:
    at_work = [world.at_work(world.ordered()) for _ in range(EACH)]
    return [partial(world.ends, run) for run in at_work]


def refund_run(world: World) -> Calls:
    ended = [world.at_work(world.ordered()) for _ in range(EACH)]
    for run in ended:
        world.ends(run)
    return [
        partial(runs.refund_run, organisation=world.acme, number=run.number, why="faulty", who="olga", now=world.now)
        for run in ended
    ]


def guarantee_agree(world: World) -> Calls:
    return [partial(agreed, world.acme, world.support, world.now, f"queue accuracy 0.{n}") for n in (5, 6)]


def _included(world: World) -> Run:
    quote = stories.quote_for(world.acme, world.support, world.now)
    return runs.order_included_run(organisation=world.acme, quote=quote.id, who="alice", now=world.now)


def guarantee_order(world: World) -> Calls:
    if not Guarantee.objects.filter(status="training").exists():
        agreed(world.acme, world.support, world.now)
    quotes = [stories.quote_for(world.acme, world.support, world.now).id for _ in range(EACH)]
    return [
        partial(runs.order_included_run, organisation=world.acme, quote=id, who="alice", now=world.now) for id in quotes
    ]


def guarantee_end(world: World) -> Calls:
    agreed(world.acme, world.support, world.now)
    run = _included(world)
    cancelled = partial(runs.cancel_run, organisation=world.acme, number=run.number, who="alice", now=world.now)
    return [cancelled, partial(world.ends, world.at_work(Run.objects.get(id=run.id)), queue=0.1, priority=0.1)]


def guarantee_fee(world: World) -> Calls:
    guarantee = agreed(world.acme, world.support, world.now)
    world.ends(world.at_work(_included(world)), queue=0.1, priority=0.1)
    quote = stories.quote_for(world.acme, world.support, world.now)
    second = runs.order_improvement_run(organisation=world.acme, quote=quote.id, who="alice", now=world.now)
    world.ends(world.at_work(second), queue=0.1, priority=0.1)
    refund = partial(guarantees.refund_fee, guarantee=guarantee.id, who="olga", why="as money", now=world.now)
    return [refund, refund]


def tier_change(world: World) -> Calls:
    return [
        partial(billing.change_tier, organisation=world.acme, tier=tier, who="alice", now=world.now)
        for tier in (Tier.ENTERPRISE, Tier.COMMUNITY, Tier.ENTERPRISE)
    ]


def purchase(world: World) -> Calls:
    return [world.bought for _ in range(EACH)]


def coupons(world: World) -> Calls:
    olga: dict[str, Any] = {"who": "olga", "why": "for the race", "now": world.now}
    code = f"RACE-{world.key()}"
    terms = CouponTerms(CouponFor.EITHER, world.now, percent=10, most_uses=2, once_each=False)
    billing.make_coupon(code=code, terms=terms, **olga)
    alice: dict[str, Any] = {"organisation": world.acme, "who": "alice", "now": world.now, "coupon": code}
    return [
        *(partial(billing.buy, package="10", key=world.key(), **alice) for _ in range(EACH)),
        partial(billing.change_tier, tier=Tier.ENTERPRISE, **alice),
        partial(billing.withdraw_coupon, code=code, **olga),
    ]


def payment(world: World) -> Calls:
    bought = [world.bought() for _ in range(EACH)]
    billing.change_tier(organisation=world.acme, tier=Tier.ENTERPRISE, who="alice", now=world.now)
    month = Purchase.objects.filter(kind=PurchaseKind.SUBSCRIPTION, paid_at__isnull=True).first()
    return [partial(world.pays, one) for one in (*bought, *([month] if month else []))]


def payment_refund(world: World) -> Calls:
    bought = [world.bought() for _ in range(EACH)]
    for one in bought:
        world.pays(one)
    return [
        partial(billing.refund_payment, reference=one.reference, who="olga", why="unused", now=world.now)
        for one in bought
    ]


def cancel_purchase(world: World) -> Calls:
    by_hand = [
        partial(
            billing.cancel,
            organisation=world.acme,
            reference=one.reference,
            who="alice",
            why="a mistake",
            now=world.now,
        )
        for one in (world.bought() for _ in range(EACH))
    ]
    return [*by_hand, partial(billing.cancel_expired, now=world.later(60))]


def dispute(world: World) -> Calls:
    bought = [world.bought() for _ in range(2)]
    for one in bought:
        world.pays(one)
    lost = [
        partial(
            billing.book_reversals,
            one.id,
            [paying.disputed(one, ReversalOutcome.LOST)],
            who="bank",
            now=world.now,
        )
        for one in bought
    ]
    return [*lost, partial(billing.collect_owed, now=world.now)]


def goodwill(world: World) -> Calls:
    return [partial(world.gifts, 1) for _ in range(EACH)]


def monthly_grants(world: World) -> Calls:
    return [partial(billing.sweep_grants, now=world.later(32))] * 2


def subscription_sweep(world: World) -> Calls:
    return [partial(billing.sweep_subscriptions, now=world.later(days)) for days in (32, 32, 60)]


def hold_sweep(world: World) -> Calls:
    for _ in range(EACH):
        ledger.place_hold(
            organisation=world.acme.id,
            credits=1,
            key=world.key(),
            reference=f"run:{new_id()}",
            reason="nobody works for it",
            deadline_at=world.later(1),
            now=world.now,
        )
    sweep = partial(ledger.sweep_stranded_holds, now=world.later(2), still_working=run_queries.still_working)
    return [sweep, sweep]


def top_up(world: World) -> Calls:
    def set_up() -> None:
        topups.set_top_up(
            organisation=world.acme,
            below=1000,
            package="10",
            monthly_limit=Money(500_00),
            gateway="fake",
            payment_method="pm_card_visa",
            who="alice",
            now=world.now,
        )

    set_up()
    topups.watch_credits(now=world.now)
    return [
        partial(topups.watch_credits, now=world.now + timedelta(minutes=16)),
        partial(topups.turn_off_top_up, organisation=world.acme, who="alice", now=world.now),
        set_up,
    ]


def members(world: World) -> Calls:
    who = {"who": "alice", "now": world.now, "organisation": world.acme}
    joined = [joins(world.acme, person(f"{world.key()}-{n}"), Role.TRAINER, world.now) for n in range(2)]
    return [
        partial(orgs.change_role, member=joined[0].id, role=Role.VIEWER, **who),
        partial(orgs.remove_member, member=joined[1].id, **who),
        partial(orgs.change_organisation, name="Acme & Co", time_zone="UTC", **who),
    ]


def keys(world: World) -> Calls:
    who = {"who": "alice", "now": world.now, "organisation": world.acme}
    make = partial(orgs.create_api_key, name="helpdesk", scopes=[Scope.READ], **who)
    return [make, partial(orgs.revoke_api_key, key=make().key.id, **who)]


def suspension(world: World) -> Calls:
    who = {"who": "olga", "why": "to be settled", "organisation": world.acme}
    return [
        partial(billing.suspend, now=world.now, **who),
        partial(billing.resume, now=world.now, **who),
        partial(billing.resume, now=world.later(1), **who),
    ]


def vendor_grants(world: World) -> Calls:
    why = {"who": "olga", "why": "for the race", "now": world.now}
    key = billing.create_vendor_key(name=world.key(), scopes=[VendorScope.CREDITS_GRANT], **why).key
    give = partial(goodwill_by_key, by=key, organisation=world.acme, credits=40, why="an outage", now=world.now)
    return [partial(give, key=f"g{n}") for n in range(EACH)]


def webhooks(world: World) -> Calls:
    who = {"who": "alice", "now": world.now, "organisation": world.acme}
    make = partial(create_endpoint, url="https://hooks.example/otai", events=["run.completed"], **who)
    return [make, partial(delete_endpoint, endpoint=make().endpoint.id, **who)]


def import_tickets(world: World) -> Calls:
    source = world.folder / "support.csv"
    return [partial(stories.import_tickets, organisation=world.acme, name="support", source=source, now=world.now)] * 2


def delete_some_tickets(world: World) -> Calls:
    source = world.folder / "support.csv"
    made = stories.import_tickets(organisation=world.acme, name=world.key(), source=source, now=world.now)
    who = {"organisation": world.acme, "who": "alice", "now": world.now}
    return [
        partial(delete_tickets, data_sets=[made], **who),
        partial(delete_tickets, data_sets=[world.support], with_models=True, **who),
    ]


def delete_a_model(world: World) -> Calls:
    world.ends(world.at_work(world.ordered()))
    [version, *_] = register_completed_runs(now=world.now, organisation=world.acme, among_newest=5)
    return [partial(delete_model, organisation=world.acme, id=version.model_id, who="alice", now=world.now)]


ALL: dict[str, Callable[[World], Calls]] = {
    made.__name__: made
    for made in (
        order,
        cancel,
        approvals,
        end,
        refund_run,
        guarantee_agree,
        guarantee_order,
        guarantee_end,
        guarantee_fee,
        tier_change,
        purchase,
        coupons,
        payment,
        payment_refund,
        cancel_purchase,
        dispute,
        goodwill,
        monthly_grants,
        subscription_sweep,
        hold_sweep,
        top_up,
        members,
        keys,
        suspension,
        vendor_grants,
        webhooks,
        import_tickets,
        delete_some_tickets,
        delete_a_model,
        paying.checkout_pages,
        paying.kept_methods,
        paying.renewal_payment,
        paying.years,
        paying.dunning,
        paying.month_taken_back,
        paying.confirmations,
        paying.bank_statements,
        paying.refunds_confirmed,
        paying.at_the_desk,
    )
}


def answer_of(call: Callable[[], object]) -> Any:
    """What came of the call: "done", the code of a refusal, or the exception that no customer should meet."""
    from otai.errors import OtaiError

    try:
        call()
    except OtaiError as refused:
        return refused.code
    except Exception as error:  # noqa: BLE001  the race tells of it
        return error
    return "done"
