from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import Exact

from otai.db import new_id
from otai.orgs.permissions import Action, Role, allowed, scopes_allow

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"


class User(AbstractUser):
    """A person who signs in. What they may do comes from their membership of an organisation, not from here."""

    email = models.EmailField(unique=True)
    language = models.CharField(
        max_length=10, blank=True, default="", help_text="A code such as en; empty: what the browser asks for."
    )

    class Meta:
        db_table = "orgs_user"
        constraints = [
            models.UniqueConstraint(Lower("email"), name="orgs_user_has_a_mail_address_of_their_own"),
        ]


class Organisation(models.Model):
    """One customer. `slug` is the name used on the command line and in addresses; it never changes hands."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=63, unique=True, validators=[RegexValidator(SLUG_PATTERN)])
    name = models.CharField(max_length=200)
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="IANA name; due times and monthly grants follow it."
    )
    created_at = models.DateTimeField()
    asks_second_factor = models.BooleanField(
        default=False, help_text="Whether its pages open to members with a second factor alone."
    )
    suspended_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing can be ordered; empty: it is not suspended."
    )
    suspended_by = models.CharField(max_length=200, blank=True, default="")
    suspended_why = models.CharField(max_length=500, blank=True, default="")
    closing_at = models.DateTimeField(
        null=True, blank=True, help_text="When its data is erased; until then it only reads and can be taken back."
    )
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Since when its data is erased.")

    class Meta:
        db_table = "orgs_organisation"
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closing_at__isnull=False, closed_at__gte=F("closing_at")),
                name="orgs_organisation_is_erased_after_its_grace",
            ),
            models.CheckConstraint(
                condition=Q(suspended_at__isnull=True, suspended_by="", suspended_why="")
                | (Q(suspended_at__isnull=False) & ~Q(suspended_by="") & ~Q(suspended_why="")),
                name="orgs_organisation_is_suspended_by_somebody_with_a_reason",
            ),
            models.CheckConstraint(condition=~Q(slug=""), name="orgs_organisation_has_a_slug"),
            models.CheckConstraint(condition=~Q(name=""), name="orgs_organisation_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which its days begin: due times, grant days, statements."""
        return ZoneInfo(self.time_zone)


class Founder(models.Model):
    """Whom gifts are given once: an account, a mail address or a company's mail domain, by its hash
    (`founders.py`)."""

    key = models.CharField(primary_key=True, max_length=64)

    class Meta:
        db_table = "orgs_founder"
        constraints = [
            models.CheckConstraint(condition=Exact(Length("key"), 64), name="orgs_founder_is_a_hash"),
        ]


class Founding(models.Model):
    """Who signed the organisation up. Without one an operator did, who gives what they like.

    `confirmed_at`: since when the founder's mail address is confirmed; until then nothing is given. `is_older`: founded
    before gifts were counted; what it was given stays.
    """

    organisation = models.OneToOneField(Organisation, models.CASCADE, primary_key=True, related_name="founding")
    founders = models.ManyToManyField(Founder, related_name="foundings", db_table="orgs_founding_founder")
    founded_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    is_older = models.BooleanField(default=False)

    class Meta:
        db_table = "orgs_founding"
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(confirmed_at__gte=F("founded_at")),
                name="orgs_founding_is_confirmed_after_it",
            ),
        ]


_roles = [(role.value, role.value) for role in Role]


class Member(models.Model):
    """A person in an organisation, with one role. The same person may be in several organisations."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=_roles)
    joined_at = models.DateTimeField()

    class Meta:
        db_table = "orgs_member"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="orgs_member_is_in_an_organisation_once"),
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="orgs_member_has_a_known_role"),
        ]

    def may(self, action: Action | str) -> bool:
        """Whether the member's role allows the action."""
        return allowed(self.role, Action(action))


