from zoneinfo import ZoneInfo

from django.db import migrations, models

from otai.pricing.anniversary import anniversary_at


def count_where_they_are(apps, schema_editor):
    """Days begin where the organisation is today; a grant that was due by another zone's days is due by these."""
    subscriptions = apps.get_model("billing", "Subscription").objects
    for one in subscriptions.select_related("organisation").order_by("id").iterator(chunk_size=500):
        one.time_zone = one.organisation.time_zone
        zone = ZoneInfo(one.time_zone)
        one.next_grant_at = anniversary_at(one.signed_up_at, one.months_granted + 1, zone)
        one.save(update_fields=["time_zone", "next_grant_at"])


class Migration(migrations.Migration):

    dependencies = [
        ("billing", "0033_what_the_bank_took_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="time_zone",
            field=models.CharField(
                default="UTC",
                help_text="Where the days of grants and paid months begin: it follows while nothing is paid.",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(count_where_they_are, migrations.RunPython.noop),
    ]
