from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0002_guarantee"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="failure",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
