"""What operators are refused, at the desk and at the command line."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "already_refunded.hold": said(
        "The credits of this hold were refunded before.",
    ),
    "already_refunded.purchase": said(
        "{reference} was paid back before; a purchase is paid back once.",
    ),
    "already_refunded.run": said(
        Counted(
            "The {credits:n} credit of training {number} was given back already.",
            "The {credits:n} credits of training {number} were given back already.",
            "credits",
        ),
    ),
    "already_settled.reversal": said(
        "This was settled before, by {settled_by:who}: {settled_why}",
    ),
    "coupon_exists.code": said(
        "There is a coupon {coupon} already; each code is used once.",
    ),
    "criteria_not_agreed.nothing_waits": said(
        "The guarantee of {tier} is {status:status}: nothing waits for an operator.",
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
    "entry_decided.entry": said(
        "{entry} was decided before, by {decided_by:who}.",
    ),
    "fee_not_credited.fee": said(
        "The guarantee is {status:status}: no fee stands as credits.",
    ),
    "fee_not_in_review.fee": said(
        "The guarantee is {status:status}: no fee waits for an operator.",
    ),
    "fee_was_spent.fee": said(
        "{spent} of the {credits} credited credits are spent or held; a fee is paid back whole.",
    ),
    "guarantee_there.tier": said(
        "{organisation} has its guarantee of {tier} already.",
    ),
    "hold_not_captured.hold": said(
        "Only captured credits can be refunded; this hold is {state:state}.",
    ),
    "imported_by_you.entry": said(
        "More than {most:money} of one organisation's payments within {days:n} days take two operators, and you "
        "imported this statement. Ask another one to book it.",
    ),
    "insufficient_credits.lot": said(
        Counted(
            "This lot has {available:n} unspent credit; {needed:n} cannot be taken from it.",
            "This lot has {available:n} unspent credits; {needed:n} cannot be taken from it.",
            "available",
        ),
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
    "invalid_billing_details.code": said(
        "The code of an own package is 2 to 40 lower-case letters, digits and hyphens, and not only digits.",
    ),
    "invalid_billing_details.price": said(
        "A package has a price; free credits are goodwill.",
    ),
    "invalid_coupon.amount": said("An amount is one cent at least."),
    "invalid_coupon.code": said("A code has 4 to 40 letters, digits and hyphens, such as WELCOME-2027."),
    "invalid_coupon.most_uses": said("A coupon can be used once at least."),
    "invalid_coupon.percent": said("A coupon takes 1 to 99 per cent off. What is given away is goodwill."),
    "invalid_coupon.percent_or_amount": said("A coupon takes a share off, or an amount: one of them."),
    "invalid_coupon.valid_until": said("A coupon ends in the future, and after it begins."),
    "invalid_month.month": said(
        "{month:quoted} is no month. Write it like 2026-11.",
    ),
    "invalid_month.quarter": said(
        "The One Stop Shop is declared by quarter: write 2026-Q4, not {period}.",
    ),
    "invalid_payment.bank_reference": said(
        ("Give the bank's reference of the entry (1 to 180 characters): it keeps one payment from counting twice."),
    ),
    "invalid_payment.nothing": said(
        "A payment is more than nothing; money that goes out is a payment refund.",
    ),
    "invalid_period.period": said(
        "A period ends after it begins.",
    ),
    "invalid_request.export": said(
        "{kind:quoted} is nothing that is exported: {known:words}.",
    ),
    "month_does_not_add_up.month": said(
        "{month} does not add up: {difference:money} are unexplained. Nothing was closed.",
        command="See what is wrong: otai billing audit",
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
    "not_found.no_balance_difference": said(
        "There is no such difference.",
    ),
    "not_found.no_guarantee": said(
        "There is no such guarantee.",
    ),
    "not_found.no_hold": said(
        "There is no hold {hold}.",
    ),
    "not_found.no_operator_request": said(
        "There is no such request.",
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
    "not_found.no_reversal": said(
        "There is no reversal {reversal}.",
    ),
    "not_found.no_webhook_event": said(
        "There is no webhook event {event}.",
    ),
    "nothing_owed.reversal": said(
        "Nothing is owed for {reversal}, or the bank has not decided yet.",
    ),
    "nothing_to_refund.less_is_kept": said(
        "Only {amount:money} of the price of {reference} are still kept: the rest went back already.",
    ),
    "nothing_to_refund.less_than_a_cent": said(
        Counted(
            "{wanted:n} credit of {reference} is worth less than a cent.",
            "{wanted:n} credits of {reference} are worth less than a cent.",
            "wanted",
        ),
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
        "{reference} is {status:order}: its money is not ours to pay back.",
    ),
    "nothing_to_refund.spent": said(
        Counted(
            "The {credits:n} credit of {reference} is spent or held; there is nothing to pay back.",
            "All {credits:n} credits of {reference} are spent or held; there is nothing to pay back.",
            "credits",
        ),
    ),
    "package_exists.package": said(
        "{organisation} has a package {package:quoted} already.",
    ),
    "payment_not_confirmed.purchase": said(
        "{reference} is {status:order}: its payment is not confirmed. Cancel it instead.",
    ),
    "purchase_not_delivered.purchase": said(
        "{reference} is {status:order}; nothing was delivered that could be taken back.",
    ),
    "reason_missing.why": said(
        "A credit refund needs a reason.",
    ),
    "refund_not_sent.state": said(
        "This payment refund is {state:status}; only one that was sent can be confirmed.",
    ),
    "run_not_charged.included": said(
        (
            "Training {number} is included in the subscription: the guarantee paid for it, so there is nothing to "
            "refund. If the model is faulty, the improvement training is included as well."
        ),
        command="See: otai guarantee show",
    ),
    "run_not_charged.run": said(
        "Training {number} is {status:state}: it was not charged, so there is nothing to refund.",
    ),
    "vies_unavailable.no_answer": said(
        "VIES does not answer now ({error}); it is asked again.",
    ),
    "who_and_why_missing.why": said(
        "Say why, in 3 to 500 printable characters: it is kept with your name beside the change.",
    ),
}
