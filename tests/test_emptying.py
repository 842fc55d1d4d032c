"""What a test commits is gone before the next one, also what the ledger would never let go."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, connection

from otai.ledger.models import Transfer
from otai.orgs.models import Member
from tests import stories
from tests.emptying import STAY, empty_tables

pytestmark = pytest.mark.django_db(transaction=True)


def rows_by_table() -> dict[str, int]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        return {
            table: cursor.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            for table in sorted(set(tables) - STAY)
        }


def test_every_table_is_empty_and_every_rule_holds_again(now: datetime) -> None:
    acme = stories.acme(now)
    assert Transfer.objects.exists()
    empty_tables()
    assert not any(rows_by_table().values())
    with pytest.raises(IntegrityError):
        Member.objects.create(organisation_id=acme.id, user_id=4711, role="owner", joined_at=now)
    again = stories.acme(now)
    with pytest.raises(IntegrityError, match="ledger_transfer_is_append_only"):
        Transfer.objects.filter(organisation=again).update(seq=99)