class Invitation(models.Model):
    """A mail address that may join, by a link. Only the SHA-256 of the link's token is kept: who reads the table cannot
    join."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=_roles)
    token_sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=200)
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orgs_invitation"
        constraints = [
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="orgs_invitation_has_a_known_role"),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="orgs_invitation_ends_one_way",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("invited_at")), name="orgs_invitation_expires_after_it_is_made"
            ),
            models.UniqueConstraint(
                fields=["organisation", "email"],
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="orgs_invitation_is_the_only_open_one",
            ),
        ]

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be accepted at `now`."""
        return self.accepted_at is None and self.withdrawn_at is None and now < self.expires_at


class SecretKey(models.Model):
    """A program's way in. The secret is shown once; only its SHA-256 is kept.

    A plain hash is enough because the secret is 256 random bits: there is nothing to guess, and no need to slow
    guessing down.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    scopes = models.JSONField()
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def is_usable(self, now: datetime) -> bool:
        """Whether it is neither revoked nor past its expiry at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ApiKey(SecretKey):
    """A key for one organisation."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_keys")

    class Meta:
        db_table = "orgs_api_key"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="orgs_api_key_has_a_name"),
            models.CheckConstraint(
                condition=Exact(Length("secret_sha256"), 64), name="orgs_api_key_keeps_a_hash_and_no_secret"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="orgs_api_key_expires_after_it_is_made",
            ),
        ]

    def may(self, action: Action | str) -> bool:
        """Whether the key's scopes allow the action."""
        return scopes_allow(self.scopes, Action(action))


class TeamEvent(models.Model):
    """What happened to members, invitations and keys, and who did it. Written with each change, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="team_events")
    at = models.DateTimeField()
    who = models.CharField(max_length=200)
    what = models.CharField(max_length=40)
    subject = models.CharField(max_length=254)
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "orgs_team_event"
        indexes = [models.Index(fields=["organisation", "-at"], name="orgs_team_event_by_time")]


class AccessEvent(models.Model):
    """Who came in, or tried to: sign-ins, refused access, misuse of keys, and what an operator saw
    (`access_events.py`). Of the same within an hour there is one row, with how often."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="access_events", null=True, help_text="Empty: of the vendor's keys."
    )
    what = models.CharField(max_length=40)
    who = models.CharField(max_length=254)
    address = models.CharField(max_length=45)
    browser = models.CharField(max_length=60)
    about = models.CharField(max_length=700, help_text="A fact (`words/kept_facts.py`); empty where there is none.")
    hour = models.DateTimeField()
    first_at = models.DateTimeField()
    at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "orgs_access_event"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "hour", "what", "who", "address", "about"],
                name="orgs_access_event_is_one_in_an_hour",
            ),
            models.UniqueConstraint(
                fields=["hour", "what", "who", "address", "about"],
                condition=Q(organisation__isnull=True),
                name="orgs_access_event_of_the_vendor_is_one_in_an_hour",
            ),
            models.CheckConstraint(
                condition=~Q(what="") & Q(times__gte=1) & Q(at__gte=F("first_at")),
                name="orgs_access_event_says_what_and_how_often",
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-at"], name="orgs_access_event_by_time")]


class Impersonation(models.Model):
    """An operator looks at an organisation as one of its members, for a while and with a reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="+")
    operator = models.ForeignKey(User, models.CASCADE, related_name="+")
    why = models.CharField(max_length=150)
    begun_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orgs_impersonation"
        constraints = [
            models.CheckConstraint(
                condition=~Q(why="") & Q(until__gt=F("begun_at")), name="orgs_impersonation_has_a_reason_and_an_end"
            ),
        ]


class QuotaLift(models.Model):
    """A bound (`quotas.Quota`) that an operator set for one organisation in the place of its tier's; without
    `most` there is none."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="quota_lifts")
    quota = models.CharField(max_length=40)
    most = models.PositiveBigIntegerField(null=True)
    set_by = models.CharField(max_length=200)
    why = models.CharField(max_length=500)
    set_at = models.DateTimeField()

    class Meta:
        db_table = "orgs_quota_lift"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "quota"], name="orgs_quota_lift_is_set_once"),
            models.CheckConstraint(
                condition=~Q(quota="") & ~Q(set_by="") & ~Q(why=""), name="orgs_quota_lift_says_who_and_why"
            ),
        ]


