"""What the rooms refuse about people, in the language of the page. The words for all other refusals are the Studio's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from otai.errors import OtaiError
from otai.web import refusals

_over = {
    "used": lambda: _("This invitation was used already. Ask %(organisation)s for a new one."),
    "withdrawn": lambda: _("This invitation was withdrawn. Ask %(organisation)s for a new one."),
    "expired": lambda: _("This invitation is older than a week. Ask %(organisation)s for a new one."),
}

SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "already_member": lambda facts: _("%(email)s is in the team already."),
    "too_many_invitations": lambda facts: _(
        "%(waiting)s invitations are open. Withdraw one, or wait until somebody accepts."
    ),
    "last_owner": lambda facts: _("%(email)s is the only owner. Make another member an owner first."),
    "invitation_unknown": lambda facts: _("This invitation link is not one of ours. Was it copied completely?"),
    "invitation_over": lambda facts: _over[facts["why"]](),
    "invitation_for_another": lambda facts: _(
        "This invitation is for %(email)s. Sign in as that person, or ask for your own."
    ),
    "too_many_api_keys": lambda facts: _("There are %(keys)s usable keys. Revoke one that is not used any more."),
}


def in_words(error: OtaiError) -> str:
    """The refusal in the reader's language, for pages about accounts."""
    sentence = SENTENCES.get(error.code)
    return sentence(error.details) % error.details if sentence else refusals.in_words(error)
