"""How long a training takes, as far as one can know beforehand: from this installation's own trainings, else from
ours."""

from __future__ import annotations

import math

from otai.pricing.price_book import Mode

seconds_to_start = 5.0
"""Starting the process, importing the libraries, reading the tickets, storing the model."""

seconds_per_thousand_tickets = {Mode.BASIC: 2.5, Mode.BUSINESS: 20.0, Mode.MAXIMUM: 120.0}
"""For one attribute, on two cores without a GPU; docs/benchmarks.md has what was measured."""

share_for_each_further_attribute = 0.1
"""Attributes share one pass over the tickets, so a further one costs only a part of the first."""


def expected_seconds(*, mode: Mode, tickets: int, attributes: int) -> int:
    """The expected time of one attempt, in whole seconds, from start to stored model."""
    per_thousand = seconds_per_thousand_tickets[mode]
    shared = 1 + share_for_each_further_attribute * (attributes - 1)
    return math.ceil(seconds_to_start + per_thousand * tickets / 1000 * shared)
