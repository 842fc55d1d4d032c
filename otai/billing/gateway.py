"""Payment providers, behind one protocol. All calls go out between transactions, never inside one.

Whatever a provider tells us on its own (webhooks) is taken as news that something happened; what happened is then asked
of it (`look_up`), so that repeated, late and reordered news do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from otai.errors import Invalid, NotAllowed, Refused, Unavailable


class GatewayUnavailable(Unavailable):
    """The provider did not answer, or not in time. Nothing is known: look the payment up, or ask again with the same
    key."""

    code = "gateway_unavailable"


class PaymentDeclined(Refused):
    """The provider or the payer's bank said no; the message is theirs."""

    code = "payment_declined"

    @property
    def said_there(self) -> str:
        """The provider's own words; its code, or ours, where it said nothing."""
        return str(self.details.get("said") or self.details.get("reason") or self.key)


class GatewayUnknown(Invalid):
    code = "gateway_unknown"


class ForgedWebhook(NotAllowed):
    """The signature is missing, wrong or too old."""

    code = "forged_webhook"


class PaymentState(StrEnum):
    WAITING = "waiting"
    """For the payer: nothing was paid yet."""
    ACTION_NEEDED = "action_needed"
    """For the payer's bank to be satisfied: 3-D Secure."""
    PROCESSING = "processing"
    """With the bank: the outcome comes later, as with SEPA debit."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """This attempt; another may follow."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What is to be paid. `key` makes a repeated call harmless; `payment_method` is the provider's opaque name for a
    saved or just entered method, empty while the payer has still to choose."""

    purchase: str
    reference: str
    cents: int
    currency: str
    key: str
    payment_method: str = ""


@dataclass(frozen=True, slots=True)
class PaymentSeen:
    """A payment as the provider sees it now. `reference` is its name there, `received_cents` what arrived in
    `currency`."""

    reference: str
    state: PaymentState
    received_cents: int
    currency: str
    purchase: str = ""
    problem: str = ""
    client_secret: str = ""
    charge: str = ""
    """The provider's name for the try that failed: the same failure seen again is told once."""
    needs_payer: bool = False
    """The try failed since the bank wanted the payer, and nobody was there."""
    kept_method: str = ""
    """The provider's name for the method that paid, where the payer let it be kept for later charges; else empty."""


class CheckoutState(StrEnum):
    """Of a provider's hosted page: what the payer did with the page, not what became of the money."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What a hosted page is to show. `return_url` may hold `{session}`, where the provider puts the page's name.

    `customer` is the provider's name for the organisation. `cents` are gross; with `cents` 0 nothing is paid, and the
    page only keeps a payment method. `key` makes a repeated call harmless.
    """

    customer: str
    cents: int
    currency: str
    title: str
    key: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    language: str = "en"
    purchase: str = ""
    reference: str = ""
    keeps_method: bool = True


@dataclass(frozen=True, slots=True)
class CheckoutSeen:
    """A hosted page as the provider has it now. `url` is where the payer goes while it is open; `payment` the payment
    that was made on it; `method` the payment method that it kept, where it was opened for that alone."""

    reference: str
    state: CheckoutState
    url: str = ""
    payment: str = ""
    method: str = ""
    purchase: str = ""


@dataclass(frozen=True, slots=True)
class MethodSeen:
    """A kept payment method, as people know it: no number, never more than its last four digits. `fingerprint`: the
    provider's own mark, the same for the same card or account however often it was added; empty where it has none."""

    reference: str
    kind: str
    brand: str
    last_four: str
    expires_year: int | None = None
    expires_month: int | None = None
    fingerprint: str = ""


class RefundOutcome(StrEnum):
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RefundSeen:
    reference: str
    outcome: RefundOutcome
    problem: str = ""


class ReversalOutcome(StrEnum):
    """Where money that goes back stands, in our terms."""

    INQUIRY = "inquiry"
    """The bank asks: no money has moved."""
    INQUIRY_CLOSED = "inquiry_closed"
    OPEN = "open"
    """The money is with the bank until it has decided."""
    WON = "won"
    """It stays with us."""
    LOST = "lost"
    """It is gone."""
    UNKNOWN = "unknown"
    """A state that the provider added after this was written: taken for an inquiry, and told to an operator."""


@dataclass(frozen=True, slots=True)
class ReversalSeen:
    """Money of one payment that goes back otherwise than by a refund we sent, as the provider sees it now.

    `subject` is its name there, `cents` gross in `currency`, `provider_state` the provider's own word. `is_refund`:
    made by the vendor at the provider, rather than asked for by the payer's bank. `payment` is the provider's name for
    the payment, as it was asked with.
    """

    payment: str
    subject: str
    outcome: ReversalOutcome
    cents: int
    currency: str
    reason: str = ""
    provider_state: str = ""
    is_refund: bool = False


class MoveKind(StrEnum):
    """What moved the vendor's balance at the provider, in our terms."""

    PAYMENT = "payment"
    REFUND = "refund"
    """Sent; or its money is back, where it did not arrive."""
    DISPUTE = "dispute"
    """Taken by the payer's bank, or given back by it."""
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"
    """None that we cause: an operator looks at it."""


@dataclass(frozen=True, slots=True)
class MoveSeen:
    """One movement of our balance at the provider. `id` is its name there, `cents` gross and negative where it went
    out, `fee_cents` what the provider kept of it; `payment` names the payment that it is of, `subject` the refund,
    dispute or payout."""

    id: str
    kind: MoveKind
    cents: int
    fee_cents: int
    currency: str
    at: datetime
    payment: str = ""
    subject: str = ""
    provider_kind: str = ""

    @property
    def net_cents(self) -> int:
        """By how much our balance there changed."""
        return self.cents - self.fee_cents


