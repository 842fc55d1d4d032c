"""Django's validators of a password: `orgs.passwords` in words."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from otai.orgs import queries
from otai.orgs.models import User
from otai.orgs.passwords import Weakness, fewest_characters, weakness

WORDS = {
    Weakness.TOO_SHORT: gettext_lazy("At least %(fewest)s characters."),
    Weakness.COMMON: gettext_lazy("This is among the commonest passwords, with or without digits at its end."),
    Weakness.OWN_DATA: gettext_lazy("This is made of your name, your mail address or your organisation's name."),
}


class NotEasilyGuessed:
    """Refuses what `orgs.passwords` finds weak. Passwords of before stay as they are."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError, whose code is the weakness. `user` may be one that is not saved yet."""
        refuse_weak(password, own_data(user) if isinstance(user, User) else [])

    def get_help_text(self) -> str:
        """For Django's admin."""
        return _("At least %(fewest)s characters.") % {"fewest": fewest_characters}


def own_data(user: User) -> list[str]:
    """What others know of the person: name, mail address, their organisations' names."""
    known = [user.get_full_name(), user.username, user.email, user.email.partition("@")[0]]
    if user.pk is not None:
        known += [member.organisation.name for member in queries.memberships(user)]
    return [word for word in known if word]


def refuse_weak(password: str, known: list[str]) -> None:
    """Raises ValidationError where the password is weak for whom `known` says."""
    if (found := weakness(password, known)) is not None:
        raise ValidationError(WORDS[found], code=found.value, params={"fewest": fewest_characters})
