from django.db import migrations, models


def name_the_payment(apps, schema_editor):
    """Of several payments, the one by a provider that brought most: the next time that the provider is asked, it says
    which it was."""
    payments = apps.get_model("billing", "Payment")
    for reversal in apps.get_model("billing", "Reversal").objects.filter(payment__isnull=True):
        mine = payments.objects.filter(purchase_id=reversal.purchase_id)
        best = max(mine, key=lambda one: (one.gateway != "bank_transfer", one.cents), default=None)
        reversal.payment = best
        reversal.save(update_fields=["payment"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_buyers_have_references")]

    operations = [
        migrations.AddField(
            model_name="reversal",
            name="payment",
            field=models.ForeignKey(
                null=True,
                on_delete=models.deletion.PROTECT,
                related_name="reversals",
                to="billing.payment",
            ),
        ),
        migrations.RunPython(name_the_payment, migrations.RunPython.noop),
    ]
