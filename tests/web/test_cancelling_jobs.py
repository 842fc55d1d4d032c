"""Who may start a job may cancel it on its page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client

from otai.jobs.models import Job
from otai.orgs.permissions import Role
from tests import stories
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("role", "may"), [(Role.TRAINER, True), (Role.VIEWER, False), (Role.BILLING, False)])
def test_a_guarantees_job_is_cancelled_by_who_may_start_it(
    role: Role, may: bool, tmp_path: Path, now: datetime
) -> None:
    acme = stories.acme(now)
    job = stories.waiting_job(acme, tmp_path, now)
    Job.objects.filter(id=job.id).update(kind="holdout")
    bob = person("bob")
    joins(acme, bob, role, now)
    browser = Client()
    browser.force_login(bob)
    address = f"/acme/jobs/{job.id}/cancel"
    assert (address in browser.get(f"/acme/jobs/{job.id}/").content.decode()) is may
    assert browser.post(address).status_code == (302 if may else 403)
    job.refresh_from_db()
    assert job.status == ("cancelled" if may else "queued")
