from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.helpdesks.connecting import System
from otai.orgs.models import Organisation


class HelpdeskConnection(models.Model):
    """A helpdesk of a customer's that tickets are read from: where it is, its token, sealed (`secrets.py`), and what is
    read there. `queues` and `fields` are empty where all of them are."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="helpdesk_connections")
    name = models.CharField(max_length=100)
    system = models.CharField(max_length=40, choices=[(each.value, each.value) for each in System])
    address = models.CharField(max_length=2000)
    sealed_token = models.TextField(help_text="Sealed under the installation's secret key.")
    queues = models.JSONField(default=list, blank=True)
    created_since = models.DateField(null=True, help_text="Only tickets that came in on this day or later.")
    fields = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField()
    looked_by = models.UUIDField(null=True, help_text="The last job that looked there; forgotten after a day.")

    class Meta:
        db_table = "helpdesks_connection"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(address="") & ~Q(sealed_token=""),
                name="helpdesks_connection_has_a_name_an_address_and_a_token",
            ),
            models.CheckConstraint(
                condition=Q(system__in=[each.value for each in System]), name="helpdesks_connection_system_is_known"
            ),
            models.UniqueConstraint(
                fields=["organisation", "name"], name="helpdesks_connection_name_is_one_in_an_organisation"
            ),
        ]

    def __str__(self) -> str:
        return self.name
