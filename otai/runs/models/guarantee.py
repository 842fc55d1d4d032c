from __future__ import annotations

from django.db import models
from django.db.models import Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.pricing.price_book import Tier, VerdictRule
from otai.runs.guarantee_status import AFTER_THE_SECOND_MISS, BEFORE_THE_RUN, WITH_A_FEE, GuaranteeStatus
from otai.tickets.models import DataSet
from otai.words.explained import Explained

STATUSES = [
    (GuaranteeStatus.OPEN.value, "Open"),
    (GuaranteeStatus.AGREED.value, "Agreed"),
    (GuaranteeStatus.TRAINING.value, "Training"),
    (GuaranteeStatus.TRAINED.value, "Trained"),
    (GuaranteeStatus.MET.value, "Met"),
    (GuaranteeStatus.MISSED.value, "Missed"),
    (GuaranteeStatus.IMPROVING.value, "Improving"),
    (GuaranteeStatus.IN_REVIEW.value, "In review"),
    (GuaranteeStatus.DECLINED.value, "Declined"),
    (GuaranteeStatus.CREDITED.value, "Credited"),
    (GuaranteeStatus.REFUNDED.value, "Refunded"),
]
_AGREED = sorted(set(GuaranteeStatus) - {GuaranteeStatus.OPEN})
_RUN_ORDERED = sorted(set(GuaranteeStatus) - BEFORE_THE_RUN)
_NO_IMPROVEMENT = sorted({*BEFORE_THE_RUN, GuaranteeStatus.TRAINING, GuaranteeStatus.TRAINED})
_IMPROVED = sorted({GuaranteeStatus.IMPROVING, *AFTER_THE_SECOND_MISS})


class Guarantee(models.Model):
    """What a tier level includes: a run, an improvement run, and what they must reach. One for each level an
    organisation reaches.

    `criteria` is a list of `Criterion.as_dict`; `verdict` and `improvement_verdict` are lists of `Outcome.as_dict`. The
    tickets to measure on are the Parquet file at `holdout_file`, as they were when the criteria were proposed.
    `waits_because` says, as a list of `Fact.as_dict`, why an operator is asked: about the criteria, or about the fee.
    `fee_asked_by` is the operator who would credit it, where a second one has to agree.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="guarantees")
    tier = models.CharField(max_length=20, choices=[(tier.value, tier.title) for tier in Tier])
    status = models.CharField(max_length=20, choices=STATUSES, default=GuaranteeStatus.OPEN.value)
    opened_at = models.DateTimeField()

    criteria = models.JSONField(default=list)
    proposed_by = models.CharField(max_length=200, blank=True, default="")
    proposed_at = models.DateTimeField(null=True)
    waits_for_operator = models.BooleanField(default=False)
    waits_because = models.JSONField(default=list)
    data_set = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="+", null=True)
    holdout_file = models.CharField(max_length=500, blank=True, default="")
    holdout_sha256 = models.CharField(max_length=64, blank=True, default="")
    holdout_tickets = models.PositiveIntegerField(default=0)

    agreed_by = models.CharField(max_length=200, blank=True, default="")
    agreed_at = models.DateTimeField(null=True)
    price_book = models.CharField(max_length=40, blank=True, default="")
    verdict_rule = models.CharField(
        max_length=20, choices=[(rule.value, rule.title) for rule in VerdictRule], blank=True, default=""
    )

    run = models.OneToOneField("runs.Run", on_delete=models.PROTECT, related_name="+", null=True)
    verdict = models.JSONField(null=True)
    improvement_run = models.OneToOneField("runs.Run", on_delete=models.PROTECT, related_name="+", null=True)
    improvement_verdict = models.JSONField(null=True)
    fee_asked_by = models.CharField(max_length=200, blank=True, default="")
    fee_credits = models.PositiveIntegerField(default=0)
    fee_lot = models.UUIDField(null=True, unique=True, help_text="The ledger's lot of the credited fee.")

    class Meta:
        db_table = "runs_guarantee"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "tier"], name="runs_guarantee_one_for_each_tier_level"),
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in GuaranteeStatus]), name="runs_guarantee_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(tier__in=[tier.value for tier in Tier]), name="runs_guarantee_tier_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status=GuaranteeStatus.OPEN, agreed_at__isnull=True)
                | Q(status__in=_AGREED, agreed_at__isnull=False, data_set__isnull=False, holdout_tickets__gte=1)
                & ~Q(criteria=[])
                & ~Q(holdout_file="")
                & ~Q(holdout_sha256="")
                & ~Q(agreed_by="")
                & ~Q(verdict_rule=""),
                name="runs_guarantee_agreed_has_criteria_and_tickets_to_measure_on",
            ),
            models.CheckConstraint(
                condition=Q(waits_for_operator=False)
                | Q(status=GuaranteeStatus.OPEN, waits_for_operator=True, proposed_at__isnull=False) & ~Q(criteria=[]),
                name="runs_guarantee_waits_for_an_operator_only_while_proposed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(BEFORE_THE_RUN), run__isnull=True)
                | Q(status__in=_RUN_ORDERED, run__isnull=False),
                name="runs_guarantee_has_its_run_exactly_once_ordered",
            ),
            models.CheckConstraint(
                condition=Q(status__in=_NO_IMPROVEMENT, improvement_run__isnull=True)
                | Q(status__in=_IMPROVED, improvement_run__isnull=False)
                | Q(status__in=[GuaranteeStatus.MET, GuaranteeStatus.MISSED]),
                name="runs_guarantee_improves_only_what_was_missed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(WITH_A_FEE), fee_credits__gte=1, fee_lot__isnull=False)
                | Q(fee_credits=0, fee_lot__isnull=True) & ~Q(status__in=sorted(WITH_A_FEE)),
                name="runs_guarantee_has_a_fee_exactly_when_credited",
            ),
            models.CheckConstraint(
                condition=~Q(status=GuaranteeStatus.IN_REVIEW) | ~Q(waits_because=[]),
                name="runs_guarantee_in_review_says_why",
            ),
            models.CheckConstraint(
                condition=Q(fee_asked_by="") | Q(status__in=sorted(AFTER_THE_SECOND_MISS)),
                name="runs_guarantee_fee_is_asked_for_after_the_second_miss",
            ),
        ]
        indexes = [
            models.Index("proposed_at", name="runs_guarantee_waiting", condition=Q(waits_for_operator=True)),
        ]

    def __str__(self) -> str:
        return f"guarantee of {self.tier}"


class GuaranteeEvent(Explained, models.Model):
    """Something that happened to a guarantee, with who and why. Never changed."""

    id = models.BigAutoField(primary_key=True)
    guarantee = models.ForeignKey(Guarantee, on_delete=models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    move = models.CharField(max_length=60, help_text="An arrow for a move of the guarantee: `open -> agreed`.")
    who = models.CharField(max_length=200)
    why = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "runs_guarantee_event"
        constraints = [
            models.CheckConstraint(condition=~Q(who="") & ~Q(move=""), name="runs_guarantee_event_says_who_and_what"),
        ]
        indexes = [models.Index("guarantee", "id", name="runs_guarantee_event_order")]

    def __str__(self) -> str:
        return self.move
