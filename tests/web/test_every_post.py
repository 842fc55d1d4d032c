"""Every POST of a page that changes something ends in a redirect: a page that is loaded again does nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from otai.db import new_id, utc_now
from otai.orgs.models import ApiKey, Invitation, Organisation, User
from otai.orgs.permissions import Role
from otai.outbound.models import Endpoint
from otai.pricing.price_book import Tier
from otai.serving.models import TrainedModel
from otai.tickets.models import DataSet
from otai.web import shown_once
from otai.web.views import tickets
from tests import stories
from tests.api.callers import Program
from tests.api.everything import all_rows, everything_of
from tests.orgs.people import PASSWORD
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db(transaction=True)

CSV = b"subject,body,queue\n" + b"".join(
    b"Printer %d,It is on fire,%s\n" % (n, b"it" if n % 2 else b"hr") for n in range(40)
)

NOT_OURS_TO_WALK = {
    "stripe-webhook": "a program's, keyed by its events",
    "api": "programs': tests/api walks them, and changes are keyed there",
}


LAST = (
    "delete",
    "leave",
    "logout",
    "remove",
    "withdraw",
    "revoke",
    "cancel",
    "password",
    "drop",
    "disconnect",
    "login",
    "change_tier",
    "switch",
)
"""Names of addresses that end the story for others."""


def routes(resolver: URLResolver | None = None, before: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every named address that a browser may be sent to, with its pattern."""
    for one in (resolver or get_resolver()).url_patterns:
        pattern = before + str(one.pattern)
        if isinstance(one, URLResolver):
            if one.namespace in NOT_OURS_TO_WALK:
                continue
            yield from routes(one, pattern, f"{name}{one.namespace}:" if one.namespace else name)
        elif isinstance(one, URLPattern) and one.name and one.name not in NOT_OURS_TO_WALK:
            yield f"{name}{one.name}", pattern


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return stories.acme(now, tier=Tier.PRO)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Client:
    return of(member_of(acme, "alice", Role.OWNER, now))


def bodies(acme: Organisation, data_set: DataSet) -> dict[str, dict[str, Any]]:
    """What a browser sends, by the name of the address; nothing more than the form's token where a name is not here."""
    details = {"name": "Acme Ltd", "street": "Road 1", "postal_code": "10115", "city": "Berlin", "country": "DE",
        "email": "a@acme.example"}  # fmt: skip
    return {
        "web:keys": {"name": "Helpdesk", "scopes": ["read"], "expires": "90"},
        "web:invite": {"email": "eve@acme.example", "role": "viewer"},
        "web:webhooks": {"url": "https://hooks.acme.example/second", "events": [], "description": ""},
        "web:helpdesks": {"system": "zammad", "address": "https://127.0.0.1", "token": "t"},
        "web:organisation": {"name": "Acme Limited", "time_zone": "Europe/Berlin"},
        "web:profile": {"name": "Alice A", "language": "de"},
        "web:organisations": {"name": "Second", "slug": "second", "time_zone": "UTC", "tier": "community"},
        "web:change_role": {"role": "viewer"},
        "web:upload_tickets": {"file": SimpleUploadedFile("support.csv", CSV)},
        "web:billing_details": details,
        "web:change_tier": {"tier": "community"},
        "web:set_spend_limit": {"member": "", "monthly_credits": "500"},
        "web:set_approval": {"above_credits": "500", "days": "3"},
        "web:keep_tickets": {"days": "7"},
        "web:switch_webhook": {"enabled": "0"},
        "web:order": {
            "data_set": str(data_set.id), "chosen": "1", "attribute": ["queue"], "choice": "basic-standard",
            "model": "posted",
            "reason": "new_model", "key": str(uuid4()), "credits": "1",
        },
        "web:low_credits": {"threshold": "3", "below": "3"},
        "web:package": {"key": str(uuid4()), "gateway": "bank_transfer"},
        "account_login": {"login": "alice@acme.example", "password": PASSWORD},
        "account_change_password": {"oldpassword": PASSWORD, "password1": "another long secret 9"},
        "account_reset_password": {"email": "alice@acme.example"},
        "set_language": {"language": "de"},
        "web:theme": {"theme": "dark"},
        "web:model_give_feedback": {"text": "wifi is slow", "label-0": "network", "key": "k"},
    }  # fmt: skip


