"""The links of an invitation. The one in the mail is signed beside its token, so that whoever opens it has read that
mail: their address needs no second one. The link that the page shows, to be passed on by whatever way, proves nothing.
"""

from __future__ import annotations

from typing import Any

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

INVITATION = "invitation"
"""Where the session keeps the link that somebody came with: its token, signed where it came by mail."""

_signer = Signer(salt="otai.web.accounts.invitation_mailed", sep=".")


def link_of_the_mail(token: str) -> str:
    """What stands in the mail's link in the place of the token."""
    return _signer.sign(token)


def token_of(link: str) -> str:
    """The token, with or without a signature behind it."""
    return link.partition(".")[0]


def is_from_the_mail(link: str) -> bool:
    """Whether the link is the one that was mailed. With a secret key that is gone it is not, and a mail asks."""
    try:
        return _signer.unsign(link) == token_of(link)
    except BadSignature:
        return False


def given_link(request: HttpRequest, sent: Any) -> str:
    """The link that this browser came with; where its session is over, the one that the form brings along."""
    return str(request.session.get(INVITATION) or sent.get("invited_by", ""))
