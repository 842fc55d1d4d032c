"""VAT ids asked of VIES: wanted in the transaction that saves them, asked after it, and asked anew each month."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from otai.billing import vies
from otai.billing.models import BillingDetails, VatIdCheck, VatIdState
from otai.billing.operations.events import as_told, record, tell_operator
from otai.billing.seller import seller
from otai.db import new_id
from otai.orgs.models import Organisation
from otai.pricing.vat_territories import taxed_as
from otai.words.explained import arrow
from otai.words.kept_facts import stored_within
from otai.words.sentences import Fact

logger = logging.getLogger(__name__)

first_pause = timedelta(minutes=10)
longest_pause = timedelta(days=1)
"""Between two tries: twice as long each time. Member states are off for a night, and some for days."""
good_for = timedelta(days=30)
"""An answer is of its day, and companies end: a sale of a later month has a proof of its own."""


def want_check(details: BillingDetails, *, now: datetime) -> None:
    """Writes the question down, in the caller's transaction: for VAT ids of other member states, where VIES is asked at
    all. One that waits already is not asked twice."""
    if not details.vat_id or not vies.is_asked() or taxed_as(details.country) == taxed_as(seller().country):
        return
    check = VatIdCheck(
        id=new_id(), organisation_id=details.organisation_id, vat_id=details.vat_id, wanted_at=now, next_try_at=now
    )
    VatIdCheck.objects.bulk_create([check], ignore_conflicts=True)


def ask_vies(*, now: datetime) -> int:
    """Asks what waits, between transactions; returns how many were answered. Where nothing comes at all the rest waits
    for the next time: nobody's mails wait behind a VIES that is silent."""
    if not vies.is_asked():
        return 0
    _want_what_has_no_proof(now=now)
    due = VatIdCheck.objects.filter(state=VatIdState.WAITING, next_try_at__lte=now).order_by("next_try_at", "id")
    answered = 0
    for id in list(due.values_list("id", flat=True)):
        try:
            answered += _ask(id, now=now)
        except vies.ViesSilent:
            break
    return answered


def _want_what_has_no_proof(*, now: datetime) -> None:
    """VAT ids that were saved before VIES was asked here, and those whose answer is older than a month."""
    asked = VatIdCheck.objects.filter(organisation=OuterRef("organisation"), vat_id=OuterRef("vat_id"))
    proven = asked.filter(Q(state=VatIdState.WAITING) | Q(answered_at__gt=now - good_for))
    for details in BillingDetails.objects.exclude(vat_id="").exclude(Exists(proven)):
        want_check(details, now=now)


def _ask(id: UUID, *, now: datetime) -> bool:
    """Whether it was answered. Raises ViesSilent."""
    check = VatIdCheck.objects.get(id=id)
    pause = min(longest_pause, first_pause * 2 ** min(check.attempts, 12))
    # Claimed before it is asked: of two sweeps one asks.
    claimed = VatIdCheck.objects.filter(id=id, state=VatIdState.WAITING, attempts=check.attempts)
    if not claimed.update(attempts=F("attempts") + 1, next_try_at=now + pause):
        return False
    try:
        answer = vies.ask(check.vat_id)
    except vies.ViesUnavailable as error:
        VatIdCheck.objects.filter(id=id).update(problem=stored_within(Fact(error.key, error.details), 200))
        if isinstance(error, vies.ViesSilent):
            raise
        return False
    with transaction.atomic():
        _answered(id, answer, now=now)
    return True


def _answered(id: UUID, answer: vies.ViesAnswer, *, now: datetime) -> None:
    state = VatIdState.VALID if answer.is_valid else VatIdState.INVALID
    VatIdCheck.objects.filter(id=id).update(
        state=state,
        answered_at=now,
        consultation_number=answer.consultation_number,
        answer=answer.raw,
        problem="",
    )
    check = VatIdCheck.objects.select_related("organisation").get(id=id)
    record(
        organisation=check.organisation_id,
        subject="VAT id",
        subject_id=check.id,
        move=arrow(VatIdState.WAITING.value, state.value),
        who="VIES",
        now=now,
        vat_id=check.vat_id,
        consultation_number=check.consultation_number,
        **as_told(check),
    )
    if state == VatIdState.INVALID:
        tell_operator(
            organisation=check.organisation,
            template="vat_id_invalid",
            key=f"vat-id-invalid:{check.id}",
            context={"vat_id": check.vat_id},
            now=now,
        )
        return
    _tell_another_name(check, answer.name, now=now)


def _tell_another_name(check: VatIdCheck, named: str, *, now: datetime) -> None:
    """A valid id may be another company's: where its name has no word of the buyer's, the vendor is told, once."""
    details = BillingDetails.objects.filter(organisation=check.organisation_id, vat_id=check.vat_id).first()
    if details is None or not vies.is_another_name(details.name, named):
        return
    both = hashlib.sha256(f"{details.name}\n{named}".encode()).hexdigest()[:16]
    tell_operator(
        organisation=check.organisation,
        template="vat_id_of_another",
        key=f"vat-id-of-another:{check.organisation_id}:{check.vat_id}:{both}",
        context={"vat_id": check.vat_id, "known_as": named, "billed_as": details.name},
        now=now,
    )


def check_of(organisation: Organisation, vat_id: str) -> VatIdCheck | None:
    """The newest answer for a VAT id, else the question that waits; None where it was never asked."""
    checks = VatIdCheck.objects.filter(organisation=organisation, vat_id=vat_id)
    return checks.order_by(F("answered_at").desc(nulls_last=True), "-wanted_at").first()
