"""Two people act on the same team in the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from django.db import connection

from otai.errors import OtaiError
from otai.orgs import queries
from otai.orgs.operations import (
    LastOwner,
    accept_invitation,
    change_role,
    create_organisation,
    invite,
    remove_member,
)
from otai.orgs.permissions import Role
from tests.orgs.people import joins, person

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[OtaiError | None]:
    """Runs each in a thread of its own, from the same moment on; returns what each was refused with."""
    start = threading.Barrier(len(acts))
    ends: list[OtaiError | None] = [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
        except OtaiError as refused:
            ends[number] = refused
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return ends


def test_two_owners_who_go_in_the_same_moment_leave_one(now: datetime) -> None:
    for round in range(4):
        acme = create_organisation(slug=f"acme-{round}", name="Acme", time_zone="UTC", now=now)
        alice = joins(acme, person("alice", at=f"{round}.example"), Role.OWNER, now)
        bob = joins(acme, person("bob", at=f"{round}.example"), Role.OWNER, now)
        ends = at_once(
            partial(remove_member, organisation=acme, member=alice.id, who="alice", now=now),
            partial(change_role, organisation=acme, member=bob.id, role=Role.VIEWER, who="bob", now=now),
        )
        assert [type(end) for end in ends].count(LastOwner) == 1
        assert queries.members(acme).filter(role=Role.OWNER).count() == 1


def test_one_link_opened_twice_in_the_same_moment_makes_one_member(now: datetime) -> None:
    acme = create_organisation(slug="acme", name="Acme", time_zone="UTC", now=now)
    joins(acme, person("alice"), Role.OWNER, now)
    bob = person("bob")
    made = invite(organisation=acme, email=bob.email, role=Role.TRAINER, who="alice", now=now)
    ends = at_once(*[lambda: accept_invitation(token=made.token, user=bob, now=now)] * 3)
    assert ends == [None] * 3
    assert queries.members(acme).count() == 2
    assert queries.team_events(acme).filter(subject=bob.email, what="member_joined").count() == 1


def test_one_address_invited_twice_in_the_same_moment_has_one_open_link(now: datetime) -> None:
    acme = create_organisation(slug="acme", name="Acme", time_zone="UTC", now=now)
    ends = at_once(
        *[lambda: invite(organisation=acme, email="bob@acme.example", role=Role.VIEWER, who="alice", now=now)] * 3
    )
    assert ends == [None] * 3
    assert queries.open_invitations(acme, now=now).count() == 1
