"""An organisation that the vendor makes for a customer, with the invitation of its first owner."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from otai.billing.occurrences import BillingOccurrence
from otai.billing.operations.events import record
from otai.billing.operations.subscriptions import begin_subscription
from otai.billing.seller import seller
from otai.db import one_transaction
from otai.orgs.languages import languages, listed, templates
from otai.orgs.models import Invitation, Organisation
from otai.orgs.operations import create_organisation, free_slug, invite
from otai.orgs.operations.members import LanguageUnknown
from otai.orgs.permissions import Role
from otai.pricing.price_book import Tier
from otai.words.invoices import day

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """`token` belongs into the link that lets the owner in, and nowhere else: it is not kept."""

    organisation: Organisation
    invitation: Invitation
    token: str


@one_transaction
def provision(
    *, slug: str, name: str, time_zone: str, tier: Tier, owner_email: str, who: str, now: datetime
) -> Provisioned:
    """An organisation in a tier, and the invitation of its first owner: both or neither. With an empty `slug`, a short
    name is made of the name. A paid tier is trusted for the time of grace, as at every sign-up by an operator.

    Raises InvalidOrganisation, OrganisationExists and InvalidInvitation.
    """
    organisation = create_organisation(slug=slug or free_slug(name), name=name, time_zone=time_zone, now=now)
    # Before any credits are granted, as docs/ledger.md orders locks.
    made = invite(organisation=organisation, email=owner_email, role=Role.OWNER, who=who, now=now)
    begin_subscription(organisation, tier, who=who, now=now)
    record(
        organisation=organisation,
        subject="organisation",
        subject_id=organisation.id,
        move=BillingOccurrence.PROVISIONED,
        who=who,
        now=now,
        tier=tier.value,
        owner=made.invitation.email,
    )
    return Provisioned(organisation, made.invitation, made.token)


def checked_language(language: str) -> str:
    """A language that mails are written in; the installation's first for an empty one. Raises LanguageUnknown."""
    if language and language not in languages():
        raise LanguageUnknown(
            "language", known=listed(), language=language, field="language", languages=list(languages())
        )
    return language or languages()[0]


def mail_welcome(made: Provisioned, *, link: str, language: str) -> bool:
    """Mails the link to the owner; after the transaction, since the link is not kept. False where the mail server would
    not take it: then whoever provisioned passes the link on."""
    context = {
        "organisation": made.organisation.name,
        "link": link,
        "last_day": day(made.invitation.expires_at.astimezone(made.organisation.zone).date().isoformat(), language),
        "seller": seller(),
    }
    subject, _, body = render_to_string(templates("billing/mail/welcome", language), context).partition("\n")
    mail = EmailMessage(
        subject=" ".join(subject.split()),
        body=body.lstrip("\n"),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[made.invitation.email],
        reply_to=[seller().email],
    )
    try:
        mail.send()
    except Exception as error:  # noqa: BLE001 -- whatever a mail backend raises, the organisation stands
        logger.warning("A welcome was not sent: %s", type(error).__name__)
        return False
    return True
