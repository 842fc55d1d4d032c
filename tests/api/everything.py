"""Acme with one of everything that an endpoint can name, and what all tables hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session

from otai.billing.models import Invoice
from otai.billing.operations import buy
from otai.helpdesks import operations as helpdesks
from otai.helpdesks.connecting import System
from otai.orgs.models import AccessEvent, ApiKey, Organisation, RequestMinute, User
from otai.orgs.operations import add_member, invite
from otai.outbound import operations as outbound
from otai.privacy.models import Export, ExportState
from otai.runs.guarantee.operations import open_guarantees
from otai.runs.models import Attempt, Run
from otai.runs.status import RunStatus
from otai.serving.models import Advice, Feedback, ModelVersion, ReviewItem
from otai.serving.operations import register_completed_runs
from otai.tickets import waiting_uploads
from otai.tickets.files import file_store
from tests import stories
from tests.billing.people import details, transfer


@dataclass(frozen=True)
class Everything:
    """Ids of acme's things, by the names that paths and bodies have for them."""

    path: dict[str, str]
    body: dict[str, str]


def everything_of(organisation: Organisation, folder: Path, now: datetime, bundle: Path | None = None) -> Everything:
    data_set = stories.searchable(stories.tickets_of(organisation, folder, now), folder, now)
    run = completed(stories.ordered(organisation, data_set, now), now, bundle)
    quote = stories.quote_for(organisation, data_set, now)
    details(organisation, now=now)
    purchase = buy(organisation=organisation, package="10", key="k1", who="alice", now=now).purchase
    paid = buy(organisation=organisation, package="10", key="k2", who="alice", now=now).purchase
    transfer(paid, now)
    method, page = stories.a_kept_method_and_a_page(organisation, purchase, now)
    key = ApiKey.objects.filter(organisation=organisation).order_by("created_at").first()
    endpoint = outbound.create_endpoint(
        organisation=organisation, url="https://hooks.acme.example/otai", who="alice", now=now
    ).endpoint
    helpdesk = helpdesks.connect(
        organisation=organisation,
        system=System.ZAMMAD,
        address="https://helpdesk.acme.example",
        token="a-token",
        who="alice",
        now=now,
    )
    delivery = outbound.send_test(organisation=organisation, endpoint=endpoint.id, who="alice", now=now)
    advice = advice_on(run, now)
    bob = User.objects.create_user("bob", "bob@acme.example", "long enough for anybody")
    member = add_member(organisation=organisation, user=bob, role="trainer", who="alice", now=now)
    invitation = invite(
        organisation=organisation, email="dora@acme.example", role="viewer", who="alice", now=now
    ).invitation
    guarantee = open_guarantees(organisation=organisation, now=now)[0]
    job = stories.waiting_job(organisation, folder, now)
    waiting_file = b"text,queue\nThe printer is on fire,it\n"
    upload = waiting_uploads.keep(organisation, filename="waiting.csv", chunks=[waiting_file])
    export = a_ready_export(organisation, folder, now)
    assert key is not None
    return Everything(
        path={
            "reference": purchase.reference,
            "method": str(method.id),
            "checkout": str(page.id),
            "/invoices/number": Invoice.objects.get(purchase=paid).number,
            "/runs/number": str(run.number),
            "attempt": "1",
            "data_set": str(data_set.id),
            "job": str(job.id),
            "upload": str(upload.id),
            "quote": str(quote.id),
            "model": run.model_name,
            "version": "1",
            "key": str(key.id),
            "member": str(member.id),
            "invitation": str(invitation.id),
            "endpoint": str(endpoint.id),
            "helpdesk": str(helpdesk.id),
            "delivery": str(delivery.id),
            "advice_id": str(advice.id),
            "question": str(asked_about(run.version).id),
            "statement": str(said_of(run.version, now).id),
            "guarantee": str(guarantee.id),
            "export": str(export.id),
            "kind": "training_ready",
        },
        body={"quote": str(quote.id), "data_set": str(data_set.id)},
    )


def a_ready_export(organisation: Organisation, folder: Path, now: datetime) -> Export:
    """Small, and not made by housekeeping: what it holds is of no concern here."""
    file = folder / "export.zip"
    file.write_bytes(b"PK")
    stored = file_store().put(file, folder=f"exports/{organisation.id}/one", suffix=".zip")
    return Export.objects.create(
        organisation=organisation,
        state=ExportState.READY,
        asked_by="alice",
        asked_at=now,
        ready_at=now,
        expires_at=now + timedelta(days=1),
        file=stored.path,
        sha256=stored.sha256,
        bytes=stored.bytes,
    )


def completed(run: Run, now: datetime, bundle: Path | None = None) -> Run:
    """The run as it is after a training, without one; with a real model where there is a `bundle`."""
    stored = file_store().put(bundle, folder="models", suffix=".otai") if bundle else None
    Attempt.objects.create(run=run, number=1, worker="w", started_at=now, ended_at=now, outcome="completed", log="done")
    Run.objects.filter(id=run.id).update(
        status=RunStatus.COMPLETED,
        ending="completed",
        attempt=1,
        started_at=now,
        ended_at=now,
        bundle_file=stored.path if stored else "models/none.otai",
        bundle_sha256=stored.sha256 if stored else "a" * 64,
        bundle_bytes=stored.bytes if stored else 1,
        report_card=json.loads(bundle.with_suffix(".json").read_text()) if bundle else {"attributes": []},
    )
    register_completed_runs(now=now, organisation=run.organisation)
    return Run.objects.get(id=run.id)


def advice_on(run: Run, now: datetime) -> Advice:
    return Advice.objects.create(
        version=run.version,
        data_set=run.data_set,
        kind="drift",
        found_at=now,
        checked_at=now,
        title="Tickets have changed",
        evidence=[],
        chart={},
        reason="drift",
        attributes=["queue"],
        credits=1,
    )


def asked_about(version: ModelVersion) -> ReviewItem:
    """A label that somebody was asked about."""
    return ReviewItem.objects.create(
        organisation_id=version.model.organisation_id, data_set_name=version.run.data_set.name, ticket="row 2",
        attribute="queue", text_key="0" * 32, given=["network"], suggested=["billing"], confidence=0.9,
    )  # fmt: skip


def said_of(version: ModelVersion, now: datetime) -> Feedback:
    """A correction that waits."""
    given = {"text": "wifi is slow", "attribute": "queue", "predicted": ["billing"], "corrected": ["network"]}
    return Feedback.objects.create(
        organisation_id=version.model.organisation_id, version=version, key="one", row=1, **given, confidence=0.8,
        is_right=False, given_by="alice", given_at=now,
    )  # fmt: skip


def all_rows() -> dict[str, str]:
    """A hash of every table's rows; of keys without the time of their last use, which is noted for whoever shows
    one; and without where people are signed in, what was refused, and how many requests an organisation made."""
    found = {}
    for model in apps.get_models():
        if model in (Session, UserSession, AccessEvent, RequestMinute):
            continue
        fields = [field.attname for field in model._meta.concrete_fields]
        if model is ApiKey:
            fields.remove("last_used_at")
        rows: list[Any] = sorted(repr(row) for row in model._base_manager.values_list(*fields))
        found[model._meta.label] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found
