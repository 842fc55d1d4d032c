from django.db import migrations, models

TABLES = ("billing_details", "billing_invoice", "billing_notice", "billing_purchase")


def widen(apps, schema_editor):
    """SQLite does not bound the column, and would make the tables anew for it, without their triggers."""
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN language TYPE varchar(10)")


class Migration(migrations.Migration):
    """Languages are a list in the settings: a new one needs no migration."""

    dependencies = [("billing", "0003_training_fee_refunds")]

    operations = [
        migrations.RemoveConstraint(model_name="billingdetails", name="billing_details_language_is_known"),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(widen, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField("billingdetails", "language", models.CharField(default="en", max_length=10)),
                migrations.AlterField("invoice", "language", models.CharField(max_length=10)),
                migrations.AlterField("notice", "language", models.CharField(max_length=10)),
                migrations.AlterField("purchase", "language", models.CharField(max_length=10)),
            ],
        ),
    ]
