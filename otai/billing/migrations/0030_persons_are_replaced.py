from django.db import migrations

NEVER_CHANGED = {
    "billing_event": ("an event is never changed", "event", ["who", "why", "details"]),
    "billing_tier_change": ("a tier change is never changed", "tier_change", ["who", "why"]),
}
"""But for the persons in them, once another event tells of it."""


def _columns(apps, table, but):
    model = apps.get_model("billing", "Event" if table == "billing_event" else "TierChange")
    return [field.column for field in model._meta.concrete_fields if field.column not in but]


def _told(subject):
    return (
        f"EXISTS (SELECT 1 FROM billing_event t WHERE t.subject = '{subject}' "
        "AND t.subject_id = CAST(OLD.id AS varchar(40)) AND t.move = 'person_replaced')"
    )


def allow(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for table, (why, subject, persons) in NEVER_CHANGED.items():
        others = _columns(apps, table, persons)
        trigger = f"{table}_is_never_changed"
        if not is_postgres:
            same = " AND ".join(f"OLD.{name} IS NEW.{name}" for name in others)
            schema_editor.execute(f"DROP TRIGGER {trigger}", params=None)
            schema_editor.execute(
                f"CREATE TRIGGER {trigger} BEFORE UPDATE ON {table} WHEN NOT ({same} AND {_told(subject)}) "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END",
                params=None,
            )
            continue
        same = " AND ".join(f"OLD.{name} IS NOT DISTINCT FROM NEW.{name}" for name in others)
        schema_editor.execute(
            f"""
            CREATE FUNCTION {table}_only_persons() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF {same} AND {_told(subject)} THEN RETURN NEW; END IF;
                END IF;
                RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation';
            END $$
            """,
            params=None,
        )
        schema_editor.execute(f"DROP TRIGGER {trigger} ON {table}", params=None)
        schema_editor.execute(
            f"CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_only_persons()",
            params=None,
        )


def refuse_all(apps, schema_editor):
    """The triggers of 0002 again."""
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for table, (why, _, _) in NEVER_CHANGED.items():
        trigger = f"{table}_is_never_changed"
        if not is_postgres:
            schema_editor.execute(f"DROP TRIGGER {trigger}", params=None)
            schema_editor.execute(
                f"CREATE TRIGGER {trigger} BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{why}'); END", params=None
            )
            continue
        schema_editor.execute(f"DROP TRIGGER {trigger} ON {table}", params=None)
        schema_editor.execute(f"DROP FUNCTION {table}_only_persons()", params=None)
        schema_editor.execute(
            f"CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION billing_refuse_change('{why}')",
            params=None,
        )


class Migration(migrations.Migration):
    dependencies = [("billing", "0029_price_books_take_two")]
    operations = [migrations.RunPython(allow, refuse_all, elidable=False)]
