"""What a customer does with connections to helpdesks: make, change, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction

from otai.db import new_id, one_transaction
from otai.errors import Invalid, NotFound, Refused
from otai.helpdesks.asking import checked_address
from otai.helpdesks.connecting import System, checked_token
from otai.helpdesks.models import HelpdeskConnection
from otai.helpdesks.secrets import sealed
from otai.orgs.models import Organisation, TeamEvent

most_connections = 20
"""For one organisation."""
most_names = 500
most_name_characters = 200
most_characters = 100
"""Of a connection's own name."""


class InvalidHelpdeskConnection(Invalid):
    code = "invalid_helpdesk_connection"


class TooManyHelpdeskConnections(Refused):
    code = "too_many_helpdesk_connections"


class HelpdeskNameTaken(Refused):
    code = "helpdesk_name_taken"


@dataclass(frozen=True, slots=True)
class ToRead:
    """What is read of a helpdesk: tickets of these queues, since this day, with these fields; empty: all of them."""

    queues: Sequence[str] = ()
    created_since: date | None = None
    fields: Sequence[str] = ()

    def checked(self) -> ToRead:
        """The same, without doubles and blanks around names. Raises InvalidHelpdeskConnection."""
        return ToRead(_names(self.queues, "queues"), self.created_since, _names(self.fields, "fields"))


def connect(
    *,
    organisation: Organisation,
    name: str = "",
    system: System,
    address: str,
    token: str,
    to_read: ToRead = ToRead(),
    who: str,
    now: datetime,
    id: UUID | None = None,
) -> HelpdeskConnection:
    """A connection; nothing is asked yet. `name`: the address's host, if left out. `id`: of a form that may be sent
    twice; where that connection is there already, it is returned. Raises InvalidHelpdeskAddress, InvalidHelpdeskToken,
    InvalidHelpdeskConnection, HelpdeskNameTaken, TooManyHelpdeskConnections."""
    address, token, to_read = checked_address(address), checked_token(system, token), to_read.checked()
    name = _checked_name(name or (urlsplit(address).hostname or "")[:most_characters])
    with transaction.atomic():
        Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
        theirs = HelpdeskConnection.objects.filter(organisation=organisation)
        if id is not None and (made := theirs.filter(id=id).first()) is not None:
            return made
        if theirs.count() >= most_connections:
            raise TooManyHelpdeskConnections("connections", most=most_connections)
        if theirs.filter(name=name).exists():
            raise HelpdeskNameTaken("name", name=name)
        id = id or new_id()
        made = HelpdeskConnection.objects.create(
            id=id,
            organisation=organisation,
            name=name,
            system=system,
            address=address,
            sealed_token=sealed(token, id),
            queues=list(to_read.queues),
            created_since=to_read.created_since,
            fields=list(to_read.fields),
            created_at=now,
            created_by=who[:200],
            changed_at=now,
        )
        _record(made, "helpdesk_connected", who=who, now=now)
    return made


def change(
    *,
    organisation: Organisation,
    connection: UUID,
    name: str | None = None,
    address: str | None = None,
    token: str | None = None,
    to_read: ToRead | None = None,
    who: str,
    now: datetime,
) -> HelpdeskConnection:
    """Changes what is given. Another address needs the token anew, so that nobody sends a kept one to a server of
    theirs. Raises NotFound, InvalidHelpdeskAddress, InvalidHelpdeskToken, InvalidHelpdeskConnection,
    HelpdeskNameTaken."""
    with transaction.atomic():
        # As whoever makes one does: names are looked at under this lock.
        Organisation.objects.select_for_update(no_key=True).get(id=organisation.id)
        changed = _locked(organisation, connection)
        if address is not None and (address := checked_address(address)) != changed.address:
            if token is None:
                raise InvalidHelpdeskConnection("token_again", field="token")
            changed.address = address
        if token is not None:
            changed.sealed_token = sealed(checked_token(System(changed.system), token), changed.id)
        if name is not None:
            _rename(changed, _checked_name(name))
        if to_read is not None:
            read = to_read.checked()
            changed.queues, changed.fields = list(read.queues), list(read.fields)
            changed.created_since = read.created_since
        changed.changed_at = now
        changed.save()
        _record(changed, "helpdesk_changed", who=who, now=now)
    return changed


@one_transaction
def disconnect(*, organisation: Organisation, connection: UUID, who: str, now: datetime) -> None:
    """The connection goes with its token; what was imported stays. Raises NotFound."""
    found = _locked(organisation, connection)
    _record(found, "helpdesk_disconnected", who=who, now=now)
    found.delete()


def looked(connection: HelpdeskConnection, job: UUID) -> None:
    """Remembers which job looked there last."""
    HelpdeskConnection.objects.filter(id=connection.id).update(looked_by=job)
    connection.looked_by = job


def _locked(organisation: Organisation, connection: UUID) -> HelpdeskConnection:
    theirs = HelpdeskConnection.objects.select_for_update(no_key=True).filter(organisation=organisation)
    found = theirs.filter(id=connection).first()
    if found is None:
        raise NotFound("helpdesk")
    return found


def _rename(connection: HelpdeskConnection, name: str) -> None:
    theirs = HelpdeskConnection.objects.filter(organisation_id=connection.organisation_id).exclude(id=connection.id)
    if theirs.filter(name=name).exists():
        raise HelpdeskNameTaken("name", name=name)
    connection.name = name


def _checked_name(name: str) -> str:
    words = " ".join(name.split())
    if not words or len(words) > most_characters or not words.isprintable():
        raise InvalidHelpdeskConnection("name", most=most_characters, field="name")
    return words


def _names(names: Sequence[str], field: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(found) > most_names or any(len(one) > most_name_characters or not one.isprintable() for one in found):
        raise InvalidHelpdeskConnection("names", most=most_names, characters=most_name_characters, field=field)
    return found


def _record(connection: HelpdeskConnection, what: str, *, who: str, now: datetime) -> None:
    TeamEvent.objects.create(
        organisation_id=connection.organisation_id,
        at=now,
        who=who[:200],
        what=what,
        subject=f"{connection.name} ({connection.address})"[:254],
        details={"helpdesk": str(connection.id), "system": connection.system},
    )
