from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from otai.errors import NotFound
from otai.orgs import queries
from otai.orgs.models import Invitation, Member, Organisation, TeamEvent, User
from otai.orgs.operations import (
    AlreadyMember,
    InvalidInvitation,
    InvitationForAnother,
    InvitationOver,
    InvitationUnknown,
    LastOwner,
    TooManyInvitations,
    accept_invitation,
    change_role,
    create_organisation,
    free_slug,
    invite,
    open_invitation,
    remove_member,
    withdraw_invitation,
)
from otai.orgs.operations.invitations import most_open_invitations
from otai.orgs.permissions import Role
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(now: datetime) -> Organisation:
    return create_organisation(slug="acme", name="Acme Ltd", time_zone="Europe/Berlin", now=now)


@pytest.fixture
def alice(acme: Organisation, now: datetime) -> Member:
    return joins(acme, person("alice"), Role.OWNER, now)


@pytest.fixture
def bob(acme: Organisation, now: datetime) -> Member:
    return joins(acme, person("bob"), Role.VIEWER, now)


@pytest.fixture
def carol(now: datetime) -> Member:
    globex = create_organisation(slug="globex", name="Globex", time_zone="UTC", now=now)
    return joins(globex, person("carol", at="globex.example"), Role.OWNER, now)


def test_carol_finds_acme_in_the_same_words_as_what_does_not_exist(alice: Member, carol: Member) -> None:
    said = []
    for slug in ("acme", "nowhere"):
        with pytest.raises(NotFound) as refused:
            queries.member(carol.user, slug)
        said.append(refused.value.message.replace(slug, "?"))
    assert said[0] == said[1]
    assert queries.member(alice.user, "acme").organisation.name == "Acme Ltd"


def test_carol_changes_nobody_of_acme(alice: Member, bob: Member, carol: Member, now: datetime) -> None:
    with pytest.raises(NotFound):
        change_role(organisation=carol.organisation, member=bob.id, role=Role.OWNER, who="carol", now=now)
    with pytest.raises(NotFound):
        remove_member(organisation=carol.organisation, member=bob.id, who="carol", now=now)
    assert queries.member(bob.user, "acme").role == Role.VIEWER


def test_somebody_joins_an_organisation_once(acme: Organisation, bob: Member, now: datetime) -> None:
    with pytest.raises(AlreadyMember):
        joins(acme, bob.user, Role.OWNER, now)
    assert queries.member(bob.user, "acme").role == Role.VIEWER


def test_the_only_owner_stays_an_owner(acme: Organisation, alice: Member, bob: Member, now: datetime) -> None:
    with pytest.raises(LastOwner):
        change_role(organisation=acme, member=alice.id, role=Role.VIEWER, who="alice", now=now)
    with pytest.raises(LastOwner):
        remove_member(organisation=acme, member=alice.id, who="alice", now=now)
    change_role(organisation=acme, member=bob.id, role=Role.OWNER, who="alice", now=now)
    remove_member(organisation=acme, member=alice.id, who="alice", now=now)
    assert [member.user.first_name for member in queries.members(acme)] == ["Bob"]
    with pytest.raises(NotFound):
        queries.member(alice.user, "acme")


def test_what_happened_to_the_team_is_written_down(
    acme: Organisation, alice: Member, bob: Member, now: datetime
) -> None:
    change_role(organisation=acme, member=bob.id, role=Role.TRAINER, who="alice", now=now)
    change_role(organisation=acme, member=bob.id, role=Role.TRAINER, who="alice", now=now)
    remove_member(organisation=acme, member=bob.id, who="alice", now=now)
    said = [(event.what, event.subject, event.who) for event in reversed(queries.team_events(acme))]
    assert said == [
        ("member_joined", "alice@acme.example", "alice@acme.example"),
        ("member_joined", "bob@acme.example", "bob@acme.example"),
        ("role_changed", "bob@acme.example", "alice"),
        ("member_removed", "bob@acme.example", "alice"),
    ]


def test_bob_is_invited_and_joins_in_the_role_he_was_invited_to(
    acme: Organisation, alice: Member, now: datetime
) -> None:
    made = invite(organisation=acme, email=" Bob@Acme.example ", role=Role.TRAINER, who="alice", now=now)
    assert open_invitation(made.token, now=now).organisation == acme
    bob = person("bob")
    member = accept_invitation(token=made.token, user=bob, now=now)
    assert (member.organisation, member.role) == (acme, Role.TRAINER)
    assert accept_invitation(token=made.token, user=bob, now=now) == member, "the link opened twice"
    assert not queries.open_invitations(acme, now=now)


def test_an_invitation_lets_in_nobody_else(acme: Organisation, alice: Member, carol: Member, now: datetime) -> None:
    made = invite(organisation=acme, email="bob@acme.example", role=Role.OWNER, who="alice", now=now)
    with pytest.raises(InvitationForAnother, match=r"bob@acme\.example"):
        accept_invitation(token=made.token, user=carol.user, now=now)
    for token in ("", "x", made.token + "x", made.invitation.token_sha256):
        with pytest.raises(InvitationUnknown):
            accept_invitation(token=token, user=carol.user, now=now)
    assert queries.members(acme).count() == 1


