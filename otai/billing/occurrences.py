"""What happens in billing without a change of a status: the codes that its events keep (`otai/words` says them)."""

from __future__ import annotations

from otai.words.explained import Occurrence


class BillingOccurrence(Occurrence):
    """By what it happens to: an order, a payment, a tier, an account, and what operators do."""

    ORDERED = "ordered"
    PAGE_OPENED = "page_opened"
    ATTEMPT_FAILED = "attempt_failed"
    PAYMENT_RECEIVED = "payment_received"
    SURPLUS_WAITS = "surplus_waits_for_an_operator"
    SURPLUS_RETURNED = "surplus_returned"
    INVOICE_ISSUED = "invoice_issued"
    CREDIT_NOTE_ISSUED = "credit_note_issued"
    REQUESTED = "requested"
    TRAINING_FEE_PAID_BACK = "training_fee_paid_back"

    NEEDS_A_PERSON = "unknown_state_at_the_provider"
    MONTH_ENDED_EARLY = "month_ended_early"
    MONTH_RESTORED = "month_restored"
    DAYS_FOLLOWED = "days_followed"
    MONTH_NOT_RESTORED = "paid_month_could_not_be_restored"
    OWED_COLLECTED = "owed_credits_collected"
    OWED_SETTLED = "owed_credits_settled"

    DETAILS_SET = "set"
    RENEWAL_PAYMENT_SET = "renewal_payment_set"
    KEPT = "kept"
    REMOVED = "removed"
    FORGOTTEN = "forgotten"
    NOTICE_SET = "low_balance_notice_set"
    TOP_UP_SET = "top_up_set"
    TOP_UP_TURNED_OFF = "top_up_turned_off"
    TOP_UP_STOPPED = "top_up_stopped"

    CREDITS_GIVEN = "credits_given"
    CREDITS_REFUNDED = "credits_refunded"
    OFFERED = "offered"
    WITHDRAWN = "withdrawn"
    EXPLAINED = "explained"
    RETRIED = "retried"
    MONTH_CLOSED = "month_closed"
    SCHEDULED = "scheduled"
    PROVISIONED = "provisioned"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    PERSON_REPLACED = "person_replaced"
    MADE = "made"
    KEY_REVOKED = "revoked"
    CALLED = "called"
    SECOND_OPERATOR_ASKED = "second_operator_asked"
    SECOND_OPERATOR_APPROVED = "second_operator_approved"
    SECOND_OPERATOR_DECLINED = "second_operator_declined"
