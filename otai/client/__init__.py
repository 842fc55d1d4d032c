"""A Studio elsewhere, from Python: typed answers, the product's own errors, requests that are safe to repeat.

    from otai.client import Studio

    with Studio("https://studio.example", key="otai_...") as studio:
        data_set = studio.import_tickets("tickets.csv", name="support")
        quote = studio.quote(data_set.id, mode="business", delivery="fast")
        run = studio.wait_for_run(studio.order(quote.id).number, on_progress=print)
        print(studio.predict(run.model, ["VPN drops every minute"])[0]["queue"].labels)

Refusals are the kinds of `otai.errors` (Refused, Invalid, NotFound, NotAllowed, Unavailable) with the API's `code` and
numbers in `details`. What may be tried again (no connection, 429, 502 to 504) is tried again, with the same idempotency
key. `verify_webhook` checks what comes in. Needs no Django and no settings. Read `studio.py`; docs/api.md shows the
same over HTTP.
"""

from otai.client.answers import (
    Attribute,
    Balance,
    DataSet,
    Label,
    ModelVersion,
    Prediction,
    Quote,
    Run,
    Saving,
    StatementLine,
)
from otai.client.studio import Studio
from otai.client.webhooks import InvalidWebhook, verify_webhook

__all__ = [
    "Attribute",
    "Balance",
    "DataSet",
    "InvalidWebhook",
    "Label",
    "ModelVersion",
    "Prediction",
    "Quote",
    "Run",
    "Saving",
    "StatementLine",
    "Studio",
    "verify_webhook",
]
