"""The team and its keys, by noun. What changes any of it is for a signed-in person: no scope of a key opens it
(`otai.orgs.permissions`)."""

from otai.api.endpoints import Noun
from otai.api.v1.team import access_events, api_keys, events, invitations, members

noun = Noun("Team and keys")
for _part in (members, invitations, events, access_events, api_keys):
    noun.add_router("", _part.noun)
