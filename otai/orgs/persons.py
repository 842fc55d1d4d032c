"""A person is replaced by a number in what is kept: how their address is found in a row, and what stands there then.

Rows are not read for what they mean: an address is looked for in every column that may say who did something or whom it
was about (`COLUMNS`), so that a new table of any room is reached as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from otai.orgs.models import FormerAddress, User

COLUMNS = frozenset(
    {
        *("who", "why", "reason", "note", "details", "subject", "email", "recipient", "context", "member", "payload"),
        *("answer", "result", "outcome", "problem", "error_values", "error_message", "object_repr", "change_message"),
        *("key", "description", "text", "payer", "values", "address", "name", "about"),
    }
)
"""Columns that may name a person, beside all that end in `_by` or `_why`."""

CONTENT = frozenset(
    {
        *("serving_feedback.text", "serving_observed_ticket.text", "runs_attempt.log"),
        *("tickets_label.name", "tickets_attribute.name", "tickets_data_set.name", "serving_model.name"),
    }
)
"""What customers wrote or named: the organisation's, and deleted with its tickets."""

NUMBERED = re.compile(r"person:(?P<number>\d+)")


def numbered(number: int) -> str:
    """What stands for an erased person in everything that is kept."""
    return f"person:{number}"


def number_of(who: str) -> int | None:
    """The number of the erased person; None for whoever has a name."""
    found = NUMBERED.fullmatch(who)
    return int(found["number"]) if found else None


@dataclass(frozen=True, slots=True)
class Replacement:
    """These addresses become this number, or `becomes`, wherever they stand as a whole; other addresses that end in
    one stay."""

    addresses: tuple[str, ...]
    number: int
    becomes: str = ""

    def in_text(self, text: str) -> str:
        """The text with the number in the place of each address."""
        for address in self.addresses:
            if address.lower() in text.lower():
                instead = (self.becomes or numbered(self.number)).replace("\\", r"\\")
                text = re.sub(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)", instead, text, flags=re.I)
        return text

    def in_value(self, value: Any) -> Any:
        """A JSON value with the number in the place of each address, in names as in values."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, list):
            return [self.in_value(one) for one in value]
        if isinstance(value, dict):
            return {self.in_text(name): self.in_value(one) for name, one in value.items()}
        return value

    def rows(
        self, model: type[models.Model], *, of: UUID | None = None
    ) -> Iterator[tuple[models.Model, dict[str, Any]]]:
        """Each row of the table that names the person, with its columns as they are to become; `of`: an organisation's
        alone."""
        columns = columns_of(model)
        if not columns or not self.addresses:
            return
        where, casts = Q(), {}
        for column in columns:
            field = model._meta.get_field(column)
            name = column
            if isinstance(field, models.JSONField):
                name = f"as_text_{column}"
                casts[name] = Cast(column, TextField())
            for address in self.addresses:
                # As JSON of a database writes what is not ASCII.
                for written in {address, json.dumps(address)[1:-1]}:
                    where |= Q(**{f"{name}__icontains": written})
        naming = model._default_manager.annotate(**casts).filter(where)
        if of is not None:
            naming = naming.filter(organisation=of)
        for row in list(naming.order_by("pk")):
            became = {column: self.in_value(getattr(row, column)) for column in columns}
            changed = {column: value for column, value in became.items() if value != getattr(row, column)}
            if changed:
                yield row, changed


def keep_former_address(user: User, email: str, *, now: datetime) -> None:
    """The person has another address from now on; what they did as `email` stays theirs. An address that somebody else
    had before is this person's alone by now."""
    FormerAddress.objects.filter(email=user.email.casefold()).delete()
    if email.casefold() != user.email.casefold():
        FormerAddress.objects.update_or_create(user=user, email=email.casefold(), defaults={"until": now})


def addresses_of(who: str) -> tuple[str, ...]:
    """All addresses of the account that has this one, or had it before and nobody has now; in small letters, the
    present one first. `who` alone where it is no account's."""
    if "@" not in who:
        return (who.casefold(),)
    user = User.objects.filter(email__iexact=who, is_active=True).order_by("pk").first()
    if user is None:
        former = FormerAddress.objects.filter(email=who.casefold()).select_related("user").order_by("-until").first()
        if former is None:
            return (who.casefold(),)
        user = former.user
    return (user.email.casefold(), *_former(user))


def _former(user: User) -> list[str]:
    had = list(FormerAddress.objects.filter(user=user).order_by("-until").values_list("email", flat=True))
    taken = {
        one.casefold() for one in User.objects.filter(email__in=had, is_active=True).values_list("email", flat=True)
    }
    return [one for one in had if one not in taken]


def replacement_of(user: User) -> Replacement:
    """The person's number for each of their addresses, confirmed or not, and of those they had; the longest first."""
    from allauth.account.models import EmailAddress

    addresses = [user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True), *_former(user)]
    addresses += [user.username] if "@" in user.username else []
    return Replacement(tuple(sorted({one.lower() for one in addresses if one}, key=len, reverse=True)), user.pk)


def columns_of(model: type[models.Model]) -> list[str]:
    """The columns of the table that may name a person."""
    table = model._meta.db_table
    return [
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField)
        and (field.name in COLUMNS or field.name.endswith(("_by", "_why")))
        and not field.primary_key
        and f"{table}.{field.name}" not in CONTENT
    ]


def replace(
    models_: Iterable[type[models.Model]], replacements: Sequence[Replacement], *, of: UUID | None = None
) -> int:
    """Replaces the persons in these tables; returns in how many rows. Within the caller's transaction."""
    changed = 0
    for model in models_:
        for replacement in replacements:
            for row, became in replacement.rows(model, of=of):
                model._default_manager.filter(pk=row.pk).update(**became)
                changed += 1
    return changed
