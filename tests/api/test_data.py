"""Acme's programs say how long data is kept, take all of it along, and ask for acme's deletion; Alice erases her
account by the API."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from otai.orgs.models import Organisation, TeamEvent, User
from otai.orgs.permissions import Role, Scope
from otai.privacy import exports
from otai.privacy.retention import Periods, periods
from tests import stories
from tests.api.callers import ROOT, Program, answered
from tests.web.visitors import member_of, of

pytestmark = pytest.mark.django_db


def test_a_program_sets_how_long_data_is_kept(acme: Organisation, alice: Program, carol: Program) -> None:
    assert alice.get("/organisation/retention") == (
        200,
        {"tickets_days": None, "feedback_days": None, "logs_days": None, "uploads_hours": None},
    )
    wanted = {"tickets_days": 365, "feedback_days": None, "logs_days": 30, "uploads_hours": 2}
    assert answered(alice.call("PUT", "/organisation/retention", wanted)) == (200, wanted)
    assert periods(acme) == Periods(365, None, 30, 2)
    assert TeamEvent.objects.get(organisation=acme, what="retention_set").details == wanted
    for wrong in (
        {**wanted, "tickets_days": 0},
        {**wanted, "logs_days": 3651},
        {**wanted, "uploads_hours": 25},
        {"tickets_days": 1},
    ):
        assert alice.call("PUT", "/organisation/retention", wrong).status_code == 422
    reader = Program(acme, [Scope.READ, Scope.DATA_EXPORT])
    assert reader.get("/organisation/retention") == (200, wanted)
    assert reader.call("PUT", "/organisation/retention", wanted).status_code == 403
    assert carol.get("/organisation/retention")[1]["tickets_days"] is None


def test_a_program_takes_everything_along(
    acme: Organisation, alice: Program, carol: Program, tmp_path: Path, moment: datetime
) -> None:
    stories.tickets_of(acme, tmp_path, moment)
    assert Program(acme, [s for s in Scope if s is not Scope.DATA_EXPORT]).post("/organisation/exports")[0] == 403
    taker = Program(acme, [Scope.DATA_EXPORT])
    status, asked = taker.post("/organisation/exports", **{"Idempotency-Key": "nightly"})
    assert (status, asked["state"], asked["bytes"]) == (201, "waiting", 0)
    assert taker.post("/organisation/exports", **{"Idempotency-Key": "nightly"})[1] == asked
    file = f"/organisation/exports/{asked['id']}/file"
    assert taker.get(file)[0] == 404, "not ready"
    exports.make_exports(now=moment)
    status, ready = taker.get(f"/organisation/exports/{asked['id']}")
    assert (status, ready["state"]) == (200, "ready")
    assert taker.get("/organisation/exports")[1]["items"] == [ready]
    answer = taker.call("GET", file)
    zipped = b"".join(answer.streaming_content)
    assert answer["ETag"] == f'"{hashlib.sha256(zipped).hexdigest()}"' == f'"{ready["sha256"]}"'
    assert re.fullmatch(r'attachment; filename="[a-z0-9-]+\.zip"', answer["Content-Disposition"])
    assert int(answer["Content-Length"]) == len(zipped) == ready["bytes"]
    assert zipfile.ZipFile(io.BytesIO(zipped)).testzip() is None
    assert carol.get(file)[0] == 404 and carol.get("/organisation/exports")[1]["items"] == []
    told = TeamEvent.objects.get(organisation=acme, what="export_downloaded")
    assert taker.key.prefix in told.who


def test_exports_are_made_three_times_a_day_at_most(acme: Organisation, alice: Program, moment: datetime) -> None:
    for _ in range(3):
        assert alice.post("/organisation/exports")[0] == 201
        exports.make_exports(now=moment)
    status, refused = alice.post("/organisation/exports")
    assert (status, refused["error"]["code"], refused["error"]["most"]) == (409, "too_many_exports", 3)
    TeamEvent.objects.update(at=moment - timedelta(days=1, minutes=1))
    assert alice.post("/organisation/exports")[0] == 201


def test_a_program_asks_for_acmes_deletion_and_takes_it_back(acme: Organisation, alice: Program) -> None:
    eraser = Program(acme, [Scope.DATA_ERASE])
    status, refused = eraser.post("/organisation/deletion", {"organisation": "globex"})
    assert (status, refused["error"]["code"]) == (422, "not_confirmed")
    assert Program(acme, [s for s in Scope if s is not Scope.DATA_ERASE]).post(
        "/organisation/deletion", {"organisation": "acme"}
    )[0] == 403  # fmt: skip
    assert alice.get("/organisation/deletion")[1]["erased_at"] is None
    status, said = eraser.post("/organisation/deletion", {"organisation": "acme"}, **{"Idempotency-Key": "bye"})
    assert status == 200 and said["erased_at"] is not None
    assert alice.get("/organisation/deletion")[1] == said
    status, again = eraser.post("/organisation/deletion", {"organisation": "acme"})
    assert (status, again["erased_at"]) == (200, said["erased_at"])
    # It only reads, and takes its data along.
    assert alice.call("PATCH", "/organisation", {"name": "x", "time_zone": "UTC"}).status_code == 403
    assert alice.post("/webhooks/endpoints", {"url": "https://x.example"})[1]["error"]["code"] == "organisation_closing"
    assert alice.post("/organisation/exports")[0] == 201
    assert eraser.call("DELETE", "/organisation/deletion").status_code == 204
    assert eraser.call("DELETE", "/organisation/deletion").status_code == 204
    acme.refresh_from_db()
    assert acme.closing_at is None


def test_owners_alone_make_keys_that_take_and_erase(acme: Organisation, moment: datetime) -> None:
    made = {"name": "taker", "scopes": ["data:export", "data:erase"]}

    browsers = {role: of(member_of(acme, f"a-{role.value}", role, moment)) for role in Role}

    def makes(role: Role) -> int:
        return browsers[role].post(f"{ROOT}/api-keys", made, content_type="application/json").status_code

    assert [makes(role) for role in (Role.VIEWER, Role.TRAINER, Role.BILLING, Role.OWNER)] == [403, 403, 403, 201]
    for role, browser in browsers.items():
        if role is Role.OWNER:
            continue
        for method, path in (
            ("post", "/organisation/exports"),
            ("get", "/organisation/exports"),
            ("post", "/organisation/deletion"),
            ("put", "/organisation/retention"),
        ):
            sent = getattr(browser, method)(f"{ROOT}{path}", {"organisation": "acme"}, content_type="application/json")
            assert sent.status_code == 403, (role, method, path)


def test_alice_takes_her_data_and_erases_her_account(acme: Organisation, alice: Program, moment: datetime) -> None:
    owner = of(member_of(acme, "alice", Role.OWNER, moment))
    assert alice.call("GET", "/account/export").status_code == 403, "a key is no person"
    assert alice.post("/account/erasure", {"email": "alice@acme.example"})[0] == 403
    whole = zipfile.ZipFile(io.BytesIO(b"".join(owner.get(f"{ROOT}/account/export").streaming_content)))
    assert b"alice@acme.example" in whole.read("account.json")

    def erase(browser: Client, email: str) -> tuple[int, Any]:
        return answered(browser.post(f"{ROOT}/account/erasure", {"email": email}, content_type="application/json"))

    assert erase(owner, "bob@acme.example")[1]["error"]["code"] == "not_confirmed"
    assert erase(owner, "alice@acme.example")[1]["error"]["code"] == "only_owner"
    member_of(acme, "bob", Role.OWNER, moment)
    status, said = erase(owner, "Alice@acme.example")
    assert (status, said) == (200, {"person": said["person"]})
    assert owner.get(f"{ROOT}/me").status_code == 401
    assert User.objects.get(pk=said["person"]).is_active is False
