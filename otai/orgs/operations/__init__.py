"""All that changes customers, their people and their keys."""

from otai.orgs.operations.foundings import TooManyOrganisations, confirm, founded_by, lock_founders
from otai.orgs.operations.invitations import (
    InvalidInvitation,
    InvitationForAnother,
    InvitationMade,
    InvitationOver,
    InvitationUnknown,
    TooManyInvitations,
    accept_invitation,
    invite,
    open_invitation,
    withdraw_invitation,
)
from otai.orgs.operations.keys import (
    InvalidApiKey,
    KeyMade,
    TooManyApiKeys,
    create_api_key,
    new_key,
    note_use,
    revoke_api_key,
)
from otai.orgs.operations.members import (
    AlreadyMember,
    LastOwner,
    add_member,
    change_role,
    remove_member,
    set_language,
)
from otai.orgs.operations.organisations import (
    InvalidOrganisation,
    OrganisationExists,
    change_organisation,
    create_organisation,
    free_slug,
)

__all__ = [
    "AlreadyMember",
    "InvalidApiKey",
    "InvalidInvitation",
    "InvalidOrganisation",
    "InvitationForAnother",
    "InvitationMade",
    "InvitationOver",
    "InvitationUnknown",
    "KeyMade",
    "LastOwner",
    "OrganisationExists",
    "TooManyApiKeys",
    "TooManyInvitations",
    "TooManyOrganisations",
    "accept_invitation",
    "add_member",
    "change_organisation",
    "change_role",
    "confirm",
    "create_api_key",
    "create_organisation",
    "founded_by",
    "free_slug",
    "invite",
    "lock_founders",
    "new_key",
    "note_use",
    "open_invitation",
    "remove_member",
    "revoke_api_key",
    "set_language",
    "withdraw_invitation",
]
