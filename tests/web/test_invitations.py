"""An invitation that is forwarded lets nobody in: joining needs the confirmed address that it was sent to."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from pytest_django import Settings

from otai.db import utc_now
from otai.orgs.models import Invitation, Member, Organisation, User
from otai.orgs.operations import InvitationMade, invite
from otai.orgs.permissions import Role
from tests.orgs.people import PASSWORD, person
from tests.stories import acme as an_acme
from tests.web.visitors import browser, is_in, link_in_the_last_mail, signs_in

pytestmark = pytest.mark.django_db

BOB = {"name": "Bob", "email": "bob@acme.example", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def addresses_are_confirmed_here(settings: Settings) -> None:
    settings.OTAI_VERIFY_MAIL = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False


@pytest.fixture
def made() -> InvitationMade:
    now = utc_now()
    return invite(organisation=an_acme(now), email="bob@acme.example", role=Role.TRAINER, who="alice", now=now)


def test_whoever_signs_up_by_a_forwarded_link_is_nobodys_until_the_address_is_confirmed(made: InvitationMade) -> None:
    mallory = browser()
    mallory.get(f"/account/join/{made.token}/")
    mallory.post("/account/signup/", BOB)
    signs_in(mallory, "bob@acme.example")
    assert not is_in(mallory)
    assert not Member.objects.exists()
    assert Invitation.objects.get().accepted_at is None


def test_confirmed_it_waits_on_the_page_of_organisations_and_one_button_joins(made: InvitationMade) -> None:
    bob = browser()
    bob.get(f"/account/join/{made.token}/")
    bob.post("/account/signup/", BOB)
    confirming = link_in_the_last_mail()
    bob.post(confirming)
    signs_in(bob, "bob@acme.example")
    page = bob.get("/account/organisations/").content.decode()
    assert "You are invited" in page and "Acme Ltd" in page
    assert bob.post(f"/account/invitations/{made.invitation.id}/join/")["Location"] == "/acme/"
    assert Member.objects.get().role == "trainer"
    assert bob.post(f"/account/invitations/{made.invitation.id}/join/")["Location"] == "/acme/", "twice is once"
    assert "You are invited" not in bob.get("/account/organisations/").content.decode()


def test_an_account_of_before_with_an_address_that_nobody_confirmed_does_not_join(made: InvitationMade) -> None:
    bob = person("bob")
    EmailAddress.objects.create(user=bob, email=bob.email, verified=False, primary=True)
    his = browser()
    his.force_login(bob)
    refused = his.post(f"/account/join/{made.token}/")
    assert refused.status_code == 403 and "Confirm the mail address bob@acme.example first" in refused.content.decode()
    assert his.post(f"/account/invitations/{made.invitation.id}/join/").status_code == 403
    assert "You are invited" not in his.get("/account/organisations/").content.decode()
    EmailAddress.objects.update(verified=True)
    assert his.post(f"/account/join/{made.token}/").status_code == 302
    assert Member.objects.count() == 1


def test_nobody_joins_by_the_id_of_anothers(made: InvitationMade) -> None:
    carol = User.objects.create_user("carol", "carol@globex.example", PASSWORD)
    EmailAddress.objects.create(user=carol, email=carol.email, verified=True, primary=True)
    her = browser()
    her.force_login(carol)
    assert her.post(f"/account/invitations/{made.invitation.id}/join/").status_code == 404
    assert her.post(f"/account/join/{made.token}/").status_code == 403
    assert not Member.objects.exists() and Organisation.objects.count() == 1


def test_where_no_address_is_confirmed_the_right_one_is_enough(made: InvitationMade, settings: Settings) -> None:
    settings.OTAI_VERIFY_MAIL = False
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    bob = browser()
    bob.get(f"/account/join/{made.token}/")
    assert bob.post("/account/signup/", BOB)["Location"] == "/acme/"
