from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otai.db import new_id
from otai.orgs.models import Organisation
from otai.pricing.price_book import Delivery, Mode
from otai.pricing.settlement import Ending
from otai.runs.status import ENDED, OPEN, REFUSED_APPROVAL, WORKING, Approval, RunStatus
from otai.tickets.models import DataSet
from otai.words.explained import ARROW, Explained, said_beside


class Reason(models.TextChoices):
    """Why a customer trains (brief, "When do you need to train"): one operation, one price."""

    NEW_MODEL = "new_model", "New model"
    LABELS_CHANGED = "labels_changed", "Labels changed"
    DRIFT = "drift", "Drift"
    NEW_LANGUAGE = "new_language", "New language"


MODES = [(mode.value, mode.title) for mode in Mode]
DELIVERIES = [(delivery.value, delivery.title) for delivery in Delivery]
STATUSES = [
    (RunStatus.AWAITING_APPROVAL.value, "Awaiting approval"),
    (RunStatus.QUEUED.value, "Queued"),
    (RunStatus.TRAINING.value, "Training"),
    (RunStatus.EVALUATING.value, "Evaluating"),
    (RunStatus.COMPLETED.value, "Completed"),
    (RunStatus.FAILED.value, "Failed"),
    (RunStatus.CANCELLED.value, "Cancelled"),
]
APPROVALS = [(approval.value, approval.value) for approval in Approval]
ENDINGS = [(ending.value, ending.value) for ending in Ending]


class ExecutorKind(models.TextChoices):
    """The way in which a pool's workers execute a training."""

    LOCAL = "local", "A process on the worker's own machine"
    RAY = "ray", "A job on a Ray cluster"


class Accelerator(models.TextChoices):
    """What a pool's machines compute with, as a cluster names it. Empty: processors only."""

    NONE = "", "None"
    H100 = "H100", "H100"
    L4 = "L4", "L4"


class Pool(models.Model):
    """A group of machines of one kind. A worker belongs to one pool and takes one of its slots; it trains one run at a
    time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=63, unique=True)
    hardware = models.CharField(max_length=200, help_text="In words, for operators.")
    accelerator = models.CharField(max_length=20, choices=Accelerator.choices, default="", blank=True)
    slots = models.PositiveIntegerField(help_text="How many workers it takes, and so how many runs train at once.")
    serves_fast = models.BooleanField()
    serves_standard = models.BooleanField()
    executor = models.CharField(max_length=20, choices=ExecutorKind.choices, default=ExecutorKind.LOCAL)
    address = models.CharField(
        max_length=200, default="", blank=True, help_text="Of the cluster's Jobs API, for example http://head:8265."
    )
    interpreter = models.CharField(
        max_length=500,
        default="",
        blank=True,
        help_text="The nodes' Python, an absolute path; empty: the worker's own.",
    )
    slots_per_node = models.PositiveSmallIntegerField(
        default=1, help_text="How many trainings share a node of a cluster."
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "runs_pool"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="runs_pool_has_a_name"),
            models.CheckConstraint(condition=Q(slots__gte=1), name="runs_pool_has_at_least_one_slot"),
            models.CheckConstraint(
                condition=Q(serves_fast=True) | Q(serves_standard=True), name="runs_pool_serves_a_delivery"
            ),
            models.CheckConstraint(
                condition=Q(accelerator__in=Accelerator.values), name="runs_pool_accelerator_is_known"
            ),
            models.CheckConstraint(condition=Q(executor__in=ExecutorKind.values), name="runs_pool_executor_is_known"),
            models.CheckConstraint(
                condition=~Q(executor=ExecutorKind.RAY) | ~Q(address=""), name="runs_pool_on_a_cluster_has_its_address"
            ),
            models.CheckConstraint(
                condition=Q(slots_per_node__gte=1), name="runs_pool_has_at_least_one_slot_on_each_node"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Which deliveries it serves, Fast first."""
        served = {Delivery.FAST: self.serves_fast, Delivery.STANDARD: self.serves_standard}
        return tuple(delivery for delivery, serves in served.items() if serves)


class WorkerEnd(models.TextChoices):
    STOPPED = "stopped", "Stopped"
    LOST = "lost", "Lost"


