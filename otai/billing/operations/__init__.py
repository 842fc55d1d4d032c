"""All that changes billing, by noun. One transaction each; providers and mail servers are spoken to between
transactions."""

from otai.billing.operations.checkout import ask_gateways, buy, cancel, cancel_expired, order_package, pay
from otai.billing.operations.coupons import make_coupon, withdraw_coupon
from otai.billing.operations.details import set_billing_details
from otai.billing.operations.goodwill import give_goodwill, refund_credits
from otai.billing.operations.grants import sweep_grants
from otai.billing.operations.methods import pay_renewals_with, payment_method, payment_methods, remove_method
from otai.billing.operations.packages import offer_package, withdraw_package
from otai.billing.operations.pages import (
    is_hosted,
    open_method_page,
    open_payment_page,
    page_named,
    portal,
    settle_page,
)
from otai.billing.operations.payments import confirm_payment
from otai.billing.operations.prices import schedule_price_book
from otai.billing.operations.provisioning import checked_language, mail_welcome, provision
from otai.billing.operations.refunds import (
    confirm_refund,
    refund_fee,
    refund_payment,
    return_surplus,
    send,
    send_waiting,
)
from otai.billing.operations.renewal_payment import set_renewal_payment
from otai.billing.operations.renewals import announce_years, sweep_subscriptions
from otai.billing.operations.reversals import book_reversals, collect_before_spending, collect_owed, settle_owed
from otai.billing.operations.second_operator import SameOperator, credits_take_two
from otai.billing.operations.statements import assign_entry, dismiss_entry, import_statement
from otai.billing.operations.subscriptions import confirmed, sign_up
from otai.billing.operations.suspensions import resume, suspend
from otai.billing.operations.tiers import cancel_tier, change_tier
from otai.billing.operations.vendor_keys import create_vendor_key, revoke_vendor_key
from otai.billing.operations.write_offs import write_off_owed

__all__ = [
    "SameOperator",
    "announce_years",
    "ask_gateways",
    "assign_entry",
    "book_reversals",
    "buy",
    "cancel",
    "cancel_expired",
    "cancel_tier",
    "change_tier",
    "checked_language",
    "collect_before_spending",
    "collect_owed",
    "confirm_payment",
    "confirm_refund",
    "confirmed",
    "create_vendor_key",
    "credits_take_two",
    "dismiss_entry",
    "give_goodwill",
    "import_statement",
    "is_hosted",
    "mail_welcome",
    "make_coupon",
    "offer_package",
    "open_method_page",
    "open_payment_page",
    "order_package",
    "page_named",
    "pay",
    "pay_renewals_with",
    "payment_method",
    "payment_methods",
    "portal",
    "provision",
    "refund_credits",
    "refund_fee",
    "refund_payment",
    "remove_method",
    "resume",
    "return_surplus",
    "revoke_vendor_key",
    "schedule_price_book",
    "send",
    "send_waiting",
    "set_billing_details",
    "set_renewal_payment",
    "settle_owed",
    "settle_page",
    "sign_up",
    "suspend",
    "sweep_grants",
    "sweep_subscriptions",
    "withdraw_coupon",
    "withdraw_package",
    "write_off_owed",
]
