"""Payment providers, behind one protocol. All calls go out between transactions, never inside one.

Whatever a provider tells us on its own (webhooks) is taken as news that something happened; what happened is then asked
of it (`look_up`), so that repeated, late and reordered news do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from otai.errors import Invalid, NotAllowed, Refused, Unavailable


class GatewayUnavailable(Unavailable):
    """The provider did not answer, or not in time. Nothing is known: look the payment up, or ask again with the same
    key."""

    code = "gateway_unavailable"


class PaymentDeclined(Refused):
    """The provider or the payer's bank said no; the message is theirs."""

    code = "payment_declined"


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
    made by the vendor at the provider, rather than asked for by the payer's bank.
    """

    subject: str
    outcome: ReversalOutcome
    cents: int
    currency: str
    reason: str = ""
    provider_state: str = ""
    is_refund: bool = False


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
    REVERSAL_OPENED = "reversal_opened"
    REVERSAL_WON = "reversal_won"
    REVERSAL_LOST = "reversal_lost"
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

    def open_payment(self, order: PaymentOrder) -> PaymentSeen:
        """Makes the payment known to the provider. The same `order.key` again returns the same payment."""
        ...

    def confirm(self, reference: str) -> PaymentSeen:
        """Tries to charge the method the payment was opened with. Raises PaymentDeclined."""
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

    def save_method(self, *, payment_method: str, name: str, email: str) -> str:
        """Keeps a payment method for later charges without the payer; returns its opaque name."""
        ...

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Raises ForgedWebhook unless the provider signed exactly this body, lately."""
        ...

    def events_since(self, at: datetime) -> list[ProviderEvent]:
        """What the provider would have told by webhook since then: finds what was lost on the way."""
        ...

    def news(self, payload: dict[str, Any]) -> ProviderNews:
        """What the payload of an event is about; of the kind OTHER where it does not concern us."""
