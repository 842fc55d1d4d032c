"""A price book that sells in dollars: `OTAI_PRICE_BOOK=tests.billing.dollars:PRICE_BOOK`."""

from __future__ import annotations

import json

from otai.pricing import price_book
from otai.pricing.published import as_published, from_published

IN_EUROS = json.dumps(as_published(price_book.PRICE_BOOK) | {"version": "2026-11-usd"})
PRICE_BOOK = from_published(json.loads(IN_EUROS.replace('"EUR"', '"USD"')))
