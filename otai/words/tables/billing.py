"""What is refused about money."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said
from otai.words.sentences import Counted

TABLE: Mapping[str, Refusal] = {
    "already_in_tier.tier": said(
        "{organisation} is in {tier:title} already.",
    ),
    "already_decided.request": said(
        "This was {state} by {decided_by:who}.",
    ),
    "amount_too_small.charge": said(
        "{gateway} takes no less than {least:money}; this is {amount:money}.",
        page="Pay it by invoice and bank transfer.",
        api='Order with the gateway "bank_transfer", or send what is left by bank transfer.',
        command="Order with --gateway bank_transfer, or send what is left by bank transfer.",
    ),
    "billing_details_missing.details": said(
        "An invoice needs a name and an address first.",
        page="Enter the billing details.",
        api="Enter the billing details.",
        command="Enter the billing details: otai billing details set.",
    ),
    "cannot_cancel.purchase": said(
        "{reference} cannot be cancelled any more. Unused credits can be paid back by an operator.",
    ),
    "coupon_not_valid.currency": said(
        "The coupon {coupon} is in {currency}; this is priced in another currency.",
    ),
    "coupon_not_valid.not_first": said(
        "The coupon {coupon} is for a first purchase.",
    ),
    "coupon_not_valid.not_first_month": said(
        "A coupon takes something off the first month of a tier alone.",
    ),
    "coupon_not_valid.not_yet": said(
        "The coupon {coupon} can be used from {begins:date} on.",
    ),
    "coupon_not_valid.other_kind": said(
        "The coupon {coupon} is for something else.",
    ),
    "coupon_not_valid.over": said(
        "The coupon {coupon} was good until {ended:date}.",
    ),
    "coupon_not_valid.too_much": said(
        "The coupon {coupon} does not fit a price of {price:money}.",
    ),
    "coupon_not_valid.used": said(
        "You have used the coupon {coupon} already.",
    ),
    "coupon_not_valid.used_up": said(
        "The coupon {coupon} was used as often as it can be.",
    ),
    "coupon_unknown.coupon": said(
        "There is no coupon {coupon:quoted}. Was it copied completely?",
    ),
    "country_unknown.code": said(
        "A country is a two-letter code of ISO 3166 such as DE; {country:quoted} is none.",
    ),
    "duplicate_request.purchase": said(
        "The key {key:quoted} was used for {title} ({reference}). Use a new key for a new purchase.",
    ),
    "gateway_unavailable.no_answer": said(
        "Stripe does not answer ({error}). Try again in a while.",
    ),
    "gateway_unavailable.not_set_up": said(
        "Payments by Stripe are not set up here.",
        page="Pay by invoice and bank transfer, or write to us.",
        command="Set OTAI_STRIPE_SECRET_KEY.",
    ),
    "gateway_unknown.no_checkout": said(
        "{gateway} has no page to pay on.",
        page="Pay as the order says.",
        api="Pay as the order says, or set up a provider with pages: OTAI_STRIPE_SECRET_KEY.",
        command="Pay as the order says, or set up a provider with pages: OTAI_STRIPE_SECRET_KEY.",
    ),
    "gateway_unknown.way": said(
        "There is no way to pay named {gateway:quoted}. This installation offers: {known:words}.",
    ),
    "invalid_billing_details.email": said(
        "{email:quoted} is no e-mail address.",
    ),
    "invalid_billing_details.language": said(
        "Invoices are written in {known}, not in {language:quoted}.",
    ),
    "invalid_billing_details.leitweg_id": said(
        "{leitweg_id:quoted} is no Leitweg-ID: one looks like 991-01234-44, and ends with two check digits.",
    ),
    "invalid_billing_details.postcode_of_leitweg_id": said(
        "With a Leitweg-ID the address needs a postcode: an XRechnung is not valid without it.",
    ),
    "invalid_billing_details.leitweg_id_of_seller": said(
        "XRechnungen cannot be written here yet: the seller's telephone number or postcode is missing.",
    ),
    "invalid_billing_details.at_most": said(
        "The {field:field} can have {most:n} printable characters at most.",
    ),
    "invalid_billing_details.letters": said(
        "The {field:field} has signs that invoices cannot be printed with: {letters:words}. They have Latin, Greek and "
        "Cyrillic letters.",
        page="Write it in Latin letters, as on your letterhead for customers abroad.",
        api="Write it in Latin letters, as on your letterhead for customers abroad.",
        command="Write it in Latin letters, as on your letterhead for customers abroad.",
    ),
    "invalid_billing_details.length": said(
        "The {field:field} must be 1 to {most:n} printable characters.",
    ),
    "invalid_document.no_file": said(
        "Choose a file first.",
    ),
    "invalid_document.no_xml": said(
        "This is no invoice or credit note of ours: the file has no electronic invoice inside.",
    ),
    "invalid_document.too_large": said(
        "The file is too large to be one of our documents: they have at most {most:n} bytes.",
    ),
    "not_found.statement": said(
        "This is a statement of another organisation.",
    ),
    "invalid_request.document_state": said(
        "{state:quoted} is no state of a document: {known:words}.",
    ),
    "invalid_request.archive": said(
        "These are more than {most:n} documents. Ask for a month, or for one by its number.",
    ),
    "not_found.documents": said(
        "There are no such documents.",
    ),
    "invalid_price_book.currency": said(
        "A price book is in the currency of the one in force; this one has {currencies:words}.",
    ),
    "invalid_price_book.package": said(
        Counted(
            "The price book has no package of {credits:n} credit. Its packages: {known:words}.",
            "The price book has no package of {credits:n} credits. Its packages: {known:words}.",
            "credits",
        ),
    ),
    "invalid_price_book.free_tier": said(
        "{tier:title} is free, and stays so.",
    ),
    "invalid_price_book.no_price": said(
        "Name at least one package or tier with its new price.",
    ),
    "invalid_price_book.at_least_a_cent": said(
        "A price is one cent at least.",
    ),
    "invalid_price_book.year_above_months": said(
        "A year for {annual:money} costs more than twelve months for {months:money}. Name another price for it.",
    ),
    "invalid_price_book.form": said(
        "This is no price book: {problem}",
    ),
    "invalid_request.purchase_key": said(
        "A purchase needs a key of 1 to 200 characters, so that a double click buys once.",
    ),
    "invalid_top_up.gateway": said(
        "{gateway} cannot be charged automatically. Choose a card or a SEPA debit.",
    ),
    "invalid_top_up.monthly_limit": said(
        "The monthly limit must cover the {package} at least once: {price:money} net.",
    ),
    "invalid_top_up.threshold": said(
        "The threshold is a number of credits from {fewest:n} to {most:n}.",
    ),
    "no_higher_tier.preview": said(
        "{tier:title} is no higher tier that is paid: changing to it costs nothing.",
    ),
    "nothing_to_pay.purchase": said(
        "Nothing is to be paid for {reference}: it is {status}.",
    ),
    "not_found.checkout_page": said(
        "There is no such page to pay on.",
    ),
    "not_found.payment_method": said(
        "There is no such payment method.",
    ),
    "not_found.billing_details": said(
        "{organisation} has no billing details yet.",
        command="Enter them: otai billing details set.",
    ),
    "not_found.invoice": said(
        "There is no invoice {number}.",
    ),
    "not_found.order_confirmation": said(
        "{reference} is not paid by bank transfer, and has no order confirmation: its invoice comes with the payment."
    ),
    "not_found.package": said(
        "There is no package {package:quoted}. There are: {known:words}.",
    ),
    "not_found.purchase": said(
        "There is no purchase {reference}.",
    ),
    "not_found.subscription": said(
        "{organisation} has no subscription.",
    ),
    "payment_declined.bank_transfer": said(
        "A bank transfer is made by the customer; it cannot be charged.",
    ),
    "payment_declined.provider": said(
        "The payment was declined: {said}",
        "The payment was declined.",
    ),
    "payment_declined.provider_refused": said(
        "Stripe refused this: {said}",
        "Stripe refused this.",
    ),
    "same_operator.approve": said(
        "{asked_by:who} asked for this: another operator approves it.",
    ),
    "price_book_not_new.day": said(
        "The price book {version} begins on {effective_on:date}. Prices change from a day in the future on.",
    ),
    "price_book_not_new.version": said(
        "Each price book has a new version, of letters, digits, points and hyphens; {version:quoted} is none.",
    ),
    "payment_owed.card": said(
        (
            "A payment was taken back, and {amount:money} are owed for it. Until that is settled, nothing is bought by "
            "card."
        ),
        page="Pay by invoice and bank transfer, or write to us.",
        api='Order with the gateway "bank_transfer", or settle what is owed first.',
        command="Order with --gateway bank_transfer, or settle what is owed first.",
    ),
    "purchase_moved.purchase": said(
        "{purchase} was changed meanwhile. Look at it again.",
    ),
    "rise_not_possible.purchase": said(
        "The payment of {purchase} is with the bank. Change the tier when its outcome is known.",
    ),
    "term_not_offered.year": said(
        "{tier:title} is not sold by the year. It can be paid by the month.",
    ),
    "too_many_payments.day": said(
        (
            "{most:n} orders, payment pages and refused charges within a day are the most. Nothing was charged: "
            "go on tomorrow, or write to us."
        ),
    ),
    "too_many_unpaid_orders.orders": said(
        "{most:n} orders wait for their payment: {references:words}. Pay or cancel one of them first.",
    ),
    "invalid_proof.form": said(
        "This is no statement of credits that can be checked.",
        command="Write one: otai statement --proof FILE.",
    ),
}