class RequestMinute(models.Model):
    """How many requests of `who` the server processes have taken for a minute since 1970, in blocks (`rates.py`). No
    foreign key: who asks waits for no lock on whom it is about."""

    who = models.CharField(max_length=100)
    minute = models.BigIntegerField(db_index=True)
    taken = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "orgs_request_minute"
        constraints = [
            models.UniqueConstraint(fields=["who", "minute"], name="orgs_request_minute_is_counted_in_one_row"),
            models.CheckConstraint(condition=~Q(who=""), name="orgs_request_minute_is_somebodys"),
        ]


class PlaceKeeper(models.Model):
    """A server process that holds places (`concurrency_limits.py`), and when it last said that it is there."""

    id = models.UUIDField(primary_key=True, editable=False)
    renewed_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "orgs_place_keeper"


class TakenPlace(models.Model):
    """One of the few things of a `kind` that may go on at once: a live stream, a file on its way in. `of` and `who` say
    for whom it counts; no row of theirs is referred to, so that nobody waits for a lock on it."""

    id = models.UUIDField(primary_key=True, editable=False)
    keeper = models.ForeignKey(PlaceKeeper, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20)
    of = models.CharField(max_length=80)
    who = models.CharField(max_length=80, blank=True)

    class Meta:
        db_table = "orgs_place"
        indexes = [models.Index(fields=["kind", "of"], name="orgs_place_of")]


class KeptKey(models.Model):
    """A key for one purpose that outlives the secret key it was derived from: sealed under the current one, so that
    what was signed before is still known as ours when the former secret key is gone. `key_id`: the former key's."""

    purpose = models.CharField(max_length=60)
    key_id = models.CharField(max_length=16)
    sealed = models.TextField()

    class Meta:
        db_table = "orgs_kept_key"
        constraints = [
            models.UniqueConstraint(fields=["purpose", "key_id"], name="orgs_kept_key_is_one_for_each_purpose"),
            models.CheckConstraint(condition=~Q(sealed=""), name="orgs_kept_key_is_sealed"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.key_id}"


class OrganisationKey(models.Model):
    """The key with which an organisation's files are encrypted, sealed under the installation's secret key. Whoever
    deletes it has made all those files unreadable, wherever they lie."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.OneToOneField(Organisation, models.CASCADE, related_name="+")
    sealed = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "orgs_organisation_key"
        constraints = [models.CheckConstraint(condition=~Q(sealed=""), name="orgs_organisation_key_is_sealed")]

    def __str__(self) -> str:
        return str(self.id)


class Consent(models.Model):
    """A person has accepted a version of the vendor's terms, in the language in which they read it. It goes with the
    account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="consents")
    version = models.CharField(max_length=100)
    language = models.CharField(max_length=10)
    accepted_at = models.DateTimeField()

    class Meta:
        db_table = "orgs_consent"
        constraints = [
            models.UniqueConstraint(fields=["user", "version"], name="orgs_consent_is_given_once"),
            models.CheckConstraint(condition=~Q(version=""), name="orgs_consent_is_to_a_version"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.version}"


class FormerAddress(models.Model):
    """A mail address that a person had before their present one: it stands beside what they did meanwhile. It goes with
    the account."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="former_addresses")
    email = models.CharField(max_length=254, help_text="In small letters.")
    until = models.DateTimeField()

    class Meta:
        db_table = "orgs_former_address"
        constraints = [
            models.UniqueConstraint(fields=["user", "email"], name="orgs_former_address_is_kept_once"),
            models.CheckConstraint(condition=~Q(email=""), name="orgs_former_address_is_one"),
        ]
        indexes = [models.Index("email", name="orgs_former_address_by_email")]

    def __str__(self) -> str:
        return self.email
