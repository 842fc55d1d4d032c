"""All that changes billing, by noun. One transaction each; providers and mail servers are spoken to between
transactions."""

from otai.billing.operations.checkout import ask_gateways, buy, cancel, cancel_expired, pay
from otai.billing.operations.details import set_billing_details
from otai.billing.operations.goodwill import give_goodwill, refund_credits
from otai.billing.operations.grants import sweep_grants
from otai.billing.operations.packages import offer_package, withdraw_package
from otai.billing.operations.payments import confirm_payment
from otai.billing.operations.refunds import (
    confirm_refund,
    refund_fee,
    refund_payment,
    return_surplus,
    send,
    send_waiting,
)
from otai.billing.operations.renewal_payment import set_renewal_payment
from otai.billing.operations.renewals import sweep_subscriptions
from otai.billing.operations.reversals import book_reversals, collect_before_spending, collect_owed, settle_owed
from otai.billing.operations.subscriptions import sign_up
from otai.billing.operations.tiers import cancel_tier, change_tier

__all__ = [
    "ask_gateways",
    "book_reversals",
    "buy",
    "cancel",
    "cancel_expired",
    "cancel_tier",
    "change_tier",
    "collect_before_spending",
    "collect_owed",
    "confirm_payment",
    "confirm_refund",
    "give_goodwill",
    "offer_package",
    "pay",
    "refund_credits",
    "refund_fee",
    "refund_payment",
    "return_surplus",
    "send",
    "send_waiting",
    "set_billing_details",
    "set_renewal_payment",
    "settle_owed",
    "sign_up",
    "sweep_grants",
    "sweep_subscriptions",
    "withdraw_package",
]
