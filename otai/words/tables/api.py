"""What the API, its client and the command line alone refuse: in English."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.refusal import Refusal, said

TABLE: Mapping[str, Refusal] = {
    "api_key_unknown.key": said(
        "This API key is not one of ours. Was it copied completely? It looks like otai_abcd2345_...",
    ),
    "api_key_ended.revoked": said(
        "The API key {name:quoted} was revoked on {on:date}. Make a new one.",
    ),
    "api_key_ended.expired": said(
        "The API key {name:quoted} expired on {on:date}. Make a new one.",
    ),
    "criteria_invalid.no_criterion": said(
        ("{text:quoted} is no criterion. Write: queue accuracy 0.85, queue macro_f1 0.6, or queue coverage@95 0.3"),
    ),
    "criteria_invalid.parts": said(
        "A criterion has an attribute, a metric (accuracy, macro_f1, coverage) and a threshold.",
    ),
    "not_allowed.vendor_scope": said("This key has the scopes {scopes:words}; this needs {needs}."),
    "not_allowed.no_key_may": said("No API key may do this; a person does it in the Studio."),
    "not_allowed.scopes": said("This key has the scopes {scopes:words}; this needs {opening}."),
    "not_allowed.role": said("This is for the role {roles}."),
    "answer_deleted.deleted": said(
        (
            "What the Idempotency-Key {key:quoted} was first answered was deleted with the tickets that it spoke "
            "of. Nothing was done again."
        ),
    ),
    "api_key_unknown.no_bearer": said(
        "The header Authorization is `Bearer otai_...`.",
    ),
    "change_invalid.not_old_new": said(
        "{text:quoted} is not OLD=NEW.",
    ),
    "change_invalid.not_ticket_label": said(
        "{text:quoted} is not TICKET=LABEL.",
    ),
    "sign_in_again.again": said(
        "You signed in more than {minutes:n} minutes ago. Sign in again: this concerns safety.",
    ),
    "second_factor_needed.second_factor": said(
        "{organisation} asks everybody for a second factor. Set one up under Your account.",
    ),
    "csrf_failed.csrf": said(
        "The header X-CSRFToken is missing or wrong. A program uses an API key instead.",
    ),
    "download_damaged.model": said(
        "The model arrived damaged. Download it again.",
    ),
    "export_failed.export": said(
        "The export could not be made. Ask for another one.",
    ),
    "export_waits.export_waits": said(
        "The export is not ready yet. Ask again later.",
    ),
    "duplicate_request.reused": said(
        "The Idempotency-Key {key:quoted} was used for another request.",
    ),
    "file_missing.no_body": said(
        "The request has no body: send the file itself, or a form with the field `file`.",
    ),
    "file_missing.no_field": said(
        "The form has no field `file` with a file.",
    ),
    "idempotency_key_missing.missing": said(
        ("This spends money: send a header Idempotency-Key with a value of your own, so that repeating it buys once."),
    ),
    "invalid_cursor.of_another_list": said(
        "This cursor was not given out for this list.",
    ),
    "invalid_idempotency_key.form": said(
        "An Idempotency-Key has 1 to 200 printable characters.",
    ),
    "invalid_url.form": said(
        "A Studio's address looks like https://studio.example, not {url:quoted}.",
    ),
    "invalid_url.not_https": said(
        "A key is sent over https only, except to this machine.",
    ),
    "invalid_webhook.headers": said(
        "The headers of a webhook are missing, or the secret is not one.",
    ),
    "invalid_webhook.old": said(
        "The webhook is older than five minutes, or this machine's clock is wrong.",
    ),
    "invalid_webhook.signature": said(
        "The signature does not match.",
    ),
    "malformed_request.form": said(
        "The form cannot be read: {error}.",
    ),
    "malformed_request.incomplete": said(
        "The file did not arrive completely.",
    ),
    "malformed_request.parts": said(
        "The request cannot be read: it has too many parts, or parts that make no sense.",
    ),
    "malformed_request.unreadable": said(
        "The request cannot be read: {error}.",
    ),
    "media_type_unsupported.type": said(
        "The content type is {given:quoted}; this takes application/json.",
    ),
    "method_not_allowed.method": said(
        "{method} is not for this address. It understands {allowed:words}.",
    ),
    "model_unavailable.model": said(
        "{found} cannot be loaded. {why:fact}",
    ),
    "not_acceptable.type": said(
        "This answers with {produces:words}.",
    ),
    "not_allowed.models_too": said(
        "Deleting models as well needs the scope models:manage.",
    ),
    "not_found.in_no_organisation": said(
        "You are in no organisation yet.",
    ),
    "not_found.no_address": said(
        "There is no {path}. The addresses are in {prefix}/openapi.json.",
    ),
    "not_found.no_attempt": said(
        "Training {number} has no attempt {attempt}.",
    ),
    "not_found.no_data_set": said(
        "There is no data set {name:quoted}.",
    ),
    "not_found.no_organisation": said(
        "There is no organisation {organisation:quoted}.",
    ),
    "not_found.no_report_card": said(
        "Training {number} is {status}: it has no report card.",
    ),
    "not_found.nothing_here": said(
        "There is no such thing.",
    ),
    "not_signed_in.no_key": said(
        "An API key is needed: OTAI_API_KEY, or otai login.",
    ),
    "not_signed_in.nobody": said(
        "This needs an API key, or a signed-in browser.",
    ),
    "not_signed_in.vendor_nobody": said(
        "This needs a vendor key.",
    ),
    "vendor_key_needed.other_key": said(
        "This is for the vendor's own systems: their keys begin with {begins}_, and no other key opens it.",
    ),
    "organisation_not_named.several": said(
        "You are in more than one organisation; say which.",
    ),
    "request_in_progress.under_way": said(
        "The same request with this Idempotency-Key is being worked on.",
    ),
    "still_running.run": said(
        "Training {number} has not ended yet.",
    ),
    "studio_unreachable.no_answer": said(
        "{url} did not answer: {error}",
    ),
    "studio_unreachable.unreachable": said(
        "{url} cannot be reached: {error}",
    ),
    "too_large.body": said(
        "This address takes up to {most_bytes:n} bytes.",
    ),
    "too_large.file": said(
        (
            "A file may have up to {most:n}\u00a0MiB. Split it, or compress it: .csv.gz and .parquet are read "
            "as they are."
        ),
    ),
    "too_large.part": said(
        "A part may have up to {most_bytes:n} bytes. Send the file in smaller parts, one after the other.",
    ),
    "too_large.request": said(
        "The request is larger than this endpoint takes.",
    ),
    "too_many_requests.requests": said(
        "More than {limit} requests in a minute.",
    ),
    "too_many_requests.organisation": said(
        "{used:n} requests of your organisation in this minute, of {most:n} in {tier}. Wait until the minute is over, "
        "take a higher tier, or ask us for more.",
    ),
    "too_many_requests.wrong_keys": said(
        "Too many wrong keys from here.",
    ),
    "file_store_unavailable.file_store": said(
        "A file of ours cannot be read or written at this moment.",
    ),
}
