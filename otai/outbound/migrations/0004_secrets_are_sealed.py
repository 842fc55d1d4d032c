"""Secrets of endpoints were worked out from the installation's key and a salt, so that changing the key changed them
all. From now on each lies sealed in its row; receivers keep the secrets that they have."""

import base64
import hashlib
import hmac

from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from otai import keyring


def worked_out(endpoint, salt):
    key = hashlib.sha256(b"otai.outbound.secret:" + settings.SECRET_KEY.encode()).digest()
    return "whsec_" + base64.b64encode(hmac.digest(key, f"{endpoint}:{salt}".encode(), "sha256")).decode()


def seal(apps, schema_editor):
    Endpoint = apps.get_model("outbound", "Endpoint")
    for endpoint in Endpoint.objects.all().iterator():
        for salt, column in ((endpoint.salt, "sealed_secret"), (endpoint.previous_salt, "sealed_previous")):
            if salt:
                secret = worked_out(endpoint.id, salt).encode()
                setattr(endpoint, column, keyring.seal(secret, purpose="webhook secret", of=str(endpoint.id)))
        endpoint.save(update_fields=["sealed_secret", "sealed_previous"])


class Migration(migrations.Migration):

    dependencies = [
        ('outbound', '0003_said_as_facts'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='sealed_secret',
            field=models.TextField(default="", help_text="Sealed under the installation's secret key."),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='endpoint',
            name='sealed_previous',
            field=models.TextField(blank=True, default="", help_text="The secret before, for a day."),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name='endpoint', name='outbound_endpoint_has_a_url_and_a_salt'),
        migrations.RemoveConstraint(model_name='endpoint', name='outbound_endpoint_previous_secret_has_an_end'),
        migrations.RemoveField(model_name='endpoint', name='salt'),
        migrations.RemoveField(model_name='endpoint', name='previous_salt'),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(
                condition=~Q(url="") & ~Q(sealed_secret=""), name='outbound_endpoint_has_a_url_and_a_secret'
            ),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(
                condition=Q(previous_until_at__isnull=True, sealed_previous="")
                | (Q(previous_until_at__isnull=False) & ~Q(sealed_previous="")),
                name='outbound_endpoint_previous_secret_has_an_end',
            ),
        ),
    ]
