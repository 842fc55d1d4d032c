"""Links that end mails of one kind to one member: signed, without an end, good for nothing else.

Mails are kept for years, so the key that signs them outlives the installation's secret key.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core import signing

from otai import keyring
from otai.keyring import InstallationKey
from otai.links import absolute
from otai.orgs import kept_keys
from otai.orgs.models import Member

SALT = "otai.unsubscribe"
PURPOSE = "unsubscribe links"


def link_to_unsubscribe(member: UUID | str, what: str) -> str:
    """The address that a mail of the kind `what` to this member carries; whoever has it can end these mails."""
    return absolute(f"/account/unsubscribe/{_signed([str(member), what])}/")


def unsubscribing(token: str) -> tuple[Member, str] | None:
    """Who does not want which mails any more; None where the token is not ours, or whoever it was for is no member any
    more."""
    current, *others = _known()
    try:
        member, what = signing.loads(token, key=current, salt=SALT, fallback_keys=others)
    except signing.BadSignature:
        return None
    found = Member.objects.select_related("user", "organisation").filter(id=member, user__is_active=True).first()
    return (found, str(what)) if found is not None else None


def by_key() -> dict[str, int]:
    """By former secret key, whether links may be signed with it alone; and the keys kept, by what seals them."""
    return kept_keys.by_key(PURPOSE)


def rewrap() -> int:
    """Keeps of each former secret key the one that signed links."""
    return kept_keys.rewrap(PURPOSE, _derived)


def _signed(values: list[str]) -> str:
    return signing.dumps(values, key=_text(_derived(keyring.current_key())), salt=SALT)


def _known() -> list[str | bytes]:
    """All keys of links, the one that signs now first. Releases before this one signed with the secret key itself."""
    derived = map(_derived, keyring.known())
    own = [_text(key) for key in (*derived, *kept_keys.opened(PURPOSE))]
    return [*own, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _derived(key: InstallationKey) -> InstallationKey:
    return InstallationKey(key.id, key.derived(PURPOSE))


def _text(key: InstallationKey) -> str:
    return key.secret.hex()
