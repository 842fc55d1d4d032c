from django.db import migrations, models


class Migration(migrations.Migration):
    """Languages are a list in the settings: a new one needs no migration."""

    dependencies = [("orgs", "0002_members_invitations_and_keys")]

    operations = [
        migrations.RemoveConstraint(model_name="user", name="orgs_user_reads_a_language_that_we_write"),
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True, default="", help_text="A code such as en; empty: what the browser asks for.", max_length=10
            ),
        ),
    ]
