"""What happened to a run, a guarantee or in billing, and why, as histories tell it."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

OF_A_RUN: Mapping[str, tuple[Sentence, ...]] = {
    "run.ordered": (Counted("{credits:n} credit held", "{credits:n} credits held", "credits"),),
    "run.begun": ("attempt {attempt:n} on {hardware}",),
    "run.trained": ("The training is done.",),
    "run.handed_back": ("The worker stops and hands the training back.",),
    "run.again": (
        "{what}: {said} Failure {failures:n} of at most {most:n}.",
        "{what}. Failure {failures:n} of at most {most:n}.",
    ),
    "run.late": (
        "due at {due_at:date} {due_at:time} UTC; it is expected to be ready at {ready_at:date} {ready_at:time} UTC",
        "due at {due_at:date} {due_at:time} UTC; no worker is there for it",
    ),
    "run.completed": (Counted("{credits:n} credit spent", "{credits:n} credits spent", "credits"),),
    "run.business_answers": (
        Counted(
            "It answers as Business does, and costs as much: {credits:n} credit spent, {back:n} given back.",
            "It answers as Business does, and costs as much: {credits:n} credits spent, {back:n} given back.",
            "credits",
        ),
    ),
    "run.failed_system": (
        Counted(
            "{said} Failed on our side: {credits:n} credit given back, nothing charged.",
            "{said} Failed on our side: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
        Counted(
            "Failed on our side: {credits:n} credit given back, nothing charged.",
            "Failed on our side: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.failed_input": (
        Counted(
            "{failure:fact} The tickets cannot be trained on: {credits:n} credit given back, nothing charged.",
            "{failure:fact} The tickets cannot be trained on: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
        Counted(
            "{said} The tickets cannot be trained on: {credits:n} credit given back, nothing charged.",
            "{said} The tickets cannot be trained on: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
        Counted(
            "The tickets cannot be trained on: {credits:n} credit given back, nothing charged.",
            "The tickets cannot be trained on: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.cancelled": (
        Counted(
            "Cancelled: {credits:n} credit given back, nothing charged.",
            "Cancelled: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.approved": (
        Counted(
            "Approved: {credits:n} credit stays held, and it is due from now on.",
            "Approved: {credits:n} credits stay held, and it is due from now on.",
            "credits",
        ),
    ),
    "run.declined": (
        Counted(
            "Declined: {reason} {credits:n} credit given back, nothing charged.",
            "Declined: {reason} {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.withdrawn": (
        Counted(
            "Withdrawn: {credits:n} credit given back, nothing charged.",
            "Withdrawn: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.lapsed": (
        Counted(
            "Nobody approved it in time: {credits:n} credit given back, nothing charged.",
            "Nobody approved it in time: {credits:n} credits given back, nothing charged.",
            "credits",
        ),
    ),
    "run.hold_gone": (
        "{said} The credits had been given back before, nothing charged.",
        "The credits had been given back before, nothing charged.",
    ),
}
"""`failure` is what went wrong with the tickets, `said` the same in the words of the program that failed; both gone
where the tickets were deleted."""

OF_A_GUARANTEE: Mapping[str, tuple[Sentence, ...]] = {
    "guarantee.reached": ("{tier} was reached",),
    "guarantee.proposed_anew": ("Other criteria are proposed.",),
    "guarantee.proposed": ("{criteria:facts}",),
    "guarantee.standard": ("at or below the standard bar of {book}",),
    "guarantee.criteria_wait": ("We look at it first: {reasons:facts}",),
    "guarantee.fee_waits": ("Missed twice. We look at it before the fee is credited: {reasons:facts}",),
    "guarantee.above_bar": ("{criterion:fact} is above the standard bar.",),
    "guarantee.not_expected": ("{criterion:fact}: these tickets make {expected:percent1} likely.",),
    "guarantee.not_known": ("{criterion:fact}: what these tickets can reach is not known yet.",),
    "guarantee.no_signal": ("{attribute}: nothing can be learnt from these labels; they look as if dealt at random.",),
    "guarantee.noise": ("{attribute}: {wrong:n} of {examined:n} labels look wrong.",),
    "guarantee.free_tier": ("The training was included in {tier}, which is free.",),
    "guarantee.trained": ("Training {run:n} is completed.",),
    "guarantee.measured": ("{outcomes:facts}",),
    "guarantee.met": (
        Counted(
            "{criterion:fact}: {value:percent1} on {tickets:n} ticket, met",
            "{criterion:fact}: {value:percent1} on {tickets:n} tickets, met",
            "tickets",
        ),
    ),
    "guarantee.missed": (
        Counted(
            "{criterion:fact}: {value:percent1} on {tickets:n} ticket, missed",
            "{criterion:fact}: {value:percent1} on {tickets:n} tickets, missed",
            "tickets",
        ),
    ),
    "guarantee.fee": (
        Counted(
            "Missed twice: the list price of training {run:n}, {credits:n} credit, is credited.",
            "Missed twice: the list price of training {run:n}, {credits:n} credits, is credited.",
            "credits",
        ),
    ),
    "guarantee.funding_back": (
        Counted(
            "Training {run:n} brought no model: its {credits:n} credit went back, the included training can be "
            "ordered again.",
            "Training {run:n} brought no model: its {credits:n} credits went back, the included training can be "
            "ordered again.",
            "credits",
        ),
    ),
    "guarantee.funding_spent": (Counted("{credits:n} credit was spent", "{credits:n} credits were spent", "credits"),),
    "guarantee.ordered": (
        Counted(
            "Training {run:n} is ordered: {credits:n} credit, included.",
            "Training {run:n} is ordered: {credits:n} credits, included.",
            "credits",
        ),
    ),
    "guarantee.tickets_deleted": ("The tickets to measure on were deleted.",),
}

OF_BILLING: Mapping[str, tuple[Sentence, ...]] = {
    "billing.signed_up": ("Signed up",),
    "billing.tier_asked_for": ("{tier:title} was asked for.",),
    "billing.other_tier_asked_for": ("{tier:title} was asked for instead.",),
    "billing.month_paid": ("A month of {tier:title} is paid ({reference}).",),
    "billing.year_paid": ("A year of {tier:title} is paid ({reference}).",),
    "billing.other_month_paid": ("{tier:title} was paid instead.",),
    "billing.month_ended_as_asked": ("The paid period of {tier:title} ended, as was asked for.",),
    "billing.next_month_not_paid": ("The paid period ended; the next is not paid yet.",),
    "billing.month_not_ordered": ("The next period had not been ordered when its time of grace ended.",),
    "billing.month_not_paid": ("The next period was not paid within the time of grace.",),
    "billing.time_to_pay_over": ("The time to pay ran out.",),
    "billing.cancelled_by_customer": ("Cancelled by the customer.",),
    "billing.organisation_is_deleted": ("The organisation is being deleted.",),
    "billing.provider_cancelled": ("The provider cancelled the payment.",),
    "billing.provider_confirmed": ("The provider confirmed the payment.",),
    "billing.bank_at_work": ("The payer's bank is at work.",),
    "billing.bank_statement_fits": ("Bank statement: reference and amount fit.",),
    "billing.less_came": ("Less came than was asked for.",),
    "billing.surplus": ("{received:money} came for {reference}, which is {status:status} and asks for {asked:money}.",),
    "billing.payment_taken_back": ("The payment of {reference} was taken back.",),
    "billing.payment_stays": ("The payment of {reference} stays after all.",),
    "billing.payment_stays_without_month": (
        "The payment of {reference} stays, but what it paid for is over or another tier is in force.",
    ),
    "billing.taken_back_by_bank": ("The payment was taken back by the bank.",),
    "billing.refunded_at_provider": ("The payment was paid back.",),
    "billing.nothing_is_claimed": ("Refunded at the provider: nothing is claimed.",),
    "billing.document_of": ("For the order {reference}",),
}

HAPPENED: Mapping[str, tuple[Sentence, ...]] = {
    "status_changed": ("{before:status} -> {after:status}", "-> {after:status}"),
    "order_changed": ("{before:order} -> {after:order}", "-> {after:order}"),
    "happened.expected_late": ("expected late",),
    "happened.tickets_deleted": ("tickets deleted",),
    "happened.model_deleted": ("model deleted",),
    "happened.criteria_proposed": ("criteria proposed",),
    "happened.criteria_wait": ("criteria wait for an operator",),
    "happened.criteria_declined": ("criteria declined",),
    "happened.proposal_withdrawn": ("proposal withdrawn",),
    "happened.funding_not_recovered": ("funding not recovered",),
    "happened.ordered": ("ordered",),
    "happened.page_opened": ("payment page opened",),
    "happened.attempt_failed": ("payment attempt failed",),
    "happened.payment_received": ("payment received",),
    "happened.surplus_waits_for_an_operator": ("surplus waits for an operator",),
    "happened.surplus_returned": ("surplus returned",),
    "happened.invoice_issued": ("invoice issued",),
    "happened.credit_note_issued": ("credit note issued",),
    "happened.requested": ("requested",),
    "happened.training_fee_paid_back": ("training fee paid back",),
    "happened.unknown_state_at_the_provider": ("unknown state at the provider",),
    "happened.month_ended_early": ("month ended early",),
    "happened.month_restored": ("month restored",),
    "happened.days_followed": ("days begin in another time zone",),
    "happened.paid_month_could_not_be_restored": ("paid month could not be restored",),
    "happened.owed_credits_collected": ("owed credits collected",),
    "happened.owed_credits_settled": ("owed credits settled",),
    "happened.set": ("set",),
    "happened.renewal_payment_set": ("renewal payment set",),
    "happened.kept": ("kept",),
    "happened.removed": ("removed",),
    "happened.forgotten": ("forgotten",),
    "happened.low_balance_notice_set": ("low-balance notice set",),
    "happened.top_up_set": ("top-up set",),
    "happened.top_up_turned_off": ("top-up turned off",),
    "happened.top_up_stopped": ("top-up stopped",),
    "happened.credits_given": ("credits given",),
    "happened.credits_refunded": ("credits refunded",),
    "happened.offered": ("offered",),
    "happened.withdrawn": ("withdrawn",),
    "happened.explained": ("explained",),
    "happened.retried": ("tried again",),
    "happened.month_closed": ("month closed",),
    "happened.scheduled": ("scheduled",),
    "happened.provisioned": ("provisioned",),
    "happened.suspended": ("suspended",),
    "happened.resumed": ("resumed",),
    "happened.person_replaced": ("person replaced by a number",),
    "happened.made": ("made",),
    "happened.revoked": ("revoked",),
    "happened.called": ("called {operation}", "called"),
    "happened.second_operator_asked": ("second operator asked",),
    "happened.second_operator_approved": ("second operator approved",),
    "happened.second_operator_declined": ("second operator declined",),
}
"""By the codes of `runs.status`, `runs.guarantee_status` and `billing.occurrences`."""

HISTORY: Mapping[str, tuple[Sentence, ...]] = {**OF_A_RUN, **OF_A_GUARANTEE, **OF_BILLING, **HAPPENED}
