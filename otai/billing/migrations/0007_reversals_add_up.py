import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('billing', '0006_what_payments_brought')]
    operations = [
        migrations.AddConstraint(
            model_name='reversal',
            constraint=models.CheckConstraint(condition=models.Q(('cents', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('surplus_cents'), '+', models.F('price_cents')), '+', models.F('excess_cents'))), models.Q(('excess_cents', 0), ('price_cents', 0), ('surplus_cents', 0)), _connector='OR'), name='billing_reversal_takes_its_amount_or_nothing'),
        ),
        migrations.AddConstraint(
            model_name='reversal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('kind', 'inquiry'), _negated=True), models.Q(('state', 'won'), _negated=True)), models.Q(('excess_cents', 0), ('owed_credits', 0), ('price_cents', 0), ('share_credits', 0), ('surplus_cents', 0), ('withdrawn_credits', 0)), _connector='OR'), name='billing_reversal_inquired_or_won_takes_nothing'),
        ),
    ]
