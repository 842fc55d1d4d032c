from django.db import migrations, models


class Migration(migrations.Migration):
    # Beside 0015, which fills the column: PostgreSQL changes no table in the transaction that has written to it.
    dependencies = [("billing", "0015_reversals_of_a_payment")]

    operations = [
        migrations.AlterField(
            model_name="reversal",
            name="payment",
            field=models.ForeignKey(
                on_delete=models.deletion.PROTECT, related_name="reversals", to="billing.payment"
            ),
        ),
    ]