def test_an_invitation_ends_when_used_withdrawn_renewed_or_a_week_old(
    acme: Organisation, alice: Member, bob: Member, now: datetime
) -> None:
    dora = person("dora")
    first = invite(organisation=acme, email=dora.email, role=Role.VIEWER, who="alice", now=now)
    second = invite(organisation=acme, email=dora.email, role=Role.BILLING, who="alice", now=now)
    with pytest.raises(InvitationOver, match="withdrawn"):
        accept_invitation(token=first.token, user=dora, now=now)
    with pytest.raises(InvitationOver, match="good until 9 Nov 2026"):
        accept_invitation(token=second.token, user=dora, now=now + timedelta(days=7))
    withdraw_invitation(organisation=acme, invitation=second.invitation.id, who="alice", now=now)
    withdraw_invitation(organisation=acme, invitation=second.invitation.id, who="alice", now=now)
    with pytest.raises(InvitationOver, match="withdrawn"):
        accept_invitation(token=second.token, user=dora, now=now)
    third = invite(organisation=acme, email=dora.email, role=Role.VIEWER, who="alice", now=now)
    member = accept_invitation(token=third.token, user=dora, now=now)
    remove_member(organisation=acme, member=member.id, who="alice", now=now)
    with pytest.raises(InvitationOver, match="used"):
        accept_invitation(token=third.token, user=dora, now=now)
    assert queries.members(acme).count() == 2


@pytest.mark.parametrize("email", ["", "bob", "bob@", "bob@acme.example\nBcc: all@acme.example", "a b@acme.example"])
def test_what_is_no_mail_address_is_not_invited(email: str, acme: Organisation, now: datetime) -> None:
    with pytest.raises(InvalidInvitation):
        invite(organisation=acme, email=email, role=Role.VIEWER, who="alice", now=now)
    assert not Invitation.objects.exists()


def test_members_are_not_invited_and_open_invitations_are_few(acme: Organisation, bob: Member, now: datetime) -> None:
    with pytest.raises(AlreadyMember):
        invite(organisation=acme, email="BOB@acme.example", role=Role.OWNER, who="alice", now=now)
    Invitation.objects.bulk_create(
        Invitation(
            organisation=acme,
            email=f"p{number}@acme.example",
            role="viewer",
            token_sha256=f"{number:064}",
            invited_by="alice",
            invited_at=now,
            expires_at=now + timedelta(days=7),
        )
        for number in range(most_open_invitations)
    )
    with pytest.raises(TooManyInvitations):
        invite(organisation=acme, email="one.more@acme.example", role=Role.VIEWER, who="alice", now=now)
    invite(organisation=acme, email="p1@acme.example", role=Role.VIEWER, who="alice", now=now)


def test_carol_withdraws_nothing_of_acme(acme: Organisation, alice: Member, carol: Member, now: datetime) -> None:
    made = invite(organisation=acme, email="bob@acme.example", role=Role.VIEWER, who="alice", now=now)
    for id in (made.invitation.id, uuid4()):
        with pytest.raises(NotFound):
            withdraw_invitation(organisation=carol.organisation, invitation=id, who="carol", now=now)
    assert queries.open_invitations(acme, now=now).count() == 1


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme Ltd.", "acme-ltd"),
        ("Müller & Söhne", "mueller-and-soehne"),
        ("API", "api-team"),
        ("日本", "team"),
        ("x" * 90, "x" * 50),
    ],
)
def test_a_short_name_follows_from_the_name(name: str, slug: str, now: datetime) -> None:
    assert free_slug(name) == slug
    create_organisation(slug=slug, name=name, time_zone="UTC", now=now)
    assert free_slug(name) == f"{slug}-2"


def test_the_database_refuses_what_the_operations_never_write(
    acme: Organisation, alice: Member, bob: Member, now: datetime
) -> None:
    made = invite(organisation=acme, email="dora@acme.example", role=Role.VIEWER, who="alice", now=now)
    again = Invitation.objects.get(id=made.invitation.id)
    again.id, again.token_sha256 = uuid4(), "1" * 64
    # SQLite names the constraint of a CHECK, and the columns of a UNIQUE.
    breaking = {
        "once|orgs_member.organisation_id": lambda: Member(
            organisation=acme, user=bob.user, role="owner", joined_at=now
        ).save(force_insert=True),
        "orgs_member_has_a_known_role": lambda: Member.objects.filter(id=bob.id).update(role="root"),
        "orgs_invitation_has_a_known_role": lambda: Invitation.objects.update(role="root"),
        "the_only_open_one|orgs_invitation.organisation_id": lambda: again.save(force_insert=True),
        "ends_one_way": lambda: Invitation.objects.update(accepted_at=now, withdrawn_at=now),
        "expires_after_it_is_made": lambda: Invitation.objects.update(expires_at=now),
        "mail_address_of_their_own": lambda: User.objects.create_user("bob2", "BOB@acme.example"),
    }
    for name, breaks in breaking.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            breaks()
    assert TeamEvent.objects.filter(what="invited").count() == 1
