from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="error_case",
            field=models.CharField(blank=True, default="", max_length=60),
        ),
    ]
