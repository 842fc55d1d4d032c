from django.db import migrations, models

from otai.tickets.formats_of_before import FEEDBACK_ON, MADE_AS, made_as_of


def said_as_facts(apps, schema_editor):
    """Only of versions that were made from another: a file may be called as it likes."""
    rows = apps.get_model("tickets", "DataSet").objects.using(schema_editor.connection.alias)
    made = rows.filter(source_format__startswith="made from version ", deleted_at=None, made_as__isnull=True)
    ours = models.Q(source_filename__in=list(MADE_AS)) | models.Q(source_filename__startswith=FEEDBACK_ON)
    for id, stored in list(made.filter(ours).values_list("id", "source_filename")):
        rows.filter(id=id).update(source_filename="", made_as=made_as_of(stored).as_dict())


class Migration(migrations.Migration):
    dependencies = [("tickets", "0009_uploads_arrive_in_parts")]

    operations = [
        migrations.AddField(
            "dataset",
            "made_as",
            models.JSONField(
                help_text="What was done to the version before, as a fact; empty where files were imported.", null=True
            ),
        ),
        migrations.RunPython(said_as_facts, migrations.RunPython.noop),
    ]
