"""What operators are refused, at the desk and at the command line."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "already_refunded.purchase": said(
        "{reference} was paid back before; a purchase is paid back once.",
    ),
    "already_refunded.run": said(
        "The {credits} credits of run {number} were given back already.",
    ),
    "already_settled.reversal": said(
        "This was settled before, by {settled_by}: {settled_why}",
    ),
    "cluster_unavailable.cluster": said(
        "The cluster at {address} does not answer: {error}",
    ),
    "coupon_exists.code": said(
        "There is a coupon {coupon} already; each code is used once.",
    ),
    "invalid_coupon.amount": said("An amount is one cent at least."),
    "invalid_coupon.code": said("A code has 4 to 40 letters, digits and hyphens, such as WELCOME-2027."),
    "invalid_coupon.most_uses": said("A coupon can be used once at least."),
    "invalid_coupon.percent": said("A coupon takes 1 to 99 per cent off. What is given away is goodwill."),
    "invalid_coupon.percent_or_amount": said("A coupon takes a share off, or an amount: one of them."),
    "invalid_coupon.valid_until": said("A coupon ends in the future, and after it begins."),
    "criteria_not_agreed.nothing_waits": said(
        "The guarantee of {tier} is {status}: nothing waits for an operator.",
    ),
    "duplicate_request.entry": said(
        "{external_id} was recorded before. Another entry needs its own bank reference.",
    ),
    "duplicate_request.other_entry": said(
        (
            "{external_id} was recorded before: {amount:money} for {reference}. Another entry needs its own bank "
            "reference."
        ),
    ),
    "fee_not_credited.fee": said(
        "The guarantee is {status}: no fee stands as credits.",
    ),
    "fee_was_spent.fee": said(
        "{spent} of the {credits} credited credits are spent or held; a fee is paid back whole.",
    ),
    "file_store_unavailable.delete": said(
        "The file {path} could not be deleted from {url}: {error}.",
    ),
    "file_store_unavailable.gone": said(
        "The file {path} is not in the store {url}.",
    ),
    "file_store_unavailable.open": said(
        "The file store {url} cannot be opened: {error}.",
    ),
    "file_store_unavailable.read": said(
        "The file {path} could not be read from {url}: {error}.",
    ),
    "file_store_unavailable.tickets": said(
        "The tickets could not be written: {error}. Nothing was imported.",
    ),
    "file_store_unavailable.write": said(
        "The file store {url} did not take a file of {size:n} bytes: {error}. Nothing was stored.",
    ),
    "forged_webhook.no_event": said(
        "This is signed, but is no event of Stripe's. Nothing was done.",
    ),
    "forged_webhook.no_webhook": said(
        "Bank transfers have no webhook.",
    ),
    "forged_webhook.signature": said(
        "The signature of this webhook is not Stripe's. Nothing was done.",
    ),
    "forged_webhook.signature_of_provider": said(
        "The signature of this webhook is not the provider's. Nothing was done.",
    ),
    "gateway_unavailable.down": said(
        "The fake provider is down.",
    ),
    "gateway_unavailable.key": said(
        "Stripe does not accept our key. An operator must look at OTAI_STRIPE_SECRET_KEY.",
    ),
    "gateway_unavailable.no_webhook_secret": said(
        "Webhooks of Stripe are not set up: OTAI_STRIPE_WEBHOOK_SECRET is missing.",
    ),
    "fee_not_in_review.fee": said(
        "The guarantee is {status}: no fee waits for an operator.",
    ),
    "guarantee_there.tier": said(
        "{organisation} has its guarantee of {tier} already.",
    ),
    "invalid_billing_details.code": said(
        "The code of an own package is 2 to 40 lower-case letters, digits and hyphens, and not only digits.",
    ),
    "invalid_billing_details.price": said(
        "A package has a price; free credits are goodwill.",
    ),
    "invalid_payment.bank_reference": said(
        ("Give the bank's reference of the entry (1 to 180 characters): it keeps one payment from counting twice."),
    ),
    "invalid_payment.nothing": said(
        "A payment is more than nothing; money that goes out is a payment refund.",
    ),
    "invalid_pool.address": said(
        "The pool {name} needs its cluster's address: --address http://head:8265",
    ),
    "invalid_pool.interpreter": said(
        "The interpreter must be an absolute path, not {interpreter:quoted}: a job's own python is another.",
    ),
    "invalid_pool.name": said(
        "A pool's name has small letters, digits and hyphens, not {name:quoted}. For example: h100-frankfurt.",
    ),
    "invalid_pool.no_deliveries": said(
        "The pool {name} would serve nothing. Say which deliveries it serves: --fast, --standard.",
    ),
    "invalid_pool.slots": said(
        "The pool {name} needs at least 1 slot, not {slots}.",
    ),
    "invalid_pool.slots_of_node": said(
        "A node of the pool {name} needs at least 1 slot, not {slots_per_node}.",
    ),
    "not_found.no_guarantee": said(
        "There is no such guarantee.",
    ),
    "not_found.no_own_package": said(
        "{organisation} has no package {package:quoted} of its own.",
    ),
    "not_found.no_payment": said(
        "There is no payment {payment}.",
    ),
    "not_found.no_payment_refund": said(
        "There is no payment refund {refund}.",
    ),
    "not_found.no_pool": said(
        "There is no pool {pool}. `otai pools list` shows those that exist.",
    ),
    "not_found.no_reversal": said(
        "There is no reversal {reversal}.",
    ),
    "not_found.no_webhook_event": said(
        "There is no webhook event {event}.",
    ),
    "entry_decided.entry": said(
        "{entry} was decided before, by {decided_by}.",
    ),
    "imported_by_you.entry": said(
        "More than {most:money} of one organisation's payments within {days:n} days take two operators, and you "
        "imported this statement. Ask another one to book it.",
    ),
    "invalid_bank_statement.no_account": said(
        "The statement names no IBAN.",
    ),
    "invalid_bank_statement.no_amount": said(
        "{text:quoted} is no amount of an entry. Nothing was imported.",
    ),
    "invalid_bank_statement.no_camt": said(
        "This is no bank statement in CAMT.053: its root is {root:quoted}.",
    ),
    "invalid_bank_statement.no_day": said(
        "{text:quoted} is no day of an entry. Nothing was imported.",
    ),
    "invalid_bank_statement.no_xml": said(
        "The file is no XML that can be read. Ask the bank for CAMT.053, and unpack archives first.",
    ),
    "invalid_bank_statement.other_account": said(
        "The statement is of {account}, and the seller's account is {own}. Nothing was imported.",
    ),
    "invalid_bank_statement.too_large": said(
        "A statement has {most:n} bytes at most.",
    ),
    "vies_unavailable.no_answer": said(
        "VIES does not answer now ({error}); it is asked again.",
    ),
    "invalid_month.quarter": said(
        "The One Stop Shop is declared by quarter: write 2026-Q4, not {period}.",
    ),
    "invalid_request.export": said(
        "{kind:quoted} is nothing that is exported: {known:words}.",
    ),
    "month_does_not_add_up.month": said(
        "{month} does not add up: {difference:money} are unexplained. Nothing was closed; ask `otai billing audit`.",
    ),
    "month_not_over.month": said(
        "{month} is not over yet. Close it when it is.",
    ),
    "months_in_order.month": said(
        "Months are closed in their order: {next} comes before {month}.",
    ),
    "not_found.bank_entry": said(
        "There is no bank entry {entry}.",
    ),
    "not_found.closed_month": said(
        "{month} is not closed.",
    ),
    "nothing_owed.reversal": said(
        "Nothing is owed for {reversal}, or the bank has not decided yet.",
    ),
    "nothing_to_refund.less_than_a_cent": said(
        "{wanted} credits of {reference} are worth less than a cent.",
    ),
    "nothing_to_refund.less_is_kept": said(
        "Only {amount:money} of the price of {reference} are still kept: the rest went back already.",
    ),
    "nothing_to_refund.month": said(
        "{reference} is a month of a tier; only unused credits are paid back.",
    ),
    "nothing_to_refund.no_paid_month": said(
        "Less than {amount:money} was ever paid and is still kept: leave the fee as credits.",
    ),
    "nothing_to_refund.no_surplus": said(
        "This payment has no surplus left to return.",
    ),
    "nothing_to_refund.not_ours": said(
        "{reference} is {status}: its money is not ours to pay back.",
    ),
    "nothing_to_refund.spent": said(
        "All {credits} credits of {reference} are spent or held; there is nothing to pay back.",
    ),
    "package_exists.package": said(
        "{organisation} has a package {package:quoted} already.",
    ),
    "payment_declined.no_payment": said(
        "There is no payment {reference}.",
    ),
    "payment_not_confirmed.purchase": said(
        "{reference} is {status}: its payment is not confirmed. Cancel it instead.",
    ),
    "pool_is_full.slots": said(
        Counted(
            "The pool {pool} has {slots:n} slot, which is taken by {workers:words}. Give it more: otai pools set "
            "{pool} --slots {wanted}",
            "The pool {pool} has {slots:n} slots, which are taken by {workers:words}. Give it more: otai pools set "
            "{pool} --slots {wanted}",
            "slots",
        ),
    ),
    "purchase_not_delivered.purchase": said(
        "{reference} is {status}; nothing was delivered that could be taken back.",
    ),
    "ray_not_installed.ray": said(
        "This worker needs Ray for its pool: pip install 'otai[ray]'.",
    ),
    "reason_missing.why": said(
        "A credit refund needs a reason.",
    ),
    "refund_not_sent.state": said(
        "This payment refund is {state}; only one that was sent can be confirmed.",
    ),
    "run_not_charged.included": said(
        (
            "Run {number} is included in the subscription: the guarantee paid for it, so there is nothing to "
            "refund. If the model is faulty, the improvement run is included as well: otai guarantee show."
        ),
    ),
    "run_not_charged.run": said(
        "Run {number} is {status}: it was not charged, so there is nothing to refund.",
    ),
    "simulation_not_installed.simulation": said(
        "A simulation needs: pip install 'otai[simulate]'.",
    ),
    "who_and_why_missing.why": said(
        "Say why, in 3 to 500 printable characters: it is kept with your name beside the change.",
    ),
}
