"""What the rooms refuse, in the language of the page: by the code of the refusal, with the facts that it carries.

The rooms speak English, and their own sentence is what an English page shows. For another language each code has sentences here, the most
exact first: the first one whose facts the refusal carries is said. A code may be followed by the field that it is about. A test walks all codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from otai.errors import NotFound, OtaiError
from otai.learning.evidence.acceptance import CriterionInvalid
from otai.pricing.price_book import Mode, Tier
from otai.pricing.settlement import Ending
from otai.runs.models import Run

FACT = re.compile(r"%\((\w+)\)s")


class NotHere(NotFound):
    """What a page itself misses, said in the reader's language already. Every refusal that this door raises is."""


_no_encoder = (
    _("The language model that this needs is not installed here. Nothing was charged. Ask whoever runs this Studio."),
)

REFUSALS: Mapping[str, tuple[str | Promise, ...]] = {
    "advice_decided": (_("Somebody decided on this before you."),),
    "already_in_tier": (
        _("Your organisation is in %(tier)s already."),
        _("Your organisation is in this tier already."),
    ),
    "already_live": (_("This version is live already."),),
    "attribute_count_out_of_range": (
        _("A training predicts 1 to %(limit)s attributes; %(attributes)s were chosen."),
        _("A training predicts 1 to %(limit)s attributes."),
        _("A training cannot predict so many attributes, and at least one."),
    ),
    "billing_details_missing": (_("An invoice needs a name and an address first: enter the billing details."),),
    "bundle_invalid": (_("The file of this model cannot be read here. Ask whoever runs this Studio."),),
    "cannot_cancel": (
        _("%(reference)s cannot be cancelled any more. Ask us: unused credits can be paid back."),
        _("This cannot be cancelled any more."),
    ),
    "change_invalid": (_("These labels cannot be changed like this. In English: %(said)s"),),
    "country_unknown": (
        _("A country has a two-letter code such as DE; “%(country)s” is none."),
        _("A country has a two-letter code such as DE."),
    ),
    "criteria_frozen": (_("The included training was ordered: the criteria cannot be changed any more."),),
    "criteria_invalid": (
        _(
            "Only %(tickets)s tickets could be kept aside to measure “%(attribute)s” on; a promise needs %(needed)s. Import more tickets "
            "with labels."
        ),
        _("“%(attribute)s” is not in these tickets. They have: %(known)s."),
        _("Each figure of “%(attribute)s” can be named once."),
        _("Name at least one criterion, and no more than can be measured."),
    ),
    "criteria_not_agreed": (
        _(
            "Criteria have to be agreed on first. Those above the standard bar wait for our yes; lower ones begin at once."
        ),
    ),
    "data_set_busy": (_("Somebody is importing under this name at this moment. Try again."),),
    "data_set_in_use": (
        _("“%(name)s” cannot be deleted now: a training needs its tickets. Cancel it, or wait for its end."),
        _("This cannot be deleted now: a training needs its tickets. Cancel it, or wait for its end."),
    ),
    "data_set_name_invalid": (_("A data set has a name of 1 to 200 characters on one line."),),
    "database_busy": (_("Nothing was changed. Try again in a few seconds."),),
    "dataset_invalid": (
        _("The file cannot be imported like this, because of row %(row)s, column “%(column)s”. In English: %(said)s"),
        _("The file cannot be imported like this, because of row %(row)s. In English: %(said)s"),
        _("The file cannot be imported like this, because of column “%(column)s”. In English: %(said)s"),
        _("The file cannot be imported like this. In English: %(said)s"),
    ),
    "days_out_of_range": (_("Tickets are kept for 0 to 90 days."),),
    "duplicate_request": (_("This form was sent before with other choices. Load the page anew and try again."),),
    "encoder_damaged": _no_encoder,
    "encoder_invalid": _no_encoder,
    "encoder_missing": _no_encoder,
    "encoder_unknown": _no_encoder,
    "encoders_not_installed": _no_encoder,
    "feedback_invalid": (
        _("This feedback cannot be taken, because of row %(row)s. In English: %(said)s"),
        _("This feedback cannot be taken. In English: %(said)s"),
    ),
    "file_store_unavailable": (_("A file cannot be read or written at this moment. Try again in a while."),),
    "gateway_unavailable": (_("The payment provider does not answer. Nothing was charged. Try again in a while."),),
    "gateway_unknown": (_("This way to pay is not offered here. Choose another one."),),
    "guarantee_moved": (_("Somebody changed the guarantee meanwhile. Look at it again."),),
    "hold_resolved": (_("The credits of this training were spent or given back already."),),
    "holdout_impossible": (_("No tickets to measure on can be kept aside from these. In English: %(said)s"),),
    "insufficient_credits": (
        _("This needs %(needed)s credits; %(available)s are available, %(missing)s are missing."),
        _("There are not enough credits for this."),
    ),
    "invalid_amount": (_("This number cannot be used here."),),
    "invalid_api_key": (_("A key needs a name of 1 to 100 characters, at least one right, and no day in the past."),),
    "invalid_api_key.expires_at": (_("A key cannot expire in the past."),),
    "invalid_api_key.name": (_("A key needs a name of 1 to 100 characters, so that you know it again."),),
    "invalid_api_key.scopes": (_("A key needs at least one right."),),
    "invalid_billing_details": (_("These billing details cannot be used. In English: %(said)s"),),
    "invalid_billing_details.city": (_("A city has 1 to 100 characters."),),
    "invalid_billing_details.email": (_("This is no mail address."),),
    "invalid_billing_details.name": (_("A name has 1 to 200 characters."),),
    "invalid_billing_details.postcode": (_("A postcode has at most 20 characters."),),
    "invalid_billing_details.street": (_("A street has 1 to 200 characters."),),
    "invalid_invitation": (_("This is no mail address."),),
    "invalid_model_name": (
        _(
            "A model has a name of 1 to 100 letters, digits, blanks, dots, hyphens and underscores. For example: support-queue."
        ),
    ),
    "invalid_organisation": (_("An organisation has a name of 1 to 200 characters, and a known time zone."),),
    "invalid_organisation.name": (_("An organisation has a name of 1 to 200 characters."),),
    "invalid_organisation.slug": (
        _(
            "A short name has 1 to 63 lower-case letters, digits and hyphens, and is not one of ours. For example: acme."
        ),
    ),
    "invalid_organisation.time_zone": (_("This time zone is not known. For example: Europe/Berlin."),),
    "invalid_request": (_("Something is missing in this form. Load the page anew and try again."),),
    "invalid_top_up": (_("Credits cannot be bought automatically like this. In English: %(said)s"),),
    "invalid_top_up.below": (_("This is no number of credits that can be watched for."),),
    "invalid_top_up.gateway": (_("This way to pay cannot be charged automatically. Choose a card or a SEPA debit."),),
    "invalid_top_up.monthly_limit": (_("The monthly limit has to cover the package at least once."),),
    "invalid_vat_id": (
        _(
            "This VAT id does not fit the address in %(country)s, or is mistyped. Outside the European Union leave it empty."
        ),
        _("This VAT id does not fit the address, or is mistyped."),
    ),
    "invalid_webhook_endpoint": (_("This webhook cannot be made. In English: %(said)s"),),
    "invalid_webhook_url": (_("This address cannot be used: it begins with https:// and names a public host."),),
    "job_cancelled": (_("This was cancelled; nothing was changed."),),
    "job_died": (
        _("The process that worked on this died. Nothing was changed. Try again; if it happens again, tell us."),
    ),
    "job_has_ended": (_("This has ended already; there is nothing to cancel."),),
    "job_lost": (_("The Studio was stopped while this was worked on. Nothing was changed. Ask for it again."),),
    "job_out_of_memory": (
        _(
            "Reading this needed more than %(memory_mb)s MB of memory. Split it into parts, or export it in another format."
        ),
        _("Reading this needed more memory than there is for it. Split it into parts, or export it in another format."),
    ),
    "job_too_large": (_("What came of this is larger than one job may write. Split it into parts."),),
    "job_took_too_long": (
        _(
            "This took longer than %(seconds)s seconds and was ended. Split it into parts, or export it in another format."
        ),
        _("This took too long and was ended. Split it into parts, or export it in another format."),
    ),
    "label_too_rare": (_("A label has too few tickets to learn from. In English: %(said)s"),),
    "language_unknown": (_("The Studio does not speak this language."),),
    "mode_not_in_tier": (
        _("%(mode)s is not included in %(tier)s; %(needs_tier)s includes it."),
        _("%(mode)s is not included in %(tier)s."),
        _("Your tier does not include this mode."),
    ),
    "mode_not_installed": (
        _("%(mode)s cannot be trained by this Studio. Nothing was charged."),
        _("This mode cannot be trained by this Studio. Nothing was charged."),
    ),
    "model_in_use": (
        _("Training %(run)s is making a version of this model. Wait for it, or cancel it first."),
        _("A guarantee is decided by this model. It can be deleted afterwards."),
    ),
    "no_guarantee": (_("The tickets to measure on are fixed once criteria are proposed."),),
    "not_allowed": (_("Your role does not include this."),),
    "not_found": (_("There is no such thing, or it is not yours."),),
    "nothing_missed": (_("The improvement is included once agreed criteria were missed."),),
    "nothing_to_merge": (_("No feedback is waiting."),),
    "nothing_to_roll_back": (_("No version was live before this one."),),
    "organisation_exists": (_("This short name is taken. Choose another one."),),
    "payment_declined": (
        _("The payment was declined. The provider says: %(reason)s"),
        _("The payment was declined. In English: %(said)s"),
    ),
    "purchase_moved": (_("Somebody changed this purchase meanwhile. Look at it again."),),
    "quote_does_not_fit": (
        _("This offer is not what the criteria were agreed for. Choose the same tickets and attributes."),
    ),
    "quote_expired": (_("The offer has expired. Ask for a new one."),),
    "report_card_missing": (_("This version has no report card that can be read here."),),
    "rise_not_possible": (_("A payment is with the bank. Change the tier when its outcome is known."),),
    "role_unknown": (_("There is no such role."),),
    "run_has_ended": (_("This training has ended already; there is nothing to cancel."),),
    "run_moved": (_("This training has moved on meanwhile. Look at it again."),),
    "sample_out_of_range": (_("A sample of so many tickets cannot be made."),),
    "tickets_deleted": (
        _(
            "The tickets of “%(name)s” were deleted; its figures are all that is left. Choose another version, or import the tickets again."
        ),
        _("These tickets were deleted; their figures are all that is left."),
    ),
    "too_many_streams": (
        _(
            "%(limit)s pages follow trainings live already. Close one; this page shows what was known when it was loaded."
        ),
        _("Too many pages follow trainings live already. Close one."),
    ),
    "too_many_jobs": (
        _(
            "%(open)s files and questions of yours are waiting or being worked on; that is the most. Wait for one of them, or cancel it."
        ),
        _("Too much is waiting to be worked on here. Try again in a minute."),
    ),
    "too_many_webhook_endpoints": (
        _("There are %(endpoints)s webhooks already. Delete one that is not used."),
        _("There are too many webhooks already. Delete one that is not used."),
    ),
    "unavailable": (_("This cannot be done at this moment. Try again in a while."),),
    "unknown_attribute": (
        _("These tickets have no “%(unknown)s”. They have: %(known)s."),
        _("Each attribute can be chosen once: %(attributes)s."),
        _("These tickets have no such attribute."),
    ),
    "webhook_endpoint_disabled": (_("This webhook is turned off. Turn it on first."),),
}

