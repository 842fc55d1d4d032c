"""What one alone may do once is done once, however many do it in the same moment."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest

from otai.billing.operations import second_operator
from otai.ledger import queries as ledger
from tests.billing.people import acme_signs_up
from tests.races.test_pairs import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_gifts_at_once_one_operator_gives_one_alone(now: datetime) -> None:
    acme = acme_signs_up(now)
    before = ledger.balance(acme.id).available
    gift = partial(second_operator.goodwill, organisation=acme, credits=60, who="olga", why="a bad week", now=now)
    assert at_once([partial(gift, key=key) for key in "abcd"]) == ["done"] * 4
    assert ledger.balance(acme.id).available == before + 60
