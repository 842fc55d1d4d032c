from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, connection, transaction

from otai.errors import NotFound
from otai.orgs import queries
from otai.orgs.models import Organisation
from otai.orgs.operations import InvalidOrganisation, OrganisationExists, create_organisation

pytestmark = pytest.mark.django_db


def test_an_organisation_is_found_by_its_short_name(now: datetime) -> None:
    create_organisation(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", now=now)
    assert queries.organisation("acme").name == "Acme Ltd"
    assert queries.the_only_organisation().slug == "acme"


def test_a_short_name_is_taken_once(now: datetime) -> None:
    create_organisation(slug="acme", name="Acme Ltd", time_zone="UTC", now=now)
    with pytest.raises(OrganisationExists, match="acme"):
        create_organisation(slug="acme", name="Another Acme", time_zone="UTC", now=now)
    assert Organisation.objects.count() == 1


@pytest.mark.parametrize("slug", ["", "Acme", "-acme", "acme-", "ac me", "a" * 64, "äcme", "acme\n"])
def test_an_unusable_short_name_is_refused(slug: str, now: datetime) -> None:
    with pytest.raises(InvalidOrganisation):
        create_organisation(slug=slug, name="Acme", time_zone="UTC", now=now)
    assert not Organisation.objects.exists()


@pytest.mark.parametrize("zone", ["", "Berlin", "../../etc/passwd", "Europe/Atlantis"])
def test_an_unknown_time_zone_is_refused(zone: str, now: datetime) -> None:
    with pytest.raises(InvalidOrganisation, match="time zone"):
        create_organisation(slug="acme", name="Acme", time_zone=zone, now=now)


def test_with_two_organisations_one_must_be_named(now: datetime) -> None:
    with pytest.raises(NotFound):
        queries.the_only_organisation()
    create_organisation(slug="acme", name="Acme", time_zone="UTC", now=now)
    create_organisation(slug="globex", name="Globex", time_zone="UTC", now=now)
    with pytest.raises(queries.OrganisationNotNamed):
        queries.the_only_organisation()


@pytest.mark.parametrize("column", ["slug", "name"])
def test_the_database_refuses_an_organisation_without_slug_or_name(column: str, now: datetime) -> None:
    acme = create_organisation(slug="acme", name="Acme", time_zone="UTC", now=now)
    with pytest.raises(IntegrityError, match="has_a"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE orgs_organisation SET {column} = '' WHERE slug = %s", [acme.slug])
