from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation


class SpendLimit(models.Model):
    """How many credits a member may order runs for in a calendar month; with an empty `member`, everybody who has no
    limit of their own, API keys too."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="spend_limits")
    member = models.EmailField(blank=True, default="")
    monthly_credits = models.PositiveIntegerField()
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        db_table = "runs_spend_limit"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "member"], name="runs_spend_limit_one_for_each_member")
        ]

    def __str__(self) -> str:
        return f"{self.member or 'everybody'}: {self.monthly_credits}"


class ApprovalRule(models.Model):
    """From where on an organisation's orders wait for an owner or a member for billing. Without a row none does."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.PROTECT, primary_key=True, related_name="approval_rule"
    )
    above_credits = models.PositiveIntegerField(help_text="An order of more waits.")
    days = models.PositiveSmallIntegerField(help_text="An order that nobody decided lapses after so many.")
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        db_table = "runs_approval_rule"
        constraints = [
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=30), name="runs_approval_rule_holds_credits_for_1_to_30_days"
            )
        ]

    def __str__(self) -> str:
        return f"above {self.above_credits}"
