"""What only a mistake of ours can bring about: in English."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "invalid_amount.cents": said(
        "Money is counted in whole cents; {cents} is not a whole number.",
    ),
    "invalid_amount.currency": said(
        "A currency is three capital letters; {currency} is not.",
    ),
    "invalid_checkpoint.form": said(
        "This is not a checkpoint of the ledger.",
    ),
    "invalid_checkpoint.key": said(
        "The key for checkpoints needs at least {fewest} bytes; this one has {bytes:n}.",
    ),
    "invalid_checkpoint.signature": said(
        "This checkpoint was changed since it was signed, or signed with another key.",
    ),
    "invalid_deadline.form": said(
        "A hold needs a deadline, a time with a time zone; {deadline_at} is none.",
    ),
    "invalid_deadline.past": said(
        "A hold needs a deadline in the future; {deadline_at} is not after now.",
    ),
    "invalid_request.character": said(
        "The {field} contains a character that cannot be stored.",
    ),
    "invalid_request.id": said(
        "The {field} must be given by its id, a UUID; {value} is not one.",
    ),
    "invalid_request.length": said(
        "The {field} has {characters:n} characters; at most {most} fit.",
    ),
    "invalid_request.missing": said(
        "The {field} is missing.",
    ),
    "invalid_request.moment": said(
        "{field} must be a time with a time zone; {value} is not one.",
    ),
    "invalid_request.month": said(
        "{year}-{month} is no month.",
    ),
    "invalid_request.price": said(
        "A price is not negative; {price} is.",
    ),
    "invalid_request.price_book": said(
        "The version of a price book is a text of at most 100 characters.",
    ),
    "invalid_request.source": said(
        "{source:quoted} is no source of credits. There are: {known:words}.",
    ),
    "invalid_request.type": said(
        "The {field} must be text; {type} is not.",
    ),
    "not_found.no_lot": said(
        "There is no lot {lot}.",
    ),
    "not_found.no_price_book": said(
        "There is no price book {version:quoted}. Published: {known:words}.",
    ),
    "not_found.no_run_here": said(
        "There is no such training.",
    ),
    "price_missing.price": said(
        "A purchase needs the price that was paid for it.",
    ),
    "run_moved.attempt": said(
        "Attempt {attempt} of training {number} is no longer its own: the training is {status}.",
    ),
}
