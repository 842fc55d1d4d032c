"""Triggers: an invoice, a tier change and an event are never changed or deleted, and invoice numbers have no gaps.

SQLite refuses changes only: Django's tests empty its tables by deleting rows, which a trigger would refuse. There a deleted invoice is found
by `queries.missing_invoices`, since the series remembers the last number it gave.
"""

from django.db import migrations

NEVER_CHANGED = {
    "billing_invoice": "an issued invoice is never changed: issue a credit note",
    "billing_tier_change": "a tier change is never changed",
    "billing_event": "an event is never changed",
}
NO_GAPS = "invoice numbers have no gaps"


def _postgres() -> list[str]:
    statements = [
        """
        CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$
        """,
        f"""
        CREATE FUNCTION billing_invoice_follows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM billing_invoice WHERE kind = NEW.kind AND year = NEW.year) THEN
                RAISE EXCEPTION '{NO_GAPS}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER billing_invoice_has_no_gap BEFORE INSERT ON billing_invoice
        FOR EACH ROW EXECUTE FUNCTION billing_invoice_follows()
        """,
    ]
    for table, why in NEVER_CHANGED.items():
        statements.append(
            f"CREATE TRIGGER {table}_is_never_changed BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION billing_refuse_change('{why}')"
        )
    return statements


def _sqlite() -> list[str]:
    statements = [
        f"""
        CREATE TRIGGER billing_invoice_has_no_gap BEFORE INSERT ON billing_invoice
        WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM billing_invoice WHERE kind = NEW.kind AND year = NEW.year)
        BEGIN SELECT RAISE(ABORT, '{NO_GAPS}'); END
        """
    ]
    for table, why in NEVER_CHANGED.items():
        statements.append(
            f"CREATE TRIGGER {table}_is_never_changed BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
    return statements


def create(apps, schema_editor):
    for statement in _postgres() if schema_editor.connection.vendor == "postgresql" else _sqlite():
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(create, elidable=False)]