WORD_FOR_WORD = (
    gettext_noop("The file is empty."),
    gettext_noop("The first row should name the columns, and it is empty. Add a header row."),
    gettext_noop("The file holds no JSON objects with keys, so there is nothing to import."),
    gettext_noop("The workbook has no visible sheet with anything on it."),
    gettext_noop("The Parquet file has no column of text, numbers, times or lists of text."),
    gettext_noop("The Parquet file has two columns of the same name. Rename one."),
    gettext_noop("Nothing would change: the labels are already so."),
    gettext_noop("The file needs a column text, or subject and body."),
    gettext_noop("No row of the file says a label."),
)
"""Sentences of the rooms that carry no facts and say more than their code does: they are translated as they are."""


def in_words(error: OtaiError | CriterionInvalid) -> str:
    """What was refused, for a page. English where the code is not known here."""
    if isinstance(error, CriterionInvalid):
        return str(error) if reads_english() else gettext("A threshold lies above 0 and at most at 100.")
    if reads_english() or type(error).__module__.startswith("otai.web."):
        return error.message
    if error.message in WORD_FOR_WORD:
        return gettext(error.message)
    facts = {name: _shown(name, value) for name, value in error.details.items() if value not in (None, "", [])}
    facts["said"] = error.message
    for sentence in sentences_for(error.code, str(error.details.get("field", ""))):
        text = str(sentence)
        if set(FACT.findall(text)) <= set(facts):
            return text % facts
    return error.message


