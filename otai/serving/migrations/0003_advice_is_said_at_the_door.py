from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("serving", "0002_live_versions_feedback_and_advice"),
    ]

    operations = [
        migrations.AlterField(
            model_name="advice",
            name="title",
            field=models.CharField(max_length=300, blank=True, default=""),
        ),
    ]
