"""Why something of ours ended, stopped or stays unknown: a training without a model, an automatic top-up, a webhook, a
learning curve without a forecast. And what we call tickets that came without an id."""

from __future__ import annotations

from collections.abc import Mapping

from otai.words.sentences import Counted, Sentence

FAILED: Mapping[str, tuple[Sentence, ...]] = {
    "failed.crash": ("Something broke down on our side.",),
    "failed.disk_full": ("There was no room left on the disk of the machine that trained.",),
    "failed.hold_released": ("The credits had been given back before the training was ready.",),
    "failed.machine_lost": ("The machine that trained was lost.",),
    "failed.no_machine": ("No machine was free in time.",),
    "failed.not_submitted": ("The machines did not take the training.",),
    "failed.out_of_memory": ("The training needed more memory than the machine has.",),
    "failed.process_died": ("The training was ended from outside.",),
    "failed.storage": ("The model could not be stored.",),
    "failed.time_limit": ("The training took longer than it may.",),
    "failed.worker_lost": ("The machine that trained was lost.",),
    "failed.input": ("Nothing can be learnt from these tickets as they are.",),
}
"""By the code of a failed run; `input` where a run of release 0.1 kept no fact about the tickets."""

PLACES: Mapping[str, tuple[Sentence, ...]] = {
    "place.fast": ("Fast goes before Standard.",),
    "place.standard": ("Standard goes after Fast.",),
    "place.standard_due_soon": ("Standard, but due soon: it goes with Fast.",),
    "place.own_ahead": (
        Counted(
            "{ahead:n} training of the same organisation waited before it, so it counts as due {minutes:n}\u00a0min "
            "later.",
            "{ahead:n} trainings of the same organisation waited before it, so it counts as due {minutes:n}\u00a0min "
            "later.",
            "ahead",
        ),
    ),
    "place.earliest_due": ("The earliest due goes first.",),
}
"""Why a training stands where it stands in the queue (`runs.ordering`)."""

EXPECTATION: Mapping[str, tuple[Sentence, ...]] = {
    "expectation.few_labelled": ("Too few tickets have a label to try a training on.",),
    "expectation.few_measured": ("Too few labelled tickets to try a training on and measure it.",),
    "expectation.few_sizes": ("Tried at too few sizes to tell where it leads.",),
    "expectation.written": ("{said}",),
}
"""Why nobody knows what to expect of a training on an attribute; `written`: what a release before kept of it."""

CURVE: Mapping[str, tuple[Sentence, ...]] = {
    "curve_tickets_few": (
        Counted(
            "Measured on {tickets:n} ticket, too few to tell models of different sizes apart.",
            "Measured on {tickets:n} tickets, too few to tell models of different sizes apart.",
            "tickets",
        ),
    ),
    "curve_sizes_few": (
        Counted(
            "Measured at {sizes:n} size only, which fits any law.",
            "Measured at {sizes:n} sizes only, which fit any law.",
            "sizes",
        ),
    ),
    "curve_models_few": ("One model was made of each size, so how much of a difference is chance is not known.",),
    "curve_laws_differ": (
        "The laws that fit the {sizes:n} sizes measured differ by more than {points:n} points either way.",
    ),
}
"""Why nobody can say what more tickets would bring."""

TOP_UP: Mapping[str, tuple[Sentence, ...]] = {
    "top_up_taken_back": ("A payment was taken back by the bank.",),
    "top_up_failed": (
        Counted(
            "{payments:n} payment failed. It was this: {last:fact}",
            "{payments:n} payments in a row failed. The last one: {last:fact}",
            "payments",
        ),
    ),
    "top_up_paid": ("It is paid.",),
    "top_up_not_needed": ("It is needed no longer.",),
    "top_up_price_changed": ("The price changed after it was announced: it is announced anew.",),
    "top_up_turned_off": ("Turned off by the customer.",),
    "top_up_payment_failed": ("The payment failed.",),
    "top_up_method_removed": ("The payment method was removed.",),
    "top_up_confirmation_needed": ("The bank asks the customer to confirm; nobody is there to do it.",),
}
"""Why an automatic top-up is stopped, and how one ended."""

WEBHOOK: Mapping[str, tuple[Sentence, ...]] = {
    "webhook_gone": ("It answered 410 Gone: it wants no more messages.",),
    "webhook_silent": ("No message arrived since {since:date}. The last try: {problem:fact}",),
    "webhook_turned_off": ("Turned off by {who:who}",),
    "try_unresolved": ("{host} cannot be resolved: {error}",),
    "try_private": ("{host} is {address}, no public address; messages go to public ones only",),
    "try_slow": ("no complete answer within {seconds:n} seconds",),
    "try_broken": ("the connection failed ({error})",),
    "try_answered": ("answered with {status}",),
    "try_redirected": ("answered with {status} (redirects are not followed: enter the address that it leads to)",),
}
"""Why a webhook is off, and what became of a try."""

PROVIDER_NEWS: Mapping[str, tuple[Sentence, ...]] = {
    "provider_news.not_a_payment": ("Not about a payment of ours.",),
    "provider_news.refund_failed": ("A payment refund did not arrive.",),
    "provider_news.unknown_refund": ("About a refund that is not ours.",),
    "provider_news.looked_again": ("The saved payment method was looked up again.",),
    "provider_news.no_method": ("About a payment method that is not ours.",),
    "provider_news.no_purchase": ("No purchase of ours has this payment.",),
    "provider_news.purchase": ("Purchase {reference}: {status:order}.",),
    "provider_news.no_page": ("About a payment page that is not ours.",),
    "provider_news.page_open": ("The payment page is still open.",),
    "provider_news.page_complete": ("The payment page was gone through.",),
    "provider_news.page_expired": ("The payment page has expired.",),
}
"""What became of a message of a payment provider."""

OWN_IDS: Mapping[str, tuple[Sentence, ...]] = {
    "own_id.row": ("row {number}",),
    "own_id.file": ("file {number}",),
    "own_id.version": ("version {number}",),
    "own_id.feedback": ("feedback {number}",),
}
"""Ids of tickets that came without one (`tickets/own_ids.py`)."""

DECIDED: Mapping[str, tuple[Sentence, ...]] = {
    "change.feedback": ("Feedback was merged.",),
    "change.feedback_for_training": ("Feedback was merged for a training.",),
    "change.labels_corrected": ("Labels were corrected.",),
    "change.labels_mapped": ("Labels were renamed.",),
    "advice.run_ordered": ("A training was ordered.",),
    "advice.names_used": ("The labels are called by their new names.",),
    "advice.holds_no_more": ("It holds no more.",),
}
"""Why a version of tickets was made, and why advice was closed, where no person gave a reason."""

REASONS: Mapping[str, tuple[Sentence, ...]] = {
    **FAILED,
    **PLACES,
    **CURVE,
    **EXPECTATION,
    **TOP_UP,
    **WEBHOOK,
    **PROVIDER_NEWS,
    **OWN_IDS,
    **DECIDED,
}
