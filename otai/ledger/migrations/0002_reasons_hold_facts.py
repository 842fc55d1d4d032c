# The columns are `text` in the hand-written SQL: Django only learns that a fact is longer than a person's own words.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(name, "reason", models.CharField(max_length=4000))
                for name in ("latecapture", "lot", "transfer")
            ],
        ),
    ]
