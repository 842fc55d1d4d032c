from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from otai.db import new_id

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"


class User(AbstractUser):
    """A person who signs in. What they may do comes from their membership of an organisation, not from here."""

    email = models.EmailField(unique=True)

    class Meta:
        db_table = "orgs_user"


class Organisation(models.Model):
    """One customer. `slug` is the name used on the command line and in addresses; it never changes hands."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=63, unique=True, validators=[RegexValidator(SLUG_PATTERN)])
    name = models.CharField(max_length=200)
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="IANA name; due times and monthly grants follow it."
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "orgs_organisation"
        constraints = [
            models.CheckConstraint(condition=~Q(slug=""), name="orgs_organisation_has_a_slug"),
            models.CheckConstraint(condition=~Q(name=""), name="orgs_organisation_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
