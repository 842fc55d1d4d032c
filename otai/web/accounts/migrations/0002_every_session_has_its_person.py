"""Sessions of before that nobody came back to have a row as well: a person's sessions are found by it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations
from django.utils import timezone


def note(apps: Any, schema_editor: Any) -> None:
    session, noted = apps.get_model("sessions", "Session"), apps.get_model("usersessions", "UserSession")
    user = apps.get_model("orgs", "User")
    known = set(noted.objects.values_list("session_key", flat=True))
    store, now = SessionStore(), timezone.now()
    for found in session.objects.filter(expire_date__gt=now).exclude(session_key__in=known).iterator():
        number = str(store.decode(found.session_data).get(SESSION_KEY, ""))
        if number.isdecimal() and user.objects.filter(pk=number).exists():
            noted.objects.create(
                user_id=int(number), session_key=found.session_key, ip="0.0.0.0", user_agent="",
                created_at=now, last_seen_at=now,
            )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_shared_counts"),
        ("orgs", "0015_organisation_keys"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]
    operations = [migrations.RunPython(note, migrations.RunPython.noop)]
