"""Keys for one purpose that outlive the secret key they were derived from: `otai keys rewrap` keeps them, sealed under
the current one. What was signed with them lies elsewhere, in copies and mails, and cannot be signed anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from otai import keyring
from otai.db import one_transaction
from otai.keyring import InstallationKey
from otai.orgs.models import KeptKey

Derive = Callable[[InstallationKey], InstallationKey]
"""The key for a purpose, of a secret key; its id is the secret key's."""


def opened(purpose: str) -> list[InstallationKey]:
    """The keys that are kept for it. Raises SecretKeyMissing."""
    return [
        InstallationKey(one.key_id, keyring.unseal(one.sealed, purpose=purpose, of=one.key_id))
        for one in KeptKey.objects.filter(purpose=purpose).order_by("id")
    ]


def by_key(purpose: str) -> dict[str, int]:
    """By former secret key, whether something may be signed with it alone; and those kept, by what seals them."""
    kept = {one.key_id: keyring.key_id_of(one.sealed) for one in KeptKey.objects.filter(purpose=purpose)}
    return dict(Counter([*kept.values(), *(key.id for key in keyring.known()[1:] if key.id not in kept)]))


@one_transaction
def rewrap(purpose: str, derive: Derive) -> int:
    """Keeps of each former secret key the one for this purpose, and seals those kept before under the current one; how
    many it changed."""
    changed = 0
    for one in KeptKey.objects.select_for_update(no_key=True).filter(purpose=purpose):
        anew = keyring.resealed(one.sealed, purpose=purpose, of=one.key_id)
        if anew is not None:
            KeptKey.objects.filter(pk=one.pk).update(sealed=anew)
            changed += 1
    for former in keyring.known()[1:]:
        sealed = keyring.seal(derive(former).secret, purpose=purpose, of=former.id)
        _, is_new = KeptKey.objects.get_or_create(purpose=purpose, key_id=former.id, defaults={"sealed": sealed})
        changed += is_new
    return changed