class PayoutState(StrEnum):
    ON_ITS_WAY = "on_its_way"
    PAID = "paid"
    """As far as the provider knows: a bank may still send it back."""
    FAILED = "failed"
    """Or cancelled: its money comes back to our balance there."""


@dataclass(frozen=True, slots=True)
class PayoutSeen:
    """Money sent from our balance there to the vendor's bank, as the provider sees it now. `cents` are what was sent,
    `brought` the movements that it pays out; None where the provider does not say, or not yet."""

    reference: str
    state: PayoutState
    cents: int
    currency: str
    brought: tuple[MoveSeen, ...] | None = None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One piece of news, its signature verified. `payload` is stored as it came."""

    id: str
    type: str
    payload: dict[str, Any]
    happened_at: datetime


class NewsKind(StrEnum):
    PAYMENT = "payment"
    REVERSAL = "reversal"
    """Money of a payment goes back or came back: how it stands is asked of the provider."""
    CHECKOUT = "checkout"
    """Of a hosted page, named by `subject`."""
    METHOD = "method"
    """A kept payment method, named by `subject`, was changed or removed at the provider."""
    REFUND_FAILED = "refund_failed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ProviderNews:
    """What an event is about, in our terms: the payment's `reference` there, and for a reversal or refund its own
    `subject`."""

    kind: NewsKind
    reference: str = ""
    subject: str = ""
    cents: int = 0
    currency: str = ""
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Gateway(Protocol):
    """One way to be paid. Methods raise GatewayUnavailable; those that move money also PaymentDeclined."""

    name: str
    title: str
    charges_saved_methods: bool
    """Whether a payment can be made without the payer: renewals and automatic top-ups need it."""
    pays_by_invoice: bool
    """Whether the customer pays an invoice after the order, rather than at once."""

    def least_cents(self, currency: str) -> int:
        """The smallest amount (gross) that can be paid this way; less is refused before it is ordered."""
        ...

    def open_payment(self, order: PaymentOrder) -> PaymentSeen:
        """Makes the payment known to the provider. The same `order.key` again returns the same payment."""
        ...

    def confirm(self, reference: str, *, payment_method: str = "", without_payer: bool = False) -> PaymentSeen:
        """Tries to charge `payment_method`, or the method that the payment was opened with. Raises PaymentDeclined.

        `without_payer`: nobody is there who could satisfy a bank that asks; then the answer is PaymentDeclined with the
        reason `authentication_required`.
        """
        ...

    def look_up(self, reference: str) -> PaymentSeen:
        """The payment as the provider has it now. Raises GatewayUnavailable."""

    def cancel(self, reference: str) -> PaymentSeen:
        """Makes sure that it cannot be paid any more, if it is not too late; returns what it is now."""
        ...

    def refund(self, *, reference: str, cents: int, currency: str, key: str) -> RefundSeen:
        """Sends money back; the same key again sends nothing more."""
        ...

    def reversals(self, reference: str) -> list[ReversalSeen]:
        """All that went back of a payment otherwise than by `refund`, or may: disputes, inquiries, refunds made at the
        provider. Raises GatewayUnavailable."""
        return []

    def balance_moves(self, since: datetime) -> list[MoveSeen]:
        """What moved our balance there since then, oldest first: payments, refunds, disputes, fees, payouts. Raises
        GatewayUnavailable."""
        return []

    def balance(self) -> dict[str, int] | None:
        """Cents by currency of all that is ours there and not paid out, available or not yet; None where the provider
        does not say. Raises GatewayUnavailable."""
        return None

    def payout(self, reference: str) -> PayoutSeen | None:
        """A payout as the provider has it now; None where it knows none. Raises GatewayUnavailable."""
        return None

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Raises ForgedWebhook unless the provider signed exactly this body, lately."""
        ...

    def events_since(self, at: datetime) -> list[ProviderEvent]:
        """What the provider would have told by webhook since then: finds what was lost on the way."""
        ...

    def news(self, payload: dict[str, Any]) -> ProviderNews:
        """What the payload of an event is about; of the kind OTHER where it does not concern us."""


@runtime_checkable
class HostedCheckout(Gateway, Protocol):
    """A provider with pages of its own, where payers enter cards and mandates: none of it passes through ours.

    Sources: Stripe's Checkout Sessions and customer portal. All raise GatewayUnavailable, and PaymentDeclined where the
    provider refuses.
    """

    def make_customer(self, *, name: str, email: str, key: str) -> str:
        """The provider's name for an organisation; the same key again makes no second one."""
        ...

    def save_method(self, *, payment_method: str, customer: str) -> str:
        """Keeps a method for later charges without the payer; returns the provider's name for it. For methods that did
        not come by a page: the API's."""
        ...

    def open_checkout(self, order: CheckoutOrder) -> CheckoutSeen:
        """Opens a page for a payment, or for keeping a method. The same `order.key` again returns the same page."""
        ...

    def look_up_checkout(self, reference: str) -> CheckoutSeen:
        """The page as it is now."""
        ...

    def close_checkout(self, reference: str) -> CheckoutSeen:
        """Makes sure that nothing can be paid on it any more, if it is not too late; returns what it is now."""
        ...

    def method(self, reference: str) -> MethodSeen | None:
        """A kept method as people know it; None if the provider keeps it no more."""
        ...

    def forget_method(self, reference: str) -> None:
        """Has the provider keep it no more; one that is gone already is no error."""
        ...

    def portal(self, *, customer: str, return_url: str) -> str:
        """The address of a page at the provider where the customer sees payments and methods kept there."""
        ...
