"""Links that end mails of one kind to one member: signed, without an end, good for nothing else."""

from __future__ import annotations

from uuid import UUID

from django.core import signing

from otai.links import absolute
from otai.orgs.models import Member

SALT = "otai.unsubscribe"


def link_to_unsubscribe(member: UUID | str, what: str) -> str:
    """The address that a mail of the kind `what` to this member carries; whoever has it can end these mails."""
    return absolute(f"/account/unsubscribe/{signing.dumps([str(member), what], salt=SALT)}/")


def unsubscribing(token: str) -> tuple[Member, str] | None:
    """Who does not want which mails any more; None where the token is not ours, or whoever it was for is no member any
    more."""
    try:
        member, what = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    found = Member.objects.select_related("user", "organisation").filter(id=member, user__is_active=True).first()
    return (found, str(what)) if found is not None else None
