"""The installation's secret key is changed: what was signed and sealed with the former one goes on, and once it is
rewrapped the former one can go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings

from otai import key_files, keyring
from otai.client import verify_webhook
from otai.db import new_id, utc_now
from otai.deployment import failing, situation
from otai.ledger.checkpoint import PURPOSE, InvalidCheckpoint, export_checkpoint, verify_checkpoint
from otai.orgs.models import KeptKey
from otai.orgs.permissions import Role
from otai.orgs.unsubscribing import link_to_unsubscribe, unsubscribing
from otai.outbound import operations as outbound
from otai.outbound.models import Endpoint
from otai.outbound.secrets import headers
from tests.cli.test_team_commands import otai
from tests.orgs.people import PASSWORD, joins, person
from tests.stories import acme
from tests.web.studio_server import Installation
from tests.web.visitors import browser, is_in, signs_in

pytestmark = pytest.mark.django_db

BEFORE = ("outbound", "0003_said_as_facts")
OLD, NEW = "the key of the first year, long enough for all", "the key of the second year, just as long as that"


def _told_of(endpoint: Endpoint, secret: str) -> Any:
    body = b'{"type": "webhook.test"}'
    signed = headers(Endpoint.objects.get(id=endpoint.id), webhook_id="msg_1", body=body, now=utc_now())
    return verify_webhook(body, signed, secret)


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


class Made:
    """What Alice and the ledger have from before the key was changed."""

    def __init__(self, now: datetime) -> None:
        self.alice = person("alice")
        self.browser = browser()
        signs_in(self.browser, self.alice.email)
        self.organisation = acme(now)
        hook = {"organisation": self.organisation, "url": "https://hooks.example/otai", "who": "alice"}
        made = outbound.create_endpoint(**hook, now=now)
        self.endpoint, self.former_secret = made.endpoint, made.secret
        self.secret = outbound.rotate_secret(
            organisation=self.organisation, endpoint=self.endpoint.id, who="alice", now=utc_now()
        ).secret
        self.checkpoint = export_checkpoint(now=now)
        browser().post("/account/password/reset/", {"email": self.alice.email})
        found = re.search(r"https?://[^/\s]+(/\S+)", str(mail.outbox[-1].body))
        assert found
        self.link = found.group(1)
        self.member = joins(self.organisation, self.alice, Role.TRAINER, now)
        self.unsubscribe = link_to_unsubscribe(self.member.id, "training_ended").split("/unsubscribe/")[1].rstrip("/")

    def with_an_app(self) -> None:
        self.app = generate_totp_secret()
        TOTP.activate(self.alice, self.app)
        self.codes = RecoveryCodes.activate(self.alice).generate_codes()

    def must_go_on(self) -> None:
        assert _told_of(self.endpoint, self.secret) == _told_of(self.endpoint, self.former_secret)
        assert verify_checkpoint(self.checkpoint).clean
        assert unsubscribing(self.unsubscribe) == (self.member, "training_ended"), "a mail may be a year old"
        assert is_in(self.browser) and self.browser.get("/account/organisations/").status_code == 200
        kept = Authenticator.objects.get(type=Authenticator.Type.TOTP)
        assert TOTP(kept).validate_code(_code(self.app))
        codes = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)
        assert RecoveryCodes(codes).generate_codes() == self.codes


@pytest.fixture
def made(settings: Settings, now: datetime) -> Made:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    before = Made(now)
    before.with_an_app()
    return before


def _opens(link: str) -> bool:
    page = browser().get(link, follow=True)
    return "password1" in page.content.decode()


def test_all_goes_on_after_the_key_was_changed_and_without_the_former_one_once_rewrapped(
    made: Made, settings: Settings
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    hanging = json.loads(otai("keys", "list", "--json"))[1]["hanging"]
    assert hanging == {
        "checkpoint_keys": 1,
        "second_factors": 2,
        "sessions": 1,
        "unsubscribe_keys": 1,
        "webhook_secrets": 2,
    }
    [former] = [one for one in failing(situation()) if one.code == "secret_key_former"]
    assert "secrets of webhooks: 2; second factors: 2; sessions: 1; keys of checkpoints: 1" in former.sentence()
    assert _opens(made.link), "a link in a mail"
    found = json.loads(otai("keys", "rewrap", "--json"))
    assert {kind: n for kind, n in found["changed"].items() if n} == hanging and found["left"] == {}
    assert set(json.loads(otai("keys", "rewrap", "--json"))["changed"].values()) == {0}, "safe to run again"

    settings.SECRET_KEY_FALLBACKS = []
    made.must_go_on()
    assert not {"secret_key_former", "secret_key_lost"} & {one.code for one in failing(situation())}
    assert not _opens(made.link), "who has a mail of before asks for another"


def test_all_goes_on_while_the_former_key_is_named(made: Made, settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    made.must_go_on()
    thief = browser()
    assert signs_in(thief, made.alice.email).headers["Location"].startswith("/account/second-factor/authenticate/")
    thief.post("/account/second-factor/authenticate/", {"code": made.codes[0]})
    assert is_in(thief)


def test_a_key_that_was_lost_is_said_and_nothing_is_made_worse(made: Made, settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, []
    [lost] = [one for one in failing(situation()) if one.code == "secret_key_lost"]
    assert "secrets of webhooks: 2; second factors: 2" in lost.sentence()
    with pytest.raises(keyring.SecretKeyMissing, match="OTAI_OLD_SECRET_KEYS"):
        _told_of(made.endpoint, made.secret)
    with pytest.raises(InvalidCheckpoint):
        verify_checkpoint(made.checkpoint)
    settings.SECRET_KEY = OLD
    made.must_go_on()


def test_a_password_that_was_changed_ends_other_sessions_whatever_key_signed_them(
    made: Made, settings: Settings
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    made.alice.set_password(PASSWORD + " and more")
    made.alice.save()
    keyring.rewrap()
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_in(made.browser) or made.browser.get("/account/organisations/").status_code == 302


def test_two_changes_later_the_first_checkpoint_is_still_known(made: Made, settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    keyring.rewrap()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the third one, as long as the others are too", [NEW]
    keyring.rewrap()
    settings.SECRET_KEY_FALLBACKS = []
    assert verify_checkpoint(made.checkpoint).clean
    assert KeptKey.objects.filter(purpose=PURPOSE).count() == 2
    edited = made.checkpoint.replace('"seq": 0', '"seq": 1')
    with pytest.raises(InvalidCheckpoint):
        verify_checkpoint(edited if edited != made.checkpoint else made.checkpoint.replace("2026", "2027"))


def test_a_key_of_checkpoints_signs_what_the_studio_keeps_each_day(settings: Settings, now: datetime) -> None:
    """`otai ledger checkpoint verify` read it from the environment, and what signed the daily ones did not."""
    acme(now)
    before = export_checkpoint(now=now)
    settings.OTAI_CHECKPOINT_KEY = "a key of checkpoints alone"
    kept = export_checkpoint(now=now)
    assert verify_checkpoint(kept).clean and verify_checkpoint(kept, key=b"a key of checkpoints alone").clean
    assert verify_checkpoint(before).clean, "signed by the release before"
    settings.OTAI_CHECKPOINT_KEY, settings.OTAI_OLD_CHECKPOINT_KEYS = "the next of them, as long", []
    with pytest.raises(InvalidCheckpoint):
        verify_checkpoint(kept)
    settings.OTAI_OLD_CHECKPOINT_KEYS = ["a key of checkpoints alone"]
    assert verify_checkpoint(kept).clean


def test_the_secret_of_one_row_does_not_open_in_another(settings: Settings, made: Made) -> None:
    other = outbound.create_endpoint(
        organisation=made.organisation, url="https://other.example/", who="alice", now=utc_now()
    ).endpoint
    stolen = Endpoint.objects.get(id=made.endpoint.id).sealed_secret
    Endpoint.objects.filter(id=other.id).update(sealed_secret=stolen)
    with pytest.raises(keyring.SecretKeyMissing):
        _told_of(other, made.secret)


BREAKS: dict[str, Callable[[], Any]] = {
    "orgs_kept_key_is_one_for_each_purpose": lambda: KeptKey.objects.create(purpose="p", key_id="1", sealed="x"),
    "orgs_kept_key_is_sealed": lambda: KeptKey.objects.update(sealed=""),
}


@pytest.mark.parametrize("rule", sorted(BREAKS))
def test_the_database_itself_refuses(rule: str) -> None:
    KeptKey.objects.create(purpose="p", key_id="1", sealed="x")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAKS[rule]()
    assert rule in str(refused.value) or "UNIQUE constraint failed" in str(refused.value)
    assert {rule.name for rule in KeptKey._meta.constraints} == set(BREAKS)


@pytest.mark.django_db(transaction=True)
def test_receivers_of_a_release_before_keep_their_secrets(settings: Settings, now: datetime) -> None:
    organisation, endpoint = acme(now), new_id()
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([BEFORE])
        old = MigrationExecutor(connection).loader.project_state([BEFORE]).apps.get_model("outbound", "Endpoint")
        of = {"organisation_id": organisation.id, "url": "https://a.example/", "created_by": "alice", "created_at": now}
        old.objects.create(id=endpoint, salt="abc", **of)
    finally:
        MigrationExecutor(connection).migrate(newest)
    worked_out = hmac.digest(
        hashlib.sha256(b"otai.outbound.secret:" + settings.SECRET_KEY.encode()).digest(),
        f"{endpoint}:abc".encode(),
        "sha256",
    )
    assert _told_of(Endpoint.objects.get(id=endpoint), "whsec_" + base64.b64encode(worked_out).decode())


@pytest.mark.pure
def test_the_file_of_the_key_is_changed_and_the_former_one_forgotten(installation: Installation) -> None:
    home: Path = installation.home
    first = (home / key_files.CURRENT).read_text()
    installation.otai("keys", "rotate")
    assert (home / key_files.CURRENT).read_text() != first
    assert key_files.former_in_file(home) == [first]
    assert {path.stat().st_mode & 0o777 for path in (home / key_files.CURRENT, home / key_files.FORMER)} == {0o600}
    installation.otai("keys", "forget", fails=True)
    assert key_files.former_in_file(home) == [first], "checkpoints may be signed with it"
    assert "checkpoints: 1" in installation.otai("keys", "rewrap")
    assert "Forgotten" in installation.otai("keys", "forget")
    assert not (home / key_files.FORMER).exists()
    installation.settings["OTAI_SECRET_KEY"] = NEW
    there = (home / key_files.CURRENT).read_text()
    installation.otai("keys", "rotate", fails=True)
    assert (home / key_files.CURRENT).read_text() == there, "the key is not the file's"
