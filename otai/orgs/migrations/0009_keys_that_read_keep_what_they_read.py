"""Until here `read` opened words of tickets, mail addresses and files of models as well. Keys that were made then go on
doing what they do; new ones are given each of these by a scope of its own."""

from typing import Any

from django.db import migrations

BEFORE = ["read"]
FROM_NOW_ON = ["read", "tickets:read", "members:read", "models:download"]


def keep(apps: Any, schema_editor: Any) -> None:
    for key in apps.get_model("orgs", "ApiKey").objects.iterator():
        if "read" in key.scopes:
            key.scopes = FROM_NOW_ON + [scope for scope in key.scopes if scope not in FROM_NOW_ON]
            key.save(update_fields=["scopes"])


def give_back(apps: Any, schema_editor: Any) -> None:
    for key in apps.get_model("orgs", "ApiKey").objects.iterator():
        added = set(FROM_NOW_ON) - set(BEFORE)
        key.scopes = [scope for scope in key.scopes if scope not in added] or BEFORE
        key.save(update_fields=["scopes"])


class Migration(migrations.Migration):
    dependencies = [("orgs", "0008_quota_lifts")]

    operations = [migrations.RunPython(keep, give_back)]
