"""Invoice and bank transfer: the embedded default. Nothing is called; an operator confirms what the bank statement
shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from otai.billing.gateway import (
    ForgedWebhook,
    Gateway,
    NewsKind,
    PaymentDeclined,
    PaymentOrder,
    PaymentSeen,
    PaymentState,
    ProviderEvent,
    ProviderNews,
    RefundOutcome,
    RefundSeen,
)


class BankTransfer(Gateway):
    name = "bank_transfer"
    title = "Invoice and bank transfer"
    charges_saved_methods = False
    pays_by_invoice = True

    def least_cents(self, currency: str) -> int:
        return 1

    def open_payment(self, order: PaymentOrder) -> PaymentSeen:
        return PaymentSeen(order.reference, PaymentState.WAITING, 0, order.currency, purchase=order.purchase)

    def confirm(self, reference: str, *, payment_method: str = "", without_payer: bool = False) -> PaymentSeen:
        raise PaymentDeclined("bank_transfer", reference=reference)

    def look_up(self, reference: str) -> PaymentSeen:
        return PaymentSeen(reference, PaymentState.WAITING, 0, "")

    def cancel(self, reference: str) -> PaymentSeen:
        return PaymentSeen(reference, PaymentState.CANCELLED, 0, "")

    def refund(self, *, reference: str, cents: int, currency: str, key: str) -> RefundSeen:
        # An operator makes the transfer and marks it as confirmed at the desk.
        return RefundSeen(key, RefundOutcome.SENT)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        raise ForgedWebhook("no_webhook")

    def events_since(self, at: datetime) -> list[ProviderEvent]:
        return []

    def news(self, payload: dict[str, Any]) -> ProviderNews:
        return ProviderNews(NewsKind.OTHER)
