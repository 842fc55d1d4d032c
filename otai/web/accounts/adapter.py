"""How django-allauth speaks and acts here: our sentences, our landing pages, secrets of second factors encrypted."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from otai import keyring
from otai.db import utc_now
from otai.orgs import queries
from otai.orgs.access_events import AccessKind, note_person
from otai.orgs.sessions import is_recent, sender
from otai.web.accounts.rewrapping import SECOND_FACTOR
from otai.web.accounts.typed_again import keep_typed

_wrong_code = _("This code is not right, or no longer.")


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is switched off. Ask an owner of your organisation."),
        "duplicate_email": _("This is your mail address already."),
        "email_password_mismatch": _("Mail address or password is not right."),
        "email_taken": _(
            "There is an account with this mail address. Sign in, or choose a new password if you forgot it."
        ),
        "enter_current_password": _("This is not your present password."),
        "incorrect_code": _wrong_code,
        "incorrect_password": _("This is not your password."),
        "invalid_or_expired_key": _("This link is not right, or no longer."),
        "invalid_login": _("Mail address or password is not right."),
        "invalid_password_reset": _("This link was used already, or is too old."),
        "same_as_current": _("The new one must be another than the present one."),
        "too_many_login_attempts": _("Too many attempts. Wait five minutes, or choose a new password."),
        "unverified_primary_email": _("Confirm your mail address first."),
        "rate_limited": _("Too many attempts. Wait a little and try again."),
    }

    def render_mail(self, template_prefix: str, email: str | list[str], context: dict[str, Any], *more: Any) -> Any:
        """As allauth does it, with the installation's own address in every link."""
        # allauth's own `current_site` is the Host of the request.
        return super().render_mail(template_prefix, email, context | {"base_url": settings.OTAI_BASE_URL}, *more)

    def populate_username(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """A name by chance: people sign in by their address."""
        # Nobody signs in by it, and it must not be a name that an operator could be given later.
        user.username = f"person-{uuid.uuid4().hex[:16]}"  # type: ignore[attr-defined]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """As allauth does it; who is kept waiting after too many attempts is noted for their owners."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            self._note(request, AccessKind.SIGN_IN_LOCKED, credentials)
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password, noted for the owners of whose address it was tried with."""
        self._note(request, AccessKind.SIGN_IN_FAILED, credentials)

    def _note(self, request: HttpRequest, what: AccessKind, credentials: dict[str, Any]) -> None:
        note_person(str(credentials.get("email", "")), what, now=utc_now(), **sender(request))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # By mail address alone: allauth adds the host, and whoever guesses could begin anew under each name of this
        # installation.
        return str(credentials.get("email", "")).lower()

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """The home of the organisation that was founded or joined."""
        member = queries.memberships(request.user).first() if request.user.is_authenticated else None
        return resolve_url("web:home", slug=member.organisation.slug) if member else resolve_url("web:front_door")

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Where somebody goes who confirmed in another browser than they signed up in: the sign-in, with the address
        filled in. The page that waits in the other browser goes on by itself."""
        if not self.request.user.is_authenticated:
            keep_typed(self.request, {"login": email_address.email})
        return str(super().get_email_verification_redirect_url(email_address))

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        """Only one that waits to be confirmed: the present one goes when another is confirmed."""
        return email_address.email.lower() != email_address.user.email.lower()

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """Not of somebody who signed in a short while ago."""
        return super().is_reauthentication_required(app=app, **more) and not is_recent(self.request, now=utc_now())

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """The front door."""
        return resolve_url("web:front_door")


class MfaAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "add_email_blocked": _("While a second factor is active, the mail address stays as it is."),
        "cannot_generate_recovery_codes": _("Recovery codes belong to a second factor: add one first."),
        "incorrect_code": _wrong_code,
        "unverified_email": _(
            "Confirm your mail address first: without it, nobody could help you when the second factor is lost."
        ),
    }

    def encrypt(self, text: str) -> str:
        """Secrets of authenticator apps: who reads the table alone cannot make codes."""
        return keyring.fernets(SECOND_FACTOR).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret of a second factor, which lies encrypted in the database."""
        return keyring.fernets(SECOND_FACTOR).decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """What a new passkey is called, in the reader's language."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("My passkey") if count == 0 else gettext("Passkey %(number)s") % {"number": count + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Whose passkeys these are: the installation's address, whatever the request's Host says."""
        # A passkey belongs to the address that people know, by whatever other name this request came.
        host = urlsplit(settings.OTAI_BASE_URL).hostname or ""
        return {"id": host, "name": settings.OTAI_NAME}
