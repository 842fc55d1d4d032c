from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from pytest_django import DjangoAssertNumQueries

from otai.errors import NotFound
from otai.orgs import queries
from otai.orgs.models import ApiKey, Organisation
from otai.orgs.operations import InvalidApiKey, KeyMade, create_api_key, create_organisation, note_use, revoke_api_key
from otai.orgs.permissions import Action, Scope
from otai.orgs.queries import ApiKeyEnded, ApiKeyUnknown

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return create_organisation(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", now=now)


@pytest.fixture
def made(acme: Organisation, now: datetime) -> KeyMade:
    return create_api_key(organisation=acme, name="Helpdesk", scopes=[Scope.PREDICT, Scope.READ], who="alice", now=now)


def test_a_key_opens_its_organisation_and_does_what_its_scopes_say(
    acme: Organisation, made: KeyMade, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        key = queries.key_of(made.secret, now=now)
        assert key.organisation == acme
    assert key.scopes == ["read", "predict"]
    assert [action for action in Action if key.may(action)] == [Action.VIEW, Action.PREDICT]


def test_the_secret_is_kept_nowhere(made: KeyMade) -> None:
    brand, prefix, random = made.secret.split("_", 2)
    assert (brand, prefix) == ("otai", made.key.prefix)
    assert len(random) >= 43, "256 bits"
    assert random not in str(model_to_dict(ApiKey.objects.get()))
    assert random not in str(list(queries.team_events(made.key.organisation).values()))


def test_what_is_not_a_key_opens_nothing(made: KeyMade, now: datetime) -> None:
    prefix = made.key.prefix
    wrong = [
        "",
        "otai",
        "otai_",
        f"otai_{prefix}",
        f"otai_{prefix}_",
        f"otai_{prefix}_wrong",
        made.secret[:-1],
        made.secret + "x",
    ]
    wrong += [
        made.secret.upper(),
        made.secret.removeprefix("otai_"),
        f"otai_{prefix}_{made.key.secret_sha256}",
        "otai_\0_x",
        "otai_x_\ud800",
    ]
    wrong += [f"otai_nobody22_{made.secret.split('_', 2)[2]}", "otai_" + "x" * 100_000 + "_y"]
    for secret in wrong:
        with pytest.raises(ApiKeyUnknown):
            queries.key_of(secret, now=now)


def test_a_revoked_key_opens_nothing_and_says_so_only_to_who_holds_it(made: KeyMade, now: datetime) -> None:
    revoke_api_key(organisation=made.key.organisation, key=made.key.id, who="alice", now=now)
    with pytest.raises(ApiKeyEnded, match="revoked on 2 Nov 2026"):
        queries.key_of(made.secret, now=now)
    with pytest.raises(ApiKeyUnknown):
        queries.key_of(made.secret[:-2] + "xx", now=now)


def test_revoking_again_changes_nothing(made: KeyMade, now: datetime) -> None:
    organisation = made.key.organisation
    revoke_api_key(organisation=organisation, key=made.key.id, who="alice", now=now)
    again = revoke_api_key(organisation=organisation, key=made.key.id, who="bob", now=now + timedelta(days=1))
    assert again.revoked_at == now
    assert [event.what for event in queries.team_events(organisation)] == ["key_revoked", "key_created"]


def test_carol_revokes_no_key_of_acme(made: KeyMade, now: datetime) -> None:
    globex = create_organisation(slug="globex", name="Globex", time_zone="UTC", now=now)
    with pytest.raises(NotFound):
        revoke_api_key(organisation=globex, key=made.key.id, who="carol", now=now)
    assert queries.key_of(made.secret, now=now).is_usable(now)
    assert not queries.api_keys(globex)


def test_a_key_expires_at_its_time(acme: Organisation, now: datetime) -> None:
    ends = now + timedelta(days=30)
    made = create_api_key(organisation=acme, name="Trial", scopes=["read"], who="alice", now=now, expires_at=ends)
    assert queries.key_of(made.secret, now=ends - timedelta(seconds=1))
    with pytest.raises(ApiKeyEnded, match="expired"):
        queries.key_of(made.secret, now=ends)


def test_use_is_written_at_most_once_a_minute(
    made: KeyMade, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    note_use(queries.key_of(made.secret, now=now), now=now)
    soon = now + timedelta(seconds=59)
    key = queries.key_of(made.secret, now=soon)
    with django_assert_num_queries(0):
        note_use(key, now=soon)
    later = now + timedelta(seconds=60)
    note_use(queries.key_of(made.secret, now=later), now=later)
    assert ApiKey.objects.get().last_used_at == later


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"scopes": []},
        {"scopes": ["read", "*"]},
        {"scopes": "read"},
    ],
)
def test_a_key_without_name_or_known_scopes_is_not_made(
    wrong: dict[str, object], acme: Organisation, now: datetime
) -> None:
    with pytest.raises(InvalidApiKey):
        create_api_key(
            **{"organisation": acme, "name": "Key", "scopes": ["read"], "who": ("alice"), "now": now} | wrong
        )  # type: ignore[arg-type]
    with pytest.raises(InvalidApiKey, match="past"):
        create_api_key(organisation=acme, name="Key", scopes=["read"], who="alice", now=now, expires_at=now)
    assert not ApiKey.objects.exists()


def test_the_database_keeps_a_hash_and_no_secret(made: KeyMade, now: datetime) -> None:
    for wrong in ({"secret_sha256": made.secret}, {"secret_sha256": ""}, {"name": ""}, {"expires_at": now}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(id=made.key.id).update(**wrong)