def why_failed(run: Run) -> str:
    """What ended a training without a model; empty if nothing did. The executor's own words are English and kept beside ours."""
    if reads_english() or not run.failure_message:
        return run.failure_message
    if run.ending == Ending.FAILED_INPUT:
        text = gettext("Nothing can be learnt from these tickets as they are. In English: %(said)s")
    else:
        text = gettext("Something broke down on our side. In English: %(said)s")
    return text % {"said": run.failure_message}


def sentences_for(code: str, field: str = "") -> tuple[str | Promise, ...]:
    """The sentences of a refusal by its code, those about the field first; empty: only the error's own."""
    return (*(REFUSALS.get(f"{code}.{field}", ()) if field else ()), *REFUSALS.get(code, ()))


def reads_english() -> bool:
    """Whether the page is read in English."""
    return (get_language() or "en").startswith("en")


def _shown(name: str, value: Any) -> str:
    if name == "mode" and value in tuple(Mode):
        return Mode(value).title
    if name in ("tier", "needs_tier") and value in tuple(Tier):
        return Tier(value).title
    if isinstance(value, str):
        return value
    if isinstance(value, int) and name in ("row", "run"):
        return str(value)
    if isinstance(value, int):
        return formats.number_format(value, use_l10n=True, force_grouping=True)
    if isinstance(value, Iterable):
        return ", ".join(map(str, value))
    return str(value)
