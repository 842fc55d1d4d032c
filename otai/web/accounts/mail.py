"""The invitation mail. Its link is known only while the invitation is made, so it is sent then, and the page shows the
link as well."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import get_language

from otai.orgs.languages import languages, templates
from otai.orgs.models import User
from otai.orgs.operations import InvitationMade
from otai.web.accounts.forms import ROLE_WORDS

logger = logging.getLogger(__name__)


def send_invitation(made: InvitationMade, *, link: str, inviter: User) -> bool:
    """In the language of whoever invites. False where the mail server would not take it: then the link has to go
    another way."""
    invitation = made.invitation
    context = {
        "invitation": invitation,
        "organisation": invitation.organisation,
        "inviter": inviter.get_full_name() or inviter.email,
        "role": ROLE_WORDS[invitation.role][0],  # type: ignore[index]
        "link": link,
        "last_day": invitation.expires_at.astimezone(invitation.organisation.zone).date(),
    }
    template = templates("accounts/mail/invitation", get_language() or languages()[0])
    subject, _, body = render_to_string(template, context).partition("\n")
    mail = EmailMessage(
        subject=" ".join(subject.split()),
        body=body.lstrip("\n"),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[invitation.email],
        reply_to=[inviter.email],
    )
    try:
        mail.send()
    except Exception as error:  # noqa: BLE001 -- whatever a mail backend raises, the invitation stands and the page shows its link
        logger.warning("An invitation was not sent: %s", type(error).__name__)
        return False
    return True
