from django.db import migrations, models
from django.db.models import Q

WHY = "a link of the chain is never changed"


def again_never_changed(apps, schema_editor):
    """SQLite makes the table anew, and its trigger goes with the old one."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS billing_chain_link_is_never_changed", params=None)
        schema_editor.execute(
            "CREATE TRIGGER billing_chain_link_is_never_changed BEFORE UPDATE ON billing_chain_link "
            f"BEGIN SELECT RAISE(ABORT, '{WHY}'); END",
            params=None,
        )


def only_events_and_invoices(apps, schema_editor):
    """The version before chains no other rows, and its chain ends before the first of them."""
    link = apps.get_model("billing", "ChainLink")
    first = link.objects.filter(kept_id__isnull=False).order_by("seq").values_list("seq", flat=True).first()
    if first is not None:
        vendor = schema_editor.connection.vendor
        if vendor == "postgresql":
            schema_editor.execute("ALTER TABLE billing_chain_link DISABLE TRIGGER USER", params=None)
        link.objects.filter(seq__gte=first).delete()
        if vendor == "postgresql":
            schema_editor.execute("ALTER TABLE billing_chain_link ENABLE TRIGGER USER", params=None)


class Migration(migrations.Migration):

    dependencies = [
        ("billing", "0034_days_are_counted_in_a_zone"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, again_never_changed),
        migrations.RemoveConstraint(
            model_name="chainlink",
            name="billing_chain_link_is_of_an_event_or_an_invoice",
        ),
        migrations.AddField(
            model_name="chainlink",
            name="kept_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="chainlink",
            name="kept_table",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AddConstraint(
            model_name="chainlink",
            constraint=models.CheckConstraint(
                condition=Q(event__isnull=False, invoice__isnull=True, kept_id__isnull=True, kept_table="")
                | Q(event__isnull=True, invoice__isnull=False, kept_id__isnull=True, kept_table="")
                | Q(event__isnull=True, invoice__isnull=True, kept_id__isnull=False) & ~Q(kept_table=""),
                name="billing_chain_link_is_of_one_row",
            ),
        ),
        migrations.AddConstraint(
            model_name="chainlink",
            constraint=models.UniqueConstraint(
                condition=Q(kept_id__isnull=False),
                fields=("kept_table", "kept_id"),
                name="billing_chain_link_keeps_a_row_once",
            ),
        ),
        migrations.RunPython(again_never_changed, only_events_and_invoices),
    ]