def path_of(pattern: str, values: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found.group("name")
        return values.get(name, values.get(f"/{name}", "1"))

    path = re.sub(r"<(?:\w+:)?(?P<name>\w+)>", value, pattern)
    path = re.sub(r"\(\?P<(?P<name>\w+)>[^)]*\)", value, path)
    return "/" + path.replace("^", "").replace("\\Z", "").replace("$", "")


@pytest.mark.postgres
def test_every_post_that_changes_something_ends_in_a_redirect(
    acme: Organisation, alice: Client, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "sample_tickets", 60)
    Program(acme)
    everything = everything_of(acme, tmp_path, now)
    User.objects.filter(email="alice@acme.example").update(is_staff=True, is_superuser=True)
    data_set = DataSet.objects.get()
    model = TrainedModel.objects.get()
    values = {**everything.path, "slug": "acme", "model": str(model.id), "number": "1", "position": "0",
        "upload": str(uuid4()), "token": "x",
              "code": "10", "object_id": "1", "form": "pdf"}  # fmt: skip
    sent = bodies(acme, data_set)
    named = [(name, pattern) for name, pattern in routes()]
    assert {name for name, _ in named} >= {
        "web:keys",
        "web:rotate_webhook",
        "mfa_generate_recovery_codes",
        "admin:index",
    }
    changed, wrong, broke = set(), {}, {}
    before = all_rows()
    for name, pattern in sorted(named, key=lambda one: (any(word in one[0] for word in LAST), one[0])):
        if not alice.session.get("_auth_user_id"):
            alice.force_login(User.objects.get(email__startswith="alice"))
            # When somebody signed in last is no change of the post that follows.
            before = all_rows()
        answer = alice.post(path_of(pattern, values), sent.get(name, {}))
        if answer.status_code >= 500 and answer.status_code != 503:
            broke[name] = answer.status_code
        if answer.status_code in (403, 404, 405):
            continue
        was, before = before, all_rows()
        if was != before:
            changed.add(name)
            if answer.status_code not in (302, 303):
                wrong[name] = answer.status_code
    assert not broke
    assert not wrong, "a page loaded again would do it again"
    # Were nothing changed, nothing would be said.
    assert changed >= {
        "web:keys", "web:invite", "web:webhooks", "web:rotate_webhook", "web:test_webhook", "web:delete_webhook",
        "web:organisation", "web:profile", "web:revoke_key", "web:withdraw_invitation", "web:remove_member",
        "web:sample_tickets",
        "web:keep_tickets", "web:delete_model",
    }, sorted(changed)  # fmt: skip


class TestWhatIsShownOnce:
    def test_a_key_is_made_once_and_shown_once(self, alice: Client) -> None:
        form = {"name": "Helpdesk", "scopes": ["read"], "expires": "90"}
        answer = alice.post("/acme/team/keys/", form)
        assert (answer.status_code, answer["Location"]) == (302, "/acme/team/keys/")
        assert alice.head("/acme/team/keys/").status_code == 200, "whoever looks ahead sees nothing, and takes nothing"
        page = alice.get("/acme/team/keys/").content.decode()
        secret = re.search(r"otai_[\w-]{8,}_[\w-]{20,}", page)
        assert secret and "shown only now" in page
        # She loads the page again: neither a second key nor the secret.
        again = alice.get("/acme/team/keys/").content.decode()
        assert secret.group() not in again and "shown only now" not in again
        assert ApiKey.objects.count() == 1

    @pytest.mark.postgres
    @pytest.mark.parametrize(
        ("page", "action", "form", "shown", "rows"),
        [
            (
                "/acme/team/keys/",
                "",
                {"name": "Helpdesk", "scopes": ["read"], "expires": "90"},
                r"otai_\w{8,}_\S{20,}",
                ApiKey,
            ),
            ("/acme/team/webhooks/", "", {"url": "https://hooks.acme.example/otai"}, r"whsec_\S{20,}", Endpoint),
            ("/acme/team/", "invite/", {"email": "eve@acme.example", "role": "viewer"}, r"/join/\S{20,}", Invitation),
        ],
    )
    def test_a_form_sent_three_times_makes_one_and_shows_it(
        self, alice: Client, page: str, action: str, form: dict[str, Any], shown: str, rows: Any
    ) -> None:
        token = re.search(r'name="once" value="([^"]+)"', alice.get(page).content.decode())
        assert token
        sent = form | {"once": token[1]}
        # Three clicks before the first answer was followed.
        assert [alice.post(page + action, sent)["Location"] for _ in range(3)] == [page] * 3
        assert rows.objects.count() == 1
        assert re.search(shown, alice.get(page).content.decode())
        assert len(mail.outbox) == (rows is Invitation)
        # Sent once more when it was looked at: said, and nothing made.
        assert "Nothing was made a second time" in alice.post(page + action, sent, follow=True).content.decode()
        assert rows.objects.count() == 1
        # The page anew is another form.
        alice.post(page + action, form | {"once": str(new_id())})
        assert rows.objects.count() == 2

    def test_it_waits_encrypted_and_only_for_that_organisation(
        self, acme: Organisation, alice: Client, now: datetime
    ) -> None:
        alice.post("/acme/team/invite/", {"email": "eve@acme.example", "role": "viewer"})
        [kept] = [value for name, value in alice.session.items() if name.startswith("shown-once:")]
        assert "join" not in kept and "eve" not in kept
        from otai.orgs.operations import add_member

        globex = stories.globex(now)
        add_member(
            organisation=globex, user=User.objects.get(email="alice@acme.example"), role="owner", who="carol", now=now
        )
        assert "shown only now" not in alice.get("/globex/team/").content.decode()
        page = alice.get("/acme/team/").content.decode()
        assert "shown only now" in page and "eve@acme.example" in page and "/account/join/" in page
        assert "shown only now" not in alice.get("/acme/team/").content.decode()
        assert Invitation.objects.count() == 1

    def test_what_nobody_looked_at_for_long_is_gone(self, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        alice.post("/acme/team/keys/", {"name": "Helpdesk", "scopes": ["read"], "expires": "90"})
        monkeypatch.setattr(shown_once, "waits_seconds", -1)
        assert "shown only now" not in alice.get("/acme/team/keys/").content.decode()

    def test_recovery_codes_are_made_by_a_post_that_redirects(self, alice: Client) -> None:
        answer = alice.post(reverse("mfa_generate_recovery_codes"), {})
        assert answer.status_code == 200 and "add one first" in answer.content.decode(), "there is no second factor yet"
