"""The ledger's tables, as the ORM reads them.

Only `otai.ledger.operations` writes them. Tables, constraints and triggers are hand-written, one file for each database
(`migrations/0001_postgres.sql`, `migrations/0001_sqlite.sql`): a later change is a migration with SQL, since Django
would rebuild a SQLite table without its triggers.
"""

from __future__ import annotations

from django.db import models

from otai.orgs.models import Organisation


class LotSource(models.TextChoices):
    """Where the credits of a lot came from; also the outside account that the grant's transfer names as its source."""

    INITIAL = "initial", "Initial credits"
    MONTHLY = "monthly", "Monthly credits"
    PURCHASE = "purchase", "Purchase"
    GOODWILL = "goodwill", "Goodwill"
    GUARANTEE = "guarantee", "Guarantee"


SPENDING_RANK: dict[str, int] = {
    # docs/policies.md, order of spending: included credits, then what was given, then what was paid for, so that what a
    # customer paid for is what is left to refund.
    LotSource.INITIAL: 1,
    LotSource.MONTHLY: 1,
    LotSource.GOODWILL: 2,
    LotSource.GUARANTEE: 2,
    LotSource.PURCHASE: 3,
}


class TransferKind(models.TextChoices):
    """What a transfer does: the pair of accounts between which it moves credits."""

    GRANT = "grant", "Credits granted"
    HOLD = "hold", "Credits held"
    CAPTURE = "capture", "Credits spent"
    RELEASE = "release", "Hold released"
    CREDIT_REFUND = "credit_refund", "Credits refunded"
    WITHDRAWAL = "withdrawal", "Credits withdrawn"


class HoldState(models.TextChoices):
    """`held -> captured | released` and `captured -> refunded`; nothing else."""

    HELD = "held", "Held"
    CAPTURED = "captured", "Captured"
    RELEASED = "released", "Released"
    REFUNDED = "refunded", "Refunded"


class Account(models.Model):
    """One organisation's balances: `granted = available + held + spent + withdrawn`, by constraint.

    One row for each organisation, and no row that two of them share: two organisations never wait for each other. The
    row also carries the end of the organisation's chain (`last_seq`, `last_at`, `last_hash`), since whoever adds a
    transfer has it locked.
    """

    organisation = models.OneToOneField(Organisation, on_delete=models.PROTECT, primary_key=True, related_name="+")
    available = models.BigIntegerField()
    held = models.BigIntegerField()
    spent = models.BigIntegerField()
    granted = models.BigIntegerField()
    withdrawn = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    last_at = models.DateTimeField()
    last_hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "ledger_account"


class Lot(models.Model):
    """The credits of one grant or purchase: `credits = unspent + held + spent + withdrawn`, by constraint.

    `id` is the id of the grant's transfer and `seq` its place in the organisation's chain, so that oldest first needs
    no clock. `is_open` says `unspent > 0`; it is a column of its own because an index on `unspent` itself would have to
    be written whenever a credit moves.
    """

    id = models.UUIDField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=20, choices=LotSource.choices)
    rank = models.SmallIntegerField()
    seq = models.BigIntegerField()
    credits = models.BigIntegerField()
    unspent = models.BigIntegerField()
    held = models.BigIntegerField()
    spent = models.BigIntegerField()
    withdrawn = models.BigIntegerField()
    is_open = models.BooleanField()
    price_cents = models.BigIntegerField(null=True)
    price_currency = models.CharField(max_length=3)
    price_book = models.CharField(max_length=100)
    reference = models.CharField(max_length=200)
    reason = models.CharField(max_length=4000)
    granted_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_lot"


class Hold(models.Model):
    """Credits reserved for one thing (a run), until they are captured or released as a whole.

    `id` is the id of the transfer that placed it. `lots` pins where the credits came from, in the order they were
    drawn:
    `[[lot id, credits], ...]`.
    """

    id = models.UUIDField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    credits = models.BigIntegerField()
    lots = models.JSONField()
    state = models.CharField(max_length=10, choices=HoldState.choices)
    reference = models.CharField(max_length=200)
    placed_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_hold"


class Transfer(models.Model):
    """Credits moved from `source` to `target`: one row for each operation, never updated, never deleted.

    `seq` counts an organisation's transfers without a gap, `at` never runs backwards within them, and `hash` is SHA-256
    over the previous row's hash and this row (`chain.py`). `lots` says which lots the credits belong to, and the
    balances are those after this transfer; so statement, past balances, lots and revenue can all be recomputed from
    this one table.
    """

    id = models.UUIDField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=TransferKind.choices)
    source = models.CharField(max_length=20)
    target = models.CharField(max_length=20)
    credits = models.BigIntegerField()
    key = models.CharField(max_length=200)
    request_hash = models.BinaryField(max_length=32)
    reference = models.CharField(max_length=200)
    reason = models.CharField(max_length=4000)
    hold_id = models.UUIDField(null=True)
    lots = models.JSONField()
    available_after = models.BigIntegerField()
    held_after = models.BigIntegerField()
    spent_after = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "ledger_transfer"


class LateCapture(models.Model):
    """A capture that came after its hold had been released, and was refused: work was done that nobody paid for.

    An operator decides what to do about it; the first attempt for each hold is kept.
    """

    hold_id = models.UUIDField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    reason = models.CharField(max_length=4000)
    at = models.DateTimeField()

    class Meta:
        db_table = "ledger_late_capture"
