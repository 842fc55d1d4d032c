from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from otai.billing.gateway import MoveKind
from otai.db import new_id
from otai.words.catalogue import ENGLISH, say_fact
from otai.words.sentences import Fact


class BalanceMove(models.Model):
    """A movement of the vendor's balance at a payment provider, as the provider lists it. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    gateway = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in MoveKind])
    provider_kind = models.CharField(max_length=60, help_text="In the provider's own word.")
    cents = models.BigIntegerField(help_text="Gross; negative where it went out.")
    fee_cents = models.BigIntegerField(default=0, help_text="What the provider kept of it.")
    currency = models.CharField(max_length=3)
    payment = models.CharField(max_length=200, blank=True, default="", help_text="The provider's name for the payment.")
    subject = models.CharField(max_length=200, blank=True, default="", help_text="Of the refund, dispute or payout.")
    moved_at = models.DateTimeField()
    fetched_at = models.DateTimeField()

    class Meta:
        db_table = "billing_balance_move"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "external_id"], name="billing_balance_move_is_stored_once"),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in MoveKind]), name="billing_balance_move_kind_is_known"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="billing_balance_move_has_a_name"),
        ]
        indexes = [
            models.Index(fields=["gateway", "payment"], name="billing_balance_move_payment"),
            models.Index(fields=["gateway", "subject"], name="billing_balance_move_subject"),
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def net_cents(self) -> int:
        """By how much it changed the balance."""
        return self.cents - self.fee_cents


class BalanceCheck(models.Model):
    """A day on which a provider's movements were compared with the books: those from `since_at` on."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    gateway = models.CharField(max_length=40)
    day = models.DateField(help_text="UTC.")
    since_at = models.DateTimeField()
    made_at = models.DateTimeField()
    moves = models.PositiveIntegerField(help_text="How many were new.")
    differences = models.PositiveIntegerField(help_text="How many stood after it.")
    balances = models.JSONField(null=True, help_text="The provider's balance then: cents by currency. Null: unknown.")

    class Meta:
        db_table = "billing_balance_check"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "day"], name="billing_balance_check_is_made_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.day}"


class DiffersBy(StrEnum):
    """In what a provider's balance and the books differ."""

    PAYMENT_NOT_MOVED = "payment_not_moved"
    PAYMENT_MOVED_OTHERWISE = "payment_moved_otherwise"
    PAYMENT_NOT_BOOKED = "payment_not_booked"
    RETURN_MOVED_OTHERWISE = "return_moved_otherwise"
    RETURN_NOT_BOOKED = "return_not_booked"
    UNKNOWN_KIND = "unknown_kind"
    MOVE_CHANGED = "move_changed"
    MOVE_NOT_LISTED = "move_not_listed"
    FEE_OF_UNKNOWN_PAYMENT = "fee_of_unknown_payment"
    PAYOUT_MOVED_OTHERWISE = "payout_moved_otherwise"
    PAYOUT_NOT_BACK = "payout_not_back"
    PAYOUT_BROUGHT_OTHERWISE = "payout_brought_otherwise"
    BALANCE_NOT_THE_SUM = "balance_not_the_sum"

    @classmethod
    def of(cls, stored: str) -> DiffersBy | None:
        """Reads what release 0.1 stored as well, an English sentence; None for what is neither."""
        return next((one for one in cls if one == stored), None) or DIFFERS_OF_BEFORE.get(stored.partition(":")[0])

    @property
    def fact(self) -> Fact:
        """What doors make a sentence of."""
        return Fact(f"balance_differs.{self.value}")

    @property
    def advice(self) -> Fact:
        """What an operator can do about it."""
        return Fact(f"balance_advice.{self.value}")


DIFFERS_OF_BEFORE = {
    "a payment did not move the balance": DiffersBy.PAYMENT_NOT_MOVED,
    "a payment moved another amount": DiffersBy.PAYMENT_MOVED_OTHERWISE,
    "a payment is not booked": DiffersBy.PAYMENT_NOT_BOOKED,
    "what went back moved another amount": DiffersBy.RETURN_MOVED_OTHERWISE,
    "what went back is not booked": DiffersBy.RETURN_NOT_BOOKED,
    "movement of an unknown kind": DiffersBy.UNKNOWN_KIND,
}


class BalanceDifference(models.Model):
    """Something that the provider's balance and the books do not say alike; it stands until a comparison no longer
    finds it, or an operator explains it: a payment of another business of the vendor's, for example."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    gateway = models.CharField(max_length=40)
    what = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, help_text="The provider's name for what it is about.")
    ours_cents = models.BigIntegerField(help_text="What the books say.")
    theirs_cents = models.BigIntegerField(help_text="What the provider's balance says.")
    currency = models.CharField(max_length=3)
    found_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    explained_at = models.DateTimeField(null=True, blank=True)
    explained_by = models.CharField(max_length=200, blank=True, default="")
    explained_why = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_balance_difference"
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "what", "subject"],
                condition=Q(gone_at__isnull=True),
                name="billing_balance_difference_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(explained_at__isnull=True, explained_by="", explained_why="")
                | (Q(explained_at__isnull=False) & ~Q(explained_by="") & ~Q(explained_why="")),
                name="billing_balance_difference_is_explained_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what}: {self.subject}"

    @property
    def differs_by(self) -> str:
        """`what` by its code of today."""
        return DiffersBy.of(self.what) or self.what

    def said(self, *, language: str = ENGLISH) -> str:
        """In what the two differ, as a sentence."""
        known = DiffersBy.of(self.what)
        return say_fact(known.fact, language=language) if known else self.what

    def advised(self, *, language: str = ENGLISH) -> str:
        """What to do about it, as a sentence."""
        known = DiffersBy.of(self.what)
        return say_fact(known.advice, language=language) if known else ""
