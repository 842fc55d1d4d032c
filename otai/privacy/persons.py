"""A person's account is erased: nobody signs in with it any more, and in everything that is kept a number stands for
their name and address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.apps import apps
from django.db import models, transaction

from otai.billing.operations.chaining import chain_new
from otai.billing.operations.events import notify_people
from otai.billing.operations.persons import KEPT_AS_ISSUED, hand_over_invoices, replace_persons
from otai.errors import NotFound, Refused
from otai.orgs.models import ApiKey, Invitation, Member, Organisation, User
from otai.orgs.operations.members import record
from otai.orgs.permissions import Role
from otai.orgs.persons import numbered, replace, replacement_of
from otai.orgs.queries import usable_keys_made_by
from otai.orgs.sessions import end_sessions
from otai.privacy.locks import in_order
from otai.privacy.models import Erased, Erasure
from otai.tickets.erasing import wipe_freed_pages

KEPT_BY_THE_ACCOUNT = frozenset({"orgs_member", "orgs_invitation", "django_admin_log"})
"""Rows that refer to a person and do not go with the account by themselves: memberships end with an event, the others
are history."""
LEDGER = "ledger"


class OnlyOwner(Refused):
    """`organisations` names those that nobody else owns: hand them over, or delete them."""

    code = "only_owner"


class OperatorAccount(Refused):
    """An operator answers for what they did at the desk; take the account from the desk first."""

    code = "operator_account"


def account(email: str) -> User:
    """The account with this address. Raises NotFound."""
    found = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if found is None:
        raise NotFound("account", email=email)
    return found


def only_owner_of(user: User) -> list[Organisation]:
    """Organisations that would be without an owner, but for those that are closing anyway."""
    owned = Member.objects.filter(user=user, role=Role.OWNER, organisation__closing_at__isnull=True)
    others = Member.objects.filter(role=Role.OWNER).exclude(user=user).values("organisation")
    return [member.organisation for member in owned.exclude(organisation__in=others).select_related("organisation")]


def erase_person(*, user: User, now: datetime, who: str = "") -> Erasure:
    """Erases the account for good; `who`: an operator, or nobody, where the person does it. Raises OnlyOwner,
    OperatorAccount and NotFound (it was erased before); nothing is changed then.

    What the person ordered, and keys they made for programs, stay the organisation's; its owners are told which keys.
    """
    chain_new(now=now)
    with transaction.atomic():
        erasure = _erase(user.pk, who=who, now=now)
    wipe_freed_pages()
    return erasure


def _erase(account: int, *, who: str, now: datetime) -> Erasure:
    theirs = Organisation.objects.select_for_update(no_key=True).filter(members__user=account)
    organisations = list(theirs.order_by("id"))
    user = User.objects.get(pk=account)
    if user.is_staff:
        raise OperatorAccount("operator")
    if not user.is_active:
        raise NotFound("account", email=user.email)
    if owned := only_owner_of(user):
        raise OnlyOwner("owner", organisations=[one.slug for one in owned], names=", ".join(one.name for one in owned))
    number = numbered(user.pk)
    by = who or number
    replacement = replacement_of(user)
    went = {"memberships": len(organisations), "sessions": end_sessions(user)}
    Invitation.objects.filter(
        email__in=replacement.addresses, accepted_at__isnull=True, withdrawn_at__isnull=True
    ).update(withdrawn_at=now)
    for address in replacement.addresses:
        hand_over_invoices(address, but=user.pk, who=by, now=now)
    _delete_mails(replacement.addresses)
    for member in Member.objects.filter(user=user).select_related("organisation"):
        keys = usable_keys_made_by(member.organisation, replacement.addresses, now=now)
        named = {"keys": [key.prefix for key in keys]}
        record(member.organisation, who=by, what="member_removed", subject=number, now=now, role=member.role, **named)
        record(member.organisation, who=by, what="person_erased", subject=number, now=now, **named)
        member.delete()
        if keys:
            _tell_owners(member.organisation, keys, number=user.pk, now=now)
    _delete_what_refers(user)
    # Before their rows are looked through: the account's own would be found as well.
    _make_a_number(user)
    went["rows"] = replace(tables(), [replacement]) + replace_persons([replacement], who=by, now=now)
    return Erasure.objects.create(what=Erased.PERSON, person=user.pk, at=now, who=by, went=went)


def tables() -> Sequence[type[models.Model]]:
    """All tables that may name a person, but for billing's, which tells each change, and the ledger's, which never
    does."""
    return in_order(
        [
            model
            for model in apps.get_models(include_auto_created=True)
            if model._meta.app_label not in ("billing", LEDGER, "sessions")
            and model._meta.db_table not in KEPT_AS_ISSUED
        ]
    )


def _tell_owners(organisation: Organisation, keys: Sequence[ApiKey], *, number: int, now: datetime) -> None:
    owners = Member.objects.filter(organisation=organisation, role=Role.OWNER).select_related("user")
    notify_people(
        organisation=organisation,
        people=[member.user for member in owners.order_by("joined_at")],
        template="keys_stay",
        key=f"keys_stay:{organisation.id}:{number}",
        context={"number": str(number), "keys": ", ".join(f"{key.name} ({key.prefix})" for key in keys)},
        now=now,
    )


def _delete_mails(addresses: Sequence[str]) -> None:
    """What was to be mailed to them is not sent any more."""
    notices = apps.get_model("billing", "Notice")
    for address in addresses:
        notices._default_manager.filter(recipient__iexact=address, sent_at__isnull=True).delete()


def _delete_what_refers(user: User) -> None:
    """Addresses, second factors, passkeys, devices: whatever goes with an account that is deleted."""
    for relation in user._meta.related_objects:
        model = relation.related_model
        if not isinstance(model, type) or model._meta.db_table in KEPT_BY_THE_ACCOUNT:
            continue
        if relation.on_delete is models.CASCADE:
            model._default_manager.filter(**{relation.field.name: user}).delete()
    user.groups.clear()
    user.user_permissions.clear()


def _make_a_number(user: User) -> None:
    """The account's row stays as the number: it is never given to anybody else."""
    user.email = f"person-{user.pk}@erased.invalid"
    user.username = f"person-{user.pk}"
    user.first_name = user.last_name = user.language = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    user.save()
