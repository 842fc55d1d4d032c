"""The tables of billing, by noun."""

from otai.billing.models.balance import BalanceCheck, BalanceDifference, BalanceMove, DiffersBy
from otai.billing.models.books import BankEntry, BankEntryState, ClosedMonth, WriteOff
from otai.billing.models.chain import ChainLink
from otai.billing.models.coupons import Coupon, CouponFor
from otai.billing.models.invoices import Invoice, InvoiceKind, InvoiceSeries
from otai.billing.models.methods import (
    ChargeAttempt,
    CheckoutPage,
    CheckoutStateOf,
    GatewayCustomer,
    PaymentMethod,
)
from otai.billing.models.notices import CreditWatch, Notice, TopUp, TopUpState
from otai.billing.models.payments import (
    BroughtLot,
    Payment,
    PaymentRefund,
    RefundKind,
    RefundState,
    Reversal,
    ReversalKind,
    ReversalState,
    Taking,
)
from otai.billing.models.purchases import CustomPackage, Purchase, PurchaseKind
from otai.billing.models.requests import OperatorRequest, OperatorRequestKind, OperatorRequestState
from otai.billing.models.subscriptions import TIERS, BillingDetails, Event, Subscription, TierChange
from otai.billing.models.vat_ids import VatIdCheck, VatIdState
from otai.billing.models.vendor_keys import VendorKey
from otai.billing.models.webhooks import WebhookEvent, WebhookState

__all__ = [
    "TIERS",
    "BalanceCheck",
    "BalanceDifference",
    "BalanceMove",
    "BankEntry",
    "BankEntryState",
    "BillingDetails",
    "BroughtLot",
    "ChainLink",
    "ChargeAttempt",
    "CheckoutPage",
    "CheckoutStateOf",
    "ClosedMonth",
    "Coupon",
    "CouponFor",
    "CreditWatch",
    "CustomPackage",
    "DiffersBy",
    "Event",
    "GatewayCustomer",
    "Invoice",
    "InvoiceKind",
    "InvoiceSeries",
    "Notice",
    "OperatorRequest",
    "OperatorRequestKind",
    "OperatorRequestState",
    "Payment",
    "PaymentMethod",
    "PaymentRefund",
    "Purchase",
    "PurchaseKind",
    "RefundKind",
    "RefundState",
    "Reversal",
    "ReversalKind",
    "ReversalState",
    "Subscription",
    "Taking",
    "TierChange",
    "TopUp",
    "TopUpState",
    "VatIdCheck",
    "VatIdState",
    "VendorKey",
    "WebhookEvent",
    "WebhookState",
    "WriteOff",
]
