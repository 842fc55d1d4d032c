from typing import Any

from django.db import migrations

NEWEST = {
    "runs": ("runs", "Event"),
    "transfers": ("ledger", "Transfer"),
    "notices": ("billing", "Notice"),
    "versions": ("serving", "ModelVersion"),
    "advice": ("serving", "Advice"),
    "live": ("serving", "ModelEvent"),
}


def read_from_now_on(apps: Any, schema_editor: Any) -> None:
    """Members are told what happens after this release came, not what happened before."""
    positions = apps.get_model("outbound", "Position").objects
    for name, (room, model) in NEWEST.items():
        last = apps.get_model(room, model).objects.order_by("-pk").values_list("pk", flat=True).first()
        if last is not None:
            positions.get_or_create(source=name, defaults={"value": str(last)})
    ended = apps.get_model("jobs", "Job").objects.filter(ended_at__isnull=False).order_by("-ended_at", "-pk").first()
    if ended is not None:
        positions.get_or_create(source="imports", defaults={"value": f"{ended.ended_at.isoformat()} {ended.pk}"})


class Migration(migrations.Migration):
    dependencies = [
        ("outbound", "0005_notifications"),
        ("billing", "0030_persons_are_replaced"),
        ("jobs", "0002_case_of_an_error"),
        ("ledger", "0002_reasons_hold_facts"),
        ("runs", "0007_devices_of_attempts"),
        ("serving", "0003_advice_is_said_at_the_door"),
    ]

    operations = [migrations.RunPython(read_from_now_on, migrations.RunPython.noop)]
