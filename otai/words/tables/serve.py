"""What `otai serve` refuses: in English."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "body_too_large.sent": said(
        "The body has more than {most_body_bytes:n} bytes.",
    ),
    "body_too_large.told": said(
        "The body has {declared:n} bytes; {most_body_bytes:n} is the most.",
    ),
    "key_missing.bearer": said(
        "This server wants the header: Authorization: Bearer KEY.",
    ),
    "method_not_allowed.path_method": said(
        "{path} answers {wanted}.",
    ),
    "not_found.no_path": said(
        "There is no {path}; there is {routes:words}.",
    ),
    "request_invalid.body": said(
        'The body is {{"text": "..."}}, {{"subject": "...", "body": "..."}} or {{"tickets": [...]}}.',
    ),
    "request_invalid.early": said(
        "The request ended early.",
    ),
    "request_invalid.json": said(
        "The body is not JSON: {error}.",
    ),
    "request_invalid.no_text": said(
        "The text of {name} is no text.",
    ),
    "request_invalid.parts": said(
        '"subject" and "body" of {name} are texts.',
    ),
    "request_invalid.precision": said(
        '"precision" is a number, for example 0.95.',
    ),
    "request_invalid.text": said(
        '{name} has neither "text" nor "subject" or "body".',
    ),
    "request_invalid.text_too_long": said(
        "{name} has {text:n} characters; {most_characters:n} is the most.",
    ),
    "request_invalid.ticket": said(
        '{name} is neither a text nor {{"text"}} or {{"subject", "body"}}.',
    ),
    "request_invalid.tickets": said(
        '"tickets" is a list of at least one ticket.',
    ),
    "request_invalid.tickets_too_many": said(
        "{tickets:n} tickets in one request; {most_tickets:n} is the most. Send several.",
    ),
    "request_invalid.unknown_fields": said(
        "{name} has {unknown:words}, which nobody reads; it may have {known:words}.",
    ),
}
