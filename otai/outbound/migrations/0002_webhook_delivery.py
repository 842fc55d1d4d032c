from django.db import migrations


class Migration(migrations.Migration):
    """A webhook's delivery is no longer called as a run's is (pricing: standard, fast). The table keeps its name."""

    dependencies = [("outbound", "0001_initial")]

    operations = [migrations.RenameModel(old_name="Delivery", new_name="WebhookDelivery")]
