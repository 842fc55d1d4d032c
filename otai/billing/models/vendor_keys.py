from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from otai.orgs.actors import by_vendor_key
from otai.orgs.models import SecretKey


class VendorKey(SecretKey):
    """A key for the vendor's own systems, such as a shop or a CRM: it belongs to no organisation, and opens the
    vendor's API alone."""

    revoked_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "billing_vendor_key"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(created_by=""), name="billing_vendor_key_has_a_name_and_a_maker"
            ),
            models.CheckConstraint(
                condition=Exact(Length("secret_sha256"), 64), name="billing_vendor_key_keeps_a_hash_and_no_secret"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="billing_vendor_key_expires_after_it_is_made",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="") | (Q(revoked_at__isnull=False) & ~Q(revoked_by="")),
                name="billing_vendor_key_is_revoked_by_somebody",
            ),
        ]

    @property
    def who(self) -> str:
        """As it is written beside every change."""
        return by_vendor_key(self.name, self.prefix)