class RegisteredWorker(models.Model):
    """A worker that said it is there. It says so again and again; one that is silent is lost, and its slot is free."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200, unique=True)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="workers")
    hardware = models.CharField(max_length=200, help_text="In words, what it really runs on.")
    registered_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_as = models.CharField(max_length=20, choices=WorkerEnd.choices, default="", blank=True)

    class Meta:
        db_table = "runs_worker"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="runs_worker_has_a_name"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_as="")
                | Q(ended_at__isnull=False, ended_as__in=WorkerEnd.values),
                name="runs_worker_has_ended_exactly_when_it_says_how",
            ),
            models.CheckConstraint(
                condition=Q(heartbeat_at__gte=F("registered_at")), name="runs_worker_beats_after_it_registered"
            ),
        ]
        indexes = [models.Index("pool", name="runs_worker_at_work", condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return self.name


class Quote(models.Model):
    """A priced offer: what would be trained, for how many credits, and until when the offer stands. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    data_set = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="+")
    model_name = models.CharField(max_length=100)
    attributes = models.JSONField(help_text="What is predicted: a list of {name, kind, order}.")
    mode = models.CharField(max_length=20, choices=MODES)
    delivery = models.CharField(max_length=20, choices=DELIVERIES)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    tier = models.CharField(max_length=20, help_text="The organisation's tier when the quote was made.")
    price_book = models.CharField(max_length=40)
    credits = models.PositiveIntegerField()
    price_lines = models.JSONField()
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="When the run would be due if it were ordered at once.")
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "runs_quote"
        constraints = [
            models.CheckConstraint(condition=Q(credits__gte=1), name="runs_quote_costs_at_least_one_credit"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")), name="runs_quote_expires_after_it_was_made"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.credits} credits for {self.model_name}"


class Run(models.Model):
    """One paid training, from order to settlement. The runs table is the queue: ordering is one transaction with the
    hold."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(help_text="1, 2, 3 ... within the organisation: what people call the run.")
    quote = models.OneToOneField(Quote, on_delete=models.PROTECT, related_name="run")
    data_set = models.ForeignKey(DataSet, on_delete=models.PROTECT, related_name="+")
    model_name = models.CharField(max_length=100)
    attributes = models.JSONField()
    mode = models.CharField(max_length=20, choices=MODES)
    delivery = models.CharField(max_length=20, choices=DELIVERIES)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    credits = models.PositiveIntegerField()
    hold = models.UUIDField(unique=True, help_text="The ledger's hold that pays for this run.")
    seed = models.PositiveIntegerField(default=0)
    guarantee = models.ForeignKey(
        "runs.Guarantee",
        on_delete=models.PROTECT,
        related_name="runs",
        null=True,
        help_text="The one that includes it.",
    )
    funding_lot = models.UUIDField(null=True, help_text="The ledger's lot that a guarantee paid this run with.")
    tickets_file = models.CharField(
        max_length=500,
        default="",
        blank=True,
        help_text="In the file store: what is trained on, where that is not the data set's own file.",
    )
    ordered_by = models.CharField(max_length=150)

    status = models.CharField(max_length=20, choices=STATUSES, default=RunStatus.QUEUED)
    ordered_at = models.DateTimeField()
    approval = models.CharField(max_length=20, choices=APPROVALS, default="", blank=True)
    approval_until = models.DateTimeField(null=True, help_text="When an order that nobody approved lapses.")
    approval_by = models.CharField(max_length=200, default="", blank=True, help_text="Who decided.")
    approval_at = models.DateTimeField(null=True)
    approval_why = models.CharField(max_length=500, default="", blank=True, help_text="Why it was declined.")
    due_at = models.DateTimeField(help_text="Counted anew from the approval, where one was needed.")
    queued_at = models.DateTimeField(
        help_text="When it last entered the queue: at the order, its approval, or when an attempt was lost."
    )
    lane = models.PositiveSmallIntegerField(help_text="0 priority, 1 background; see ordering.py.")
    counts_as_due_at = models.DateTimeField(help_text="Where it stands within its lane.")
    rises_at = models.DateTimeField(null=True, help_text="When it changes to the priority lane if it still waits then.")
    place_reasons = models.JSONField(default=list, help_text="Why it stands where it stands, as facts.")
    expected_seconds = models.PositiveIntegerField(help_text="How long an attempt is expected to take.")
    expected_start_at = models.DateTimeField(null=True, help_text="Empty while nobody can say; see expectations.py.")
    expected_finish_at = models.DateTimeField(null=True)
    expected_late_at = models.DateTimeField(
        null=True, help_text="When it was first seen that it will not be ready in time."
    )
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=20, choices=ENDINGS, null=True)

    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="The attempt in force; a worker holding another is late."
    )
    failures = models.PositiveSmallIntegerField(
        default=0, help_text="How many attempts failed on our side; one that was handed back did not fail."
    )
    worker = models.CharField(max_length=200, default="", blank=True)
    pool = models.CharField(max_length=63, default="", blank=True, help_text="Where the attempt in force is made.")
    heartbeat_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=40, default="", blank=True)
    steps_done = models.PositiveIntegerField(default=0)
    steps_total = models.PositiveIntegerField(default=0)

    failure_code = models.CharField(max_length=60, default="", blank=True)
    failure_message = models.TextField(default="", blank=True)
    failure = models.JSONField(default=dict, blank=True)
    """What ended it, as a fact (`otai.words`), and no message then; empty where a program of the training said so in
    its own words, and for runs of release 0.1."""

    checkpoint_file = models.CharField(
        max_length=500, default="", blank=True, help_text="In the file store: where the next attempt goes on."
    )
    bundle_file = models.CharField(max_length=500, default="", blank=True)
    bundle_sha256 = models.CharField(max_length=64, default="", blank=True)
    bundle_bytes = models.PositiveBigIntegerField(default=0)
    report_card = models.JSONField(null=True)

    class Meta:
        db_table = "runs_run"
        constraints = [
            models.UniqueConstraint(fields=["organisation", "number"], name="runs_run_number_is_used_once"),
            models.CheckConstraint(condition=Q(credits__gte=1), name="runs_run_costs_at_least_one_credit"),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in RunStatus]), name="runs_run_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status=RunStatus.AWAITING_APPROVAL, approval=Approval.WAITING)
                | Q(status=RunStatus.CANCELLED, approval__in=sorted(REFUSED_APPROVAL))
                | Q(approval__in=["", Approval.APPROVED.value]) & ~Q(status=RunStatus.AWAITING_APPROVAL),
                name="runs_run_trains_only_where_approved_if_asked",
            ),
            models.CheckConstraint(
                condition=Q(approval="", approval_until__isnull=True)
                | ~Q(approval="") & Q(approval_until__isnull=False),
                name="runs_run_waits_for_approval_until_a_time",
            ),
            models.CheckConstraint(
                condition=Q(approval__in=["", Approval.WAITING.value], approval_at__isnull=True, approval_by="")
                | Q(approval__in=sorted({Approval.APPROVED, *REFUSED_APPROVAL}), approval_at__isnull=False)
                & ~Q(approval_by=""),
                name="runs_run_approval_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(approval=Approval.DECLINED) & ~Q(approval_why="")
                | ~Q(approval=Approval.DECLINED) & Q(approval_why=""),
                name="runs_run_says_why_exactly_when_declined",
            ),
            models.CheckConstraint(condition=Q(lane__in=[0, 1]), name="runs_run_lane_is_known"),
            models.CheckConstraint(
                condition=Q(guarantee__isnull=True, funding_lot__isnull=True)
                | Q(guarantee__isnull=False, funding_lot__isnull=False) & ~Q(tickets_file=""),
                name="runs_run_included_is_funded_and_measured_as_agreed",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status__in=sorted(ENDED), ended_at__isnull=False, ending__isnull=False)
                    | Q(status__in=sorted(OPEN), ended_at__isnull=True, ending__isnull=True)
                ),
                name="runs_run_has_an_ending_exactly_when_it_ended",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status__in=sorted(WORKING), heartbeat_at__isnull=False, attempt__gte=1)
                    | ~Q(status__in=sorted(WORKING))
                ),
                name="runs_run_at_work_has_an_attempt_and_a_heartbeat",
            ),
            models.CheckConstraint(
                condition=Q(expected_start_at__isnull=True, expected_finish_at__isnull=True)
                | Q(
                    expected_start_at__isnull=False,
                    expected_finish_at__isnull=False,
                    expected_finish_at__gte=F("expected_start_at"),
                ),
                name="runs_run_is_expected_to_finish_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(failures__lte=F("attempt")), name="runs_run_fails_at_most_once_for_each_attempt"
            ),
            models.CheckConstraint(
                condition=(
                    Q(status=RunStatus.COMPLETED, ending=Ending.COMPLETED, report_card__isnull=False)
                    & ~Q(bundle_file="")
                    & ~Q(bundle_sha256="")
                )
                | ~Q(status=RunStatus.COMPLETED),
                name="runs_run_completed_has_a_model_and_a_report_card",
            ),
        ]
        indexes = [
            # The queue: only runs that wait are in it, in the order in which they are claimed.
            models.Index(
                "delivery",
                "lane",
                "counts_as_due_at",
                "queued_at",
                "id",
                name="runs_run_waiting",
                condition=Q(status=RunStatus.QUEUED.value),
            ),
            models.Index(
                "rises_at", name="runs_run_rising", condition=Q(status=RunStatus.QUEUED.value, rises_at__isnull=False)
            ),
            models.Index("organisation", name="runs_run_waiting_of_one", condition=Q(status=RunStatus.QUEUED.value)),
            models.Index(
                "approval_until",
                name="runs_run_awaiting",
                condition=Q(status=RunStatus.AWAITING_APPROVAL.value),
            ),
            models.Index("heartbeat_at", name="runs_run_working", condition=Q(status__in=sorted(WORKING))),
            models.Index("id", name="runs_run_with_checkpoint", condition=~Q(checkpoint_file="")),
        ]

    def __str__(self) -> str:
        return f"run {self.number}"

    @property
    def training_file(self) -> str:
        """Where the file store has the tickets that this run trains on."""
        return self.tickets_file or self.data_set.file

    @property
    def what_failed(self) -> str:
        """What ended it, in English, for programs and the command line; empty where nothing did."""
        if not self.failure_code:
            return ""
        return said_beside(self.failure or {}, "" if self.failure else self.failure_message) or said_beside(
            {"code": f"failed.{self.failure_code}"}, ""
        )

    @property
    def has_ended(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return RunStatus(self.status) in ENDED


class Attempt(models.Model):
    """One try of a run on one machine. A row is closed when the attempt ends, however it ends."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=200)
    pool = models.CharField(max_length=63, default="", blank=True)
    hardware = models.CharField(max_length=200, default="", blank=True)
    devices = models.JSONField(
        default=list, blank=True, help_text="What the training itself said it ran on: kind, name and count of each."
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=60, default="", blank=True)
    log = models.TextField(default="", blank=True)

    class Meta:
        db_table = "runs_attempt"
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="runs_attempt_number_is_used_once"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="") | (Q(ended_at__isnull=False) & ~Q(outcome="")),
                name="runs_attempt_has_an_outcome_exactly_when_it_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Event(Explained, models.Model):
    """Something that happened to a run, with who and why. History, support answer and outbox at once; never changed."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    move = models.CharField(max_length=60, help_text="An arrow for a move of the run: `queued -> training`.")
    who = models.CharField(max_length=200)
    why = models.TextField(default="", blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "runs_event"
        indexes = [models.Index("run", "id", name="runs_event_of_run")]

    def __str__(self) -> str:
        return self.move

    @property
    def came_from(self) -> str:
        """The status that the run had before; empty at its order, and where it did not move."""
        return str(self.details["from"]) if "from" in self.details else self._arrow()[0]

    @property
    def reached(self) -> str:
        """The status that the run has since; empty where it did not move."""
        return str(self.details["to"]) if "to" in self.details else self._arrow()[1]

    def _arrow(self) -> tuple[str, str]:
        # Release 0.1 wrote a move as its arrow alone.
        before, arrow, after = self.move.partition(ARROW)
        return (before.strip(), after) if arrow else ("", "")


class Housekeeping(models.Model):
    """A chore that one of many processes does from time to time: whoever moves `next_at` forward does it."""

    name = models.CharField(max_length=63, primary_key=True)
    next_at = models.DateTimeField()

    class Meta:
        db_table = "runs_housekeeping"

    def __str__(self) -> str:
        return self.name
