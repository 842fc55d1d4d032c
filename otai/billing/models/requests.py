from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.db import new_id
from otai.orgs.models import Organisation


class OperatorRequestKind(models.TextChoices):
    GOODWILL = "goodwill", "Goodwill credits"
    PAYMENT = "payment", "Payment confirmed by hand"
    PACKAGE = "package", "Package below the list price"
    COUPON = "coupon", "Coupon for more than half"
    PRICE_BOOK = "price_book", "Price book below half"

    @classmethod
    def of_all(cls) -> list[str]:
        """What is for all customers, and so for none alone."""
        return [cls.COUPON.value, cls.PRICE_BOOK.value]


class OperatorRequestState(models.TextChoices):
    """`waiting -> approved | declined`."""

    WAITING = "waiting", "Waiting"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"


class OperatorRequest(models.Model):
    """What one operator may not do alone: it is done when another approves. `facts` is what was asked for."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Empty for a coupon and a price book: they are for all.",
    )
    kind = models.CharField(max_length=20, choices=OperatorRequestKind.choices)
    key = models.CharField(max_length=250, unique=True, help_text="The same again is the same request.")
    facts = models.JSONField()
    state = models.CharField(max_length=20, choices=OperatorRequestState.choices, default=OperatorRequestState.WAITING)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    why = models.CharField(max_length=500)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    decided_why = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "billing_operator_request"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OperatorRequestKind.values), name="billing_operator_request_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OperatorRequestKind.of_all(), organisation__isnull=True)
                | (~Q(kind__in=OperatorRequestKind.of_all()) & Q(organisation__isnull=False)),
                name="billing_operator_request_is_for_one_customer_or_all",
            ),
            models.CheckConstraint(
                condition=Q(state=OperatorRequestState.WAITING, decided_at__isnull=True, decided_by="")
                | (
                    Q(state__in=[OperatorRequestState.APPROVED.value, OperatorRequestState.DECLINED.value])
                    & Q(decided_at__isnull=False)
                    & ~Q(decided_by="")
                ),
                name="billing_operator_request_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state=OperatorRequestState.APPROVED) | ~Q(decided_by=F("asked_by")),
                name="billing_operator_request_is_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
