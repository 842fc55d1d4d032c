"""Which scope each endpoint asks for, written down beside the code: a key that may do more than before, or less, is
noticed here.

That an endpoint refuses a key without its scope is tried in `test_requests.py`.
"""

from __future__ import annotations

import pytest

from tests.api.test_another_organisation import endpoints
from tests.api.test_vendor import endpoints as endpoints_of_the_vendor

pytestmark = pytest.mark.pure

PEOPLE = "no key may do this"

ASKS_FOR = {
    "tickets:read": """
        GET /data-sets/{data_set}/tickets
        GET /data-sets/{data_set}/search
        GET /data-sets/{data_set}/review
        GET /guarantees/{guarantee}/holdout.csv
        GET /models/{model}/feedback
        POST /helpdesks/{helpdesk}/preview""",
    "members:read": """
        GET /members
        GET /members/{member}""",
    "models:download": "GET /models/{model}/versions/{version}/bundle",
    "predict": "POST /models/{model}/predict",
    "feedback:write": """
        POST /models/{model}/feedback
        DELETE /models/{model}/feedback/{statement}""",
    "tickets:write": """
        POST /data-sets
        POST /data-sets/preview
        DELETE /data-sets/{data_set}
        POST /data-sets/{data_set}/labels
        POST /data-sets/{data_set}/cut
        POST /data-sets/{data_set}/uncut
        POST /data-sets/{data_set}/review/next
        POST /data-sets/{data_set}/review/{question}/answer
        POST /data-sets/{data_set}/review/{question}/undo
        POST /data-sets/{data_set}/review/version
        GET /helpdesks
        POST /helpdesks
        GET /helpdesks/{helpdesk}
        PATCH /helpdesks/{helpdesk}
        DELETE /helpdesks/{helpdesk}
        POST /helpdesks/{helpdesk}/test
        POST /helpdesks/{helpdesk}/import
        GET /uploads
        POST /uploads
        GET /uploads/{upload}
        PATCH /uploads/{upload}
        DELETE /uploads/{upload}
        POST /models/{model}/feedback/merge
        POST /models/{model}/suspects/accept""",
    "runs:order": """
        POST /quotes
        POST /runs
        POST /runs/{number}/cancel
        POST /advice/{advice_id}/follow
        POST /advice/{advice_id}/dismiss
        PUT /notifications/choices/{kind}
        POST /guarantee/criteria
        POST /guarantee/runs""",
    "runs:approve": """
        POST /runs/{number}/approve
        POST /runs/{number}/decline""",
    "models:manage": """
        DELETE /models/{model}
        POST /models/{model}/versions/{version}/go-live
        POST /models/{model}/roll-back
        PUT /models/{model}/kept-tickets
        POST /models/{model}/look""",
    "billing:buy": """
        GET /billing-details
        PUT /billing-details
        GET /packages/preview
        GET /tiers/preview
        POST /purchases
        GET /purchases
        GET /purchases/{reference}
        GET /purchases/{reference}/confirmation
        POST /purchases/{reference}/cancel
        POST /purchases/{reference}/checkout
        GET /payment-methods
        POST /payment-methods
        DELETE /payment-methods/{method}
        PUT /renewal-payment
        GET /invoices
        GET /invoices/archive
        POST /invoices/check
        GET /invoices/{number}
        GET /invoices/{number}/pdf
        GET /invoices/{number}/xml
        GET /top-up
        PUT /top-up
        DELETE /top-up
        PUT /low-balance-notice
        POST /tier
        PUT /spending/limits""",
    "access:read": """
        GET /access-events
        GET /access-events.jsonl""",
    "data:export": """
        GET /organisation/exports
        POST /organisation/exports
        GET /organisation/exports/{export}
        GET /organisation/exports/{export}/file""",
    "data:erase": """
        PUT /organisation/retention
        POST /organisation/deletion
        DELETE /organisation/deletion""",
    "webhooks:manage": """
        GET /webhooks/events
        GET /webhooks/endpoints
        POST /webhooks/endpoints
        GET /webhooks/endpoints/{endpoint}
        PATCH /webhooks/endpoints/{endpoint}
        DELETE /webhooks/endpoints/{endpoint}
        POST /webhooks/endpoints/{endpoint}/rotate
        POST /webhooks/endpoints/{endpoint}/test
        GET /webhooks/deliveries
        GET /webhooks/deliveries/{delivery}
        POST /webhooks/deliveries/{delivery}/replay""",
    PEOPLE: """
        PATCH /organisation
        PUT /spending/approval
        PATCH /members/{member}
        DELETE /members/{member}
        GET /invitations
        POST /invitations
        DELETE /invitations/{invitation}
        GET /team-events
        GET /api-keys
        POST /api-keys
        DELETE /api-keys/{key}
        GET /account/export
        POST /account/erasure""",
    # Nothing is changed by a preview; who may cancel a job depends on its kind (tests/orgs/test_permissions.py).
    "read": """
        POST /data-sets/{data_set}/labels/preview
        POST /jobs/{job}/cancel""",
}
"""All other endpoints only read, and ask for `read`."""


def test_each_endpoint_asks_for_the_scope_that_is_written_here() -> None:
    asked = {f"{method} {address}": " ".join(said["x-scopes"]) or PEOPLE for address, method, said in endpoints()}
    written = {line.strip(): scope for scope, lines in ASKS_FOR.items() for line in lines.strip().splitlines()}
    assert written.keys() <= asked.keys()
    only_read = {endpoint: "read" for endpoint in asked.keys() - written.keys() if endpoint.startswith("GET ")}
    assert asked == written | only_read, "an endpoint that is new, or asks for another scope, is written into ASKS_FOR"


OF_THE_VENDOR = {
    "POST /organisations": "organisations:provision",
    "GET /organisations/acme": "organisations:read",
    "POST /organisations/acme/suspend": "organisations:suspend",
    "POST /organisations/acme/resume": "organisations:suspend",
    "POST /organisations/acme/grants": "credits:grant",
    "GET /price-books": "prices:read",
    "POST /price-books": "prices:set",
}


def test_each_endpoint_of_the_vendor_asks_for_the_scope_that_is_written_here() -> None:
    asked = {f"{method} {address}": " ".join(said["x-scopes"]) for address, method, said in endpoints_of_the_vendor()}
    assert asked == OF_THE_VENDOR
