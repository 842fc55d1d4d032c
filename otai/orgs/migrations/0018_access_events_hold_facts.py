from __future__ import annotations

import json

from django.db import migrations, models

LIST = "list of "
WAYS = {
    "password": "access.by_password",
    "password mfa": "access.by_password_and_second_factor",
    "mfa": "access.by_passkey",
}


def as_fact(what, about):
    """The fact of what a release before wrote in English; None where it cannot be told."""
    first, _blank, rest = about.partition(" ")
    if what == "signed_in" and about in WAYS:
        return {"code": WAYS[about], "values": {}}
    if what == "access_refused" and not rest:
        return {"code": "access.refused", "values": {"action": about}}
    if what == "operator_read":
        words = about.split(" ")
        if about == "vendor API":
            return {"code": "access.vendor_api", "values": {}}
        if about.startswith(LIST):
            return {"code": "access.list_read", "values": {"table": about.removeprefix(LIST)}}
        if first == "accountant" and len(words) == 3:
            return {"code": "access.books_read", "values": {"books": words[1], "period": words[2]}}
        if first == "invoice" and len(words) == 4 and words[2] == "as":
            return {"code": "access.invoice_read", "values": {"number": words[1], "kind": words[3].upper()}}
        if rest:
            return {"code": "access.row_read", "values": {"table": first, "row": rest}}
    if what in ("impersonation_begun", "impersonation_ended") and ": " in about:
        member, _colon, why = about.partition(": ")
        return {"code": "access.looks_as", "values": {"member": member, "why": why}}
    return None


def said_as_facts(apps, schema_editor):
    rows = apps.get_model("orgs", "AccessEvent").objects.using(schema_editor.connection.alias)
    known = rows.exclude(about="").exclude(about__startswith='{"code": ')
    for what, about in list(known.values_list("what", "about").distinct().order_by("what", "about")):
        if (fact := as_fact(what, about)) is not None:
            rows.filter(what=what, about=about).update(about=json.dumps(fact, ensure_ascii=False))


class Migration(migrations.Migration):
    dependencies = [("orgs", "0017_former_addresses")]

    operations = [
        migrations.AlterField(
            "accessevent",
            "about",
            models.CharField(
                help_text="A fact (`words/kept_facts.py`); empty where there is none.", max_length=700
            ),
        ),
        migrations.RunPython(said_as_facts, migrations.RunPython.noop),
    ]
