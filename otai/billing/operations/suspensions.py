"""An organisation is suspended and resumed by the vendor: decision 0416 says what goes on meanwhile and what does
not."""

from __future__ import annotations

from datetime import datetime

from otai.billing import queries
from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import checked_why, notify, record
from otai.billing.operations.monthly import grant_what_is_due
from otai.billing.operations.reversals import partly_reversed
from otai.billing.operations.subscriptions import locked, move
from otai.billing.status import SubscriptionStatus
from otai.db import one_transaction
from otai.orgs.models import Organisation


@one_transaction
def suspend(*, organisation: Organisation, who: str, why: str, now: datetime) -> Organisation:
    """From now on nothing is ordered: no training, no package, no month. People sign in and read, models predict,
    trainings that were ordered finish. Suspending it again changes nothing. Raises WhoAndWhyMissing."""
    why = checked_why(why)
    found = _locked(organisation)
    if found.suspended_at is not None:
        return found
    # Whoever is buying holds the subscription, and whoever comes after it reads that nothing is sold any more.
    locked(found)
    found.suspended_at, found.suspended_by, found.suspended_why = now, who[:200], why
    _save(found, BillingOccurrence.SUSPENDED, who=who, why=why, now=now)
    return found


@one_transaction
def resume(*, organisation: Organisation, who: str, why: str, now: datetime) -> Organisation:
    """Everything can be ordered again. Monthly credits that waited come for months that were paid; a tier whose month
    ended meanwhile has the whole time of grace to be paid in. Resuming it again changes nothing. Raises
    WhoAndWhyMissing."""
    why = checked_why(why)
    found = _locked(organisation)
    if found.suspended_at is None:
        return found
    subscription = locked(found)
    partly = partly_reversed(found.id)
    since, found.suspended_at, found.suspended_by, found.suspended_why = found.suspended_at, None, "", ""
    _save(found, BillingOccurrence.RESUMED, who=who, why=why, now=now)
    if subscription.status == SubscriptionStatus.UNPAID:
        grace_until = now + queries.price_book().payment_grace
        move(subscription, SubscriptionStatus.UNPAID, who=who, why=why, now=now, grace_until_at=grace_until)
    grant_what_is_due(subscription, partly_reversed=partly, now=now, suspended_since=since)
    return found


def _locked(organisation: Organisation) -> Organisation:
    return Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)


def _save(organisation: Organisation, state: BillingOccurrence, *, who: str, why: str, now: datetime) -> None:
    organisation.save(update_fields=["suspended_at", "suspended_by", "suspended_why"])
    event = record(
        organisation=organisation,
        subject="organisation",
        subject_id=organisation.id,
        move=state,
        who=who,
        why=why,
        now=now,
    )
    notify(organisation=organisation, template=state.value, key=f"{state}:{event.pk}", context={"why": why}, now=now)
