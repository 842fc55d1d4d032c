"""A key for the files of each organisation, sealed under the installation's secret key. Without it they cannot be read,
neither here nor in any backup of them."""

from __future__ import annotations

import secrets
from collections import Counter
from uuid import UUID

from otai import keyring
from otai.db import new_id, one_transaction, utc_now
from otai.errors import Unavailable
from otai.orgs.models import OrganisationKey
from otai.sealed_files import KEY_BYTES, DataKey

PURPOSE = "data key"


class DataKeyGone(Unavailable):
    """The file is encrypted with a key that was deleted with its organisation, or is of another installation."""

    code = "data_key_gone"


def key_for(organisation: UUID) -> DataKey:
    """The organisation's key for files, made where there is none yet. Raises SecretKeyMissing."""
    found = OrganisationKey.objects.filter(organisation=organisation).first()
    if found is None:
        id = new_id()
        sealed = keyring.seal(secrets.token_bytes(KEY_BYTES), purpose=PURPOSE, of=str(id))
        # Of two that make one at once the first stays.
        found, _ = OrganisationKey.objects.get_or_create(
            organisation_id=organisation, defaults={"id": id, "sealed": sealed, "made_at": utc_now()}
        )
    return _opened(found)


def key_with(id: UUID) -> DataKey:
    """The key that a file names. Raises DataKeyGone, SecretKeyMissing."""
    found = OrganisationKey.objects.filter(id=id).first()
    if found is None:
        raise DataKeyGone("gone", id=str(id))
    return _opened(found)


def forget_key(organisation: UUID) -> bool:
    """Deletes the organisation's key: none of its encrypted files can be read again, wherever a copy of one lies.
    Whether there was one."""
    return bool(OrganisationKey.objects.filter(organisation=organisation).delete()[0])


def by_key() -> dict[str, int]:
    """How many data keys are sealed under which secret key, by its id."""
    return dict(Counter(map(keyring.key_id_of, OrganisationKey.objects.values_list("sealed", flat=True))))


def rewrap() -> int:
    """Seals all data keys under the current secret key; how many were under another. No file is touched."""
    return sum(_rewrapped(id) for id in list(OrganisationKey.objects.values_list("id", flat=True)))


@one_transaction
def _rewrapped(id: UUID) -> int:
    found = OrganisationKey.objects.select_for_update(no_key=True).filter(id=id).first()
    anew = keyring.resealed(found.sealed, purpose=PURPOSE, of=str(id)) if found else None
    return OrganisationKey.objects.filter(id=id).update(sealed=anew) if anew else 0


def _opened(found: OrganisationKey) -> DataKey:
    return DataKey(found.id, keyring.unseal(found.sealed, purpose=PURPOSE, of=str(found.id)))
