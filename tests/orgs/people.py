"""Alice, Bob and Carol as people who sign in."""

from __future__ import annotations

from datetime import datetime

from otai.orgs.models import Member, Organisation, User
from otai.orgs.operations import add_member
from otai.orgs.permissions import Role
from otai.orgs.persons import keep_former_address

PASSWORD = "correct horse battery staple 7"


def person(name: str, *, at: str = "acme.example") -> User:
    email = f"{name}@{at}"
    return User.objects.create_user(username=email, email=email, password=PASSWORD, first_name=name.title())


def joins(organisation: Organisation, user: User, role: Role, now: datetime) -> Member:
    return add_member(organisation=organisation, user=user, role=role, who=user.email, now=now)


def has_another_address(user: User, email: str, now: datetime) -> None:
    """As after the mail at the new address was opened."""
    former, user.email = user.email, email
    user.save(update_fields=["email"])
    keep_former_address(user, former, now=now)
