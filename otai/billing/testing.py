"""A payment provider that lives in memory, for tests and demonstrations: it behaves as gateway.py says, and passes the
same contract test."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from otai.billing.gateway import (
    CheckoutOrder,
    CheckoutSeen,
    CheckoutState,
    ForgedWebhook,
    GatewayUnavailable,
    HostedCheckout,
    MethodSeen,
    MoveKind,
    MoveSeen,
    NewsKind,
    PaymentDeclined,
    PaymentOrder,
    PaymentSeen,
    PaymentState,
    PayoutSeen,
    PayoutState,
    ProviderEvent,
    ProviderNews,
    RefundOutcome,
    RefundSeen,
    ReversalOutcome,
    ReversalSeen,
)

SECRET = b"the fake provider's secret"

GOOD_CARD = "pm_good"
DECLINED_CARD = "pm_declined"
CARD_WITH_3D_SECURE = "pm_3d_secure"
CARD_THAT_ASKS_EVERY_TIME = "pm_asks"
"""Its bank wants its owner for each payment: on the page it pays, without the payer it cannot."""
SLOW_DEBIT = "pm_debit"
"""Processing first; `settle` decides its outcome."""

FEE_CENTS = 35
"""What the fake provider keeps of each payment."""


@dataclass
class _Account:
    payments: dict[str, PaymentSeen] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)
    refunds_failed: list[str] = field(default_factory=list)
    reversals: dict[str, tuple[str, ReversalSeen]] = field(default_factory=dict)
    events: list[ProviderEvent] = field(default_factory=list)
    moves: list[MoveSeen] = field(default_factory=list)
    payouts: dict[str, PayoutSeen] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    pages: dict[str, tuple[CheckoutOrder, CheckoutSeen]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    charges: int = 0
    told: int = 0
    is_down: bool = False


class FakeGateway(HostedCheckout):
    name = "fake"
    title = "Fake card"
    charges_saved_methods = True
    pays_by_invoice = False

    def least_cents(self, currency: str) -> int:
        return 50

    def __init__(self) -> None:
        self.account = _Account()

    def forget_everything(self) -> None:
        """A provider without payments."""
        self.account = _Account()

    def _answers(self) -> None:
        if self.account.is_down:
            raise GatewayUnavailable("down")

    def _takes(self, cents: int) -> None:
        if cents < self.least_cents("EUR"):
            raise PaymentDeclined("provider", reason="amount_too_small", said="The amount is too small.")

    def open_payment(self, order: PaymentOrder) -> PaymentSeen:
        self._answers()
        account = self.account
        if order.key in account.keys:
            return account.payments[account.keys[order.key]]
        self._takes(order.cents)
        reference = f"fp_{len(account.payments) + 1}"
        account.keys[order.key] = reference
        account.methods[reference] = order.payment_method
        account.amounts[reference] = order.cents
        account.payments[reference] = PaymentSeen(
            reference,
            PaymentState.WAITING,
            0,
            order.currency,
            purchase=order.purchase,
            client_secret="shh",  # noqa: S106 -- a fake
        )
        return account.payments[reference]

    def confirm(self, reference: str, *, payment_method: str = "", without_payer: bool = False) -> PaymentSeen:
        self._answers()
        if payment_method:
            self.account.methods[reference] = payment_method
        method = self.account.methods[reference].rpartition(":")[2]
        self.account.charges += 1
        if method == CARD_THAT_ASKS_EVERY_TIME and without_payer:
            self._becomes(
                reference,
                PaymentState.FAILED,
                problem="This payment needs its owner.",
                needs_payer=True,
                charge=f"fch_{self.account.charges}",
            )
            raise PaymentDeclined("provider", reason="authentication_required", said="This payment needs its owner.")
        if method == DECLINED_CARD:
            self._becomes(
                reference,
                PaymentState.FAILED,
                problem="Your card was declined.",
                charge=f"fch_{self.account.charges}",
            )
            raise PaymentDeclined("provider", reason="card_declined", said="Your card was declined.")
        if method == CARD_WITH_3D_SECURE:
            return self._becomes(reference, PaymentState.ACTION_NEEDED)
        if method == SLOW_DEBIT:
            return self._becomes(reference, PaymentState.PROCESSING)
        return self.settle(reference)

    def settle(self, reference: str, *, succeeds: bool = True, cents: int | None = None) -> PaymentSeen:
        """The payer's bank has decided: what a customer or a bank does, not we."""
        if not succeeds:
            return self._becomes(
                reference,
                PaymentState.FAILED,
                problem="The debit was refused.",
                charge=f"fch_{self.account.charges}",
            )
        received = self.account.amounts[reference] if cents is None else cents
        return self._becomes(reference, PaymentState.SUCCEEDED, received_cents=received)

    def _becomes(self, reference: str, state: PaymentState, **changes: Any) -> PaymentSeen:
        found = replace(
            self.account.payments[reference],
            state=state,
            **{"problem": "", "charge": "", "needs_payer": False, **changes},
        )
        self.account.payments[reference] = found
        if state is PaymentState.SUCCEEDED:
            self._moves(MoveKind.PAYMENT, found.received_cents, payment=reference, fee_cents=FEE_CENTS)
        self.tell(f"payment.{state}", {"payment": reference})
        return found

    def _moves(self, kind: MoveKind, cents: int, *, payment: str = "", subject: str = "", fee_cents: int = 0) -> None:
        number = len(self.account.moves) + 1
        at = datetime.fromtimestamp(1_790_000_000 + number, tz=UTC)
        self.account.moves.append(
            MoveSeen(
                f"fm_{number}",
                kind,
                cents,
                fee_cents,
                self._currency(payment),
                at,
                payment,
                subject,
                provider_kind=kind.value,
            )
        )

    def _currency(self, reference: str) -> str:
        payment = self.account.payments.get(reference)
        return payment.currency if payment else "EUR"

    def _reversal_moves(self, reference: str, seen: ReversalSeen) -> None:
        """Brings the balance to what a reversal says now."""
        is_gone = seen.outcome in (ReversalOutcome.OPEN, ReversalOutcome.LOST)
        moved = sum(move.cents for move in self.account.moves if move.subject == seen.subject)
        if missing := (-seen.cents if is_gone else 0) - moved:
            kind = MoveKind.REFUND if seen.is_refund else MoveKind.DISPUTE
            self._moves(kind, missing, payment=reference, subject=seen.subject)

    def pays_out(self, cents: int | None = None) -> PayoutSeen:
        """The provider sends so much of the balance to the vendor's bank; without an amount all that no payout brought
        yet, by itself, and says what that was."""
        reference = f"fo_{len(self.account.moves) + 1}"
        gone = {move.id for payout in self.account.payouts.values() for move in payout.brought or ()}
        gone |= {move.id for move in self.account.moves if move.kind is MoveKind.PAYOUT and move.cents <= 0}
        brought = tuple(move for move in self.account.moves if move.id not in gone) if cents is None else None
        sent = sum(move.net_cents for move in brought) if brought is not None else int(cents or 0)
        self._moves(MoveKind.PAYOUT, -sent, subject=reference)
        seen = PayoutSeen(reference, PayoutState.PAID, sent, self.account.moves[-1].currency, brought)
        self.account.payouts[reference] = seen
        return seen

    def payout_fails(self, reference: str, *, comes_back: bool = True) -> None:
        """The vendor's bank sends a payout back."""
        seen = self.account.payouts[reference]
        self.account.payouts[reference] = replace(seen, state=PayoutState.FAILED)
        if comes_back:
            self._moves(MoveKind.PAYOUT, seen.cents, subject=reference)

    def balance(self) -> dict[str, int] | None:
        self._answers()
        found: dict[str, int] = {}
        for move in self.account.moves:
            found[move.currency] = found.get(move.currency, 0) + move.net_cents
        return found

    def payout(self, reference: str) -> PayoutSeen | None:
        self._answers()
        return self.account.payouts.get(reference)

    def balance_moves(self, since: datetime) -> list[MoveSeen]:
        self._answers()
        return list(self.account.moves)

    def tell(self, type: str, subject: dict[str, Any]) -> ProviderEvent:
        """Something happens at the provider: an event that a webhook could bring, and that `events_since` lists."""
        self.account.told += 1
        number = self.account.told
        at = datetime.fromtimestamp(1_790_000_000 + number, tz=UTC)
        payload = {"id": f"fe_{number}", "type": type, "created": int(at.timestamp()), "subject": subject}
        event = ProviderEvent(f"fe_{number}", type, payload, at)
        self.account.events.append(event)
        return event

    def dispute(
        self, reference: str, *, verdict: str = "opened", name: str = "", cents: int | None = None
    ) -> ProviderEvent:
        """A payer's bank asks the money back, all of it or `cents`; `verdict` says how the dispute stands from now on:
        opened, won, lost, inquiry, inquiry_closed, or a word that nobody knows. `name` tells several disputes of a
        payment apart."""
        known = {"opened": ReversalOutcome.OPEN} | {str(outcome): outcome for outcome in ReversalOutcome}
        subject = f"fd_{reference}{name}"
        amount = self.account.amounts[reference] if cents is None else cents
        seen = ReversalSeen(
            reference,
            subject,
            known.get(verdict, ReversalOutcome.UNKNOWN),
            amount,
            self._currency(reference),
            "fraudulent",
            provider_state=verdict,
        )
        self.account.reversals[subject] = (reference, seen)
        self._reversal_moves(reference, seen)
        return self.tell(f"dispute.{verdict}", {"payment": reference, "dispute": subject, "cents": amount})

    def refund_by_hand(
        self, reference: str, *, cents: int, name: str = "1", outcome: ReversalOutcome = ReversalOutcome.LOST
    ) -> ProviderEvent:
        """Somebody refunds a payment at the provider, past the Studio."""
        subject = f"fr_{reference}_{name}"
        seen = ReversalSeen(
            reference,
            subject,
            outcome,
            cents,
            self._currency(reference),
            "refunded by hand",
            provider_state="succeeded",
            is_refund=True,
        )
        self.account.reversals[subject] = (reference, seen)
        self._reversal_moves(reference, seen)
        return self.tell("refund.made", {"payment": reference})

    def reversals(self, reference: str) -> list[ReversalSeen]:
        self._answers()
        return [seen for payment, seen in self.account.reversals.values() if payment == reference]

    def look_up(self, reference: str) -> PaymentSeen:
        self._answers()
        if reference not in self.account.payments:
            raise PaymentDeclined("no_payment", reference=reference)
        return self.account.payments[reference]

    def cancel(self, reference: str) -> PaymentSeen:
        self._answers()
        found = self.look_up(reference)
        if found.state in (PaymentState.SUCCEEDED, PaymentState.PROCESSING, PaymentState.CANCELLED):
            return found
        return self._becomes(reference, PaymentState.CANCELLED)

    def refund(self, *, reference: str, cents: int, currency: str, key: str) -> RefundSeen:
        self._answers()
        paid = self.look_up(reference).received_cents
        back = sum(
            amount
            for refund, (payment, amount) in self.account.refunds.items()
            if payment == reference and refund != key
        )
        back += sum(seen.cents for seen in self.reversals(reference) if seen.outcome is ReversalOutcome.LOST)
        if cents > paid - back:
            return RefundSeen("", RefundOutcome.FAILED, "More than was paid.")
        tries = self.account.refunds_failed.count(key)
        name = f"fr_{key}" + (f":try-{tries}" if tries else "")
        if key not in self.account.refunds:
            self._moves(MoveKind.REFUND, -cents, payment=reference, subject=name)
        self.account.refunds[key] = (reference, cents)
        return RefundSeen(name, RefundOutcome.CONFIRMED)

    def refund_fails(self, refund: str) -> ProviderEvent:
        """A refund of ours did not arrive after all, and its money is back with us; another can be sent."""
        key = refund.removeprefix("fr_").partition(":try-")[0]
        payment, cents = self.account.refunds.pop(key)
        self._moves(MoveKind.REFUND, cents, payment=payment, subject=refund)
        self.account.refunds_failed.append(key)
        return self.tell("refund.failed", {"refund": refund, "payment": payment})

    def save_method(self, *, payment_method: str, customer: str) -> str:
        self._answers()
        saved = f"{customer}:{payment_method}"
        self.account.kept.add(saved)
        return saved

    def make_customer(self, *, name: str, email: str, key: str) -> str:
        self._answers()
        return self.account.customers.setdefault(key, f"fc_{len(self.account.customers) + 1}")

    def open_checkout(self, order: CheckoutOrder) -> CheckoutSeen:
        self._answers()
        for known, seen in self.account.pages.values():
            if known.key == order.key:
                return seen
        reference = f"fs_{len(self.account.pages) + 1}"
        url = f"https://pay.example/{reference}"
        seen = CheckoutSeen(reference, CheckoutState.OPEN, url=url, purchase=order.purchase)
        self.account.pages[reference] = (order, seen)
        return seen

    def look_up_checkout(self, reference: str) -> CheckoutSeen:
        self._answers()
        if reference not in self.account.pages:
            raise PaymentDeclined("no_payment", reference=reference)
        return self.account.pages[reference][1]

    def close_checkout(self, reference: str) -> CheckoutSeen:
        seen = self.look_up_checkout(reference)
        return self._page_becomes(reference, CheckoutState.EXPIRED) if seen.state is CheckoutState.OPEN else seen

    def _page_becomes(self, reference: str, state: CheckoutState, **changes: Any) -> CheckoutSeen:
        order, seen = self.account.pages[reference]
        found = replace(seen, state=state, url="", **changes)
        self.account.pages[reference] = (order, found)
        self.tell(f"checkout.{state}", {"page": reference})
        return found

    def payer_pays(self, reference: str, method: str = GOOD_CARD) -> CheckoutSeen:
        """The payer enters a method on the page: what a customer does, not we. Raises PaymentDeclined, and leaves the
        page open then."""
        order, _ = self.account.pages[reference]
        kept = f"{order.customer}:{method}"
        if not order.cents:
            self.account.kept.add(kept)
            return self._page_becomes(reference, CheckoutState.COMPLETE, method=kept)
        payment = self.open_payment(
            PaymentOrder(order.purchase, order.reference, order.cents, order.currency, f"page:{reference}", kept)
        ).reference
        seen = self.confirm(payment, payment_method=kept)
        if seen.state is PaymentState.ACTION_NEEDED:
            # The payer is there, and satisfies the bank.
            seen = self.settle(payment)
        if order.keeps_method:
            self.account.kept.add(kept)
            self.account.payments[payment] = replace(seen, kept_method=kept)
        return self._page_becomes(reference, CheckoutState.COMPLETE, payment=payment)

    def method(self, reference: str) -> MethodSeen | None:
        self._answers()
        if reference not in self.account.kept:
            return None
        is_debit = reference.endswith(SLOW_DEBIT)
        kind, brand = ("sepa_debit", "") if is_debit else ("card", "visa")
        year, month = (None, None) if is_debit else (2030, 12)
        # `pm_good#2` is the same card, added once more.
        fingerprint = reference.rpartition(":")[2].partition("#")[0]
        return MethodSeen(reference, kind, brand, "4242", year, month, fingerprint)

    def forget_method(self, reference: str) -> None:
        self._answers()
        self.account.kept.discard(reference)
        self.tell("method.removed", {"method": reference.rpartition(":")[2]})

    def portal(self, *, customer: str, return_url: str) -> str:
        self._answers()
        return f"https://pay.example/portal/{customer}"

    def signed(self, event: ProviderEvent) -> tuple[bytes, dict[str, str]]:
        """Body and headers, as the provider would send them."""
        body = json.dumps(event.payload).encode()
        return body, {"Fake-Signature": hmac.new(SECRET, body, hashlib.sha256).hexdigest()}

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        signature = headers.get("Fake-Signature", "")
        if not hmac.compare_digest(signature, hmac.new(SECRET, body, hashlib.sha256).hexdigest()):
            raise ForgedWebhook("signature_of_provider")
        payload = json.loads(body)
        at = datetime.fromtimestamp(payload["created"], tz=UTC)
        return ProviderEvent(payload["id"], payload["type"], payload, at)

    def events_since(self, at: datetime) -> list[ProviderEvent]:
        self._answers()
        return list(self.account.events)

    def news(self, payload: dict[str, Any]) -> ProviderNews:
        subject = payload.get("subject", {})
        kind = str(payload.get("type", ""))
        if kind.startswith("payment."):
            return ProviderNews(NewsKind.PAYMENT, reference=subject["payment"])
        if kind.startswith("dispute.") or kind == "refund.made":
            return ProviderNews(NewsKind.REVERSAL, subject["payment"], str(subject.get("dispute", "")))
        if kind.startswith("checkout."):
            return ProviderNews(NewsKind.CHECKOUT, subject=subject["page"])
        if kind.startswith("method."):
            return ProviderNews(NewsKind.METHOD, subject=subject["method"])
        if kind == "refund.failed":
            payment = str(subject.get("payment", ""))
            return ProviderNews(NewsKind.REFUND_FAILED, payment, subject["refund"], reason="account closed")
        return ProviderNews(NewsKind.OTHER)
