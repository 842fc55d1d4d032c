"""How much of an answer its caller sees: who may not read tickets sees figures, and who may not read members' addresses
sees that somebody of the team did it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo

from otai.api.access import Caller
from otai.api.people import reads_addresses, without_addresses
from otai.orgs.permissions import Action
from otai.words.catalogue import say_actor_to_programs
from otai.words.quotes import without_quotes


def _as_the_caller_may(who: str, info: ValidationInfo) -> str:
    caller = getattr((info.context or {}).get("request"), "auth", None)
    return say_actor_to_programs(who, shown=str if reads_addresses(caller) else without_addresses)


Who = Annotated[str, AfterValidator(_as_the_caller_may)]
"""Who did something. Without `members:read` it says "a member" for a person; keys and the Studio's parts have their
names."""


def as_the_caller_may(caller: Caller, evidence: Any) -> Any:
    """The evidence as it is for who may read tickets; else what it quotes of them is left out."""
    return evidence if caller.may(Action.READ_TICKETS) else without_quotes(evidence)
