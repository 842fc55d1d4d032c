"""How credits arrive and how money is handled: tiers and their grants, packages, purchases, payments, invoices, payment
refunds.

Words: tier, subscription, grant (credits given by tier), package, purchase (an order and what became of it), payment
(money that came: applied + surplus), payment refund, reversal (the payer's bank took a payment back), notice (a mail).
Read `status.py` for the life cycles, then `operations/checkout.py` and `operations/payments.py`: everything turns
around `book_payment`. Providers are behind `gateway.py`; what a webhook says is asked of them again
(`operations/webhooks.py`). `operations/sweep.py` does what is due by the clock. `docs/billing.md` tells it whole.
"""
