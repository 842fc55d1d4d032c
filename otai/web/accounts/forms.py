"""allauth's forms in our words, and our own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from zoneinfo import available_timezones

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from otai.db import utc_now
from otai.errors import OtaiError
from otai.orgs import legal
from otai.orgs.models import Invitation, User
from otai.orgs.operations import InvalidOrganisation, TooManyOrganisations, accept_invitation, open_invitation
from otai.orgs.permissions import Role, Scope
from otai.web.accounts.invitation_links import INVITATION, given_link, is_from_the_mail, token_of
from otai.web.accounts.passwords import refuse_weak
from otai.web.accounts.sign_up import is_confirmed, sign_up_organisation
from otai.web.accounts.typed_again import keep_typed, put_back
from otai.web.legal_links import address_of
from otai.web.refusals import in_words

password_help = _(
    "At least 12 characters. A few words that do not belong together are easier to keep in mind than one with signs."
)


def _plain(form: forms.Form) -> None:
    """Labels say what goes in; a placeholder would say it again, and vanish."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


def _seen(name: str) -> str:
    """The name with single blanks. A sign that turns the letters after it round, or that nobody sees, is refused:
    others read the name in mails and lists. The joiners of Persian and Indic scripts are part of names. Raises
    ValidationError."""
    name = " ".join(name.split())
    if not name.replace("\u200c", "").replace("\u200d", "").isprintable():
        raise forms.ValidationError(_("A name of letters, digits and signs that can be seen."))
    return name


def invitation_at_hand(link: str) -> Invitation | None:
    """What the link that somebody came with invites to, if it can still be accepted."""
    if not link:
        return None
    try:
        return open_invitation(token_of(link), now=utc_now())
    except OtaiError:
        return None


class SignInForm(allauth.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Mail address")
        self.fields["password"].help_text = ""
        _plain(self)
        put_back(context.request, self)


class SignUpForm(allauth.SignupForm):
    data: Any
    field_order = ["organisation", "name", "email", "password1", "terms"]

    organisation = forms.CharField(
        label=_("Organisation"),
        max_length=200,
        help_text=_("Your company or team. Colleagues join it by invitation."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))
    # Also in the form: a session may end while it is filled in.
    invited_by = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    terms = forms.BooleanField(
        label=_("I accept the terms."), error_messages={"required": _("Without accepting the terms, no account.")}
    )
    terms_version = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.link = given_link(context.request, self.data)
        self.invitation = invitation_at_hand(self.link)
        if self.invitation is not None:
            del self.fields["organisation"]
            self.fields["email"].initial = self.invitation.email
            self.fields["invited_by"].initial = self.link
        else:
            del self.fields["invited_by"]
        self.version = legal.terms_version()
        if self.version:
            self._ask_for_terms()
        else:
            del self.fields["terms"], self.fields["terms_version"]
        self.fields["email"].label = _("Mail address")
        self.fields["password1"].help_text = password_help
        _plain(self)
        put_back(context.request, self)

    @property
    def privacy(self) -> str:
        """The address of the privacy notice; empty where there is none."""
        return address_of(legal.Legal.PRIVACY) if legal.Legal.PRIVACY in legal.given() else ""

    def _ask_for_terms(self) -> None:
        """Nobody accepts what came while the form was open: the box is empty again then, and the form says why."""
        box = self.fields["terms"]
        box.help_text = format_html(
            '<a href="{}" target="_blank" rel="noopener">{}</a>', address_of(legal.Legal.TERMS), _("Read the terms")
        )
        self.fields["terms_version"].initial = self.version
        if self.is_bound and self.data.get("terms_version") != self.version:
            self.data = self.data.copy()
            self.data["terms_version"] = self.version
            self.data.pop("terms", None)
            box.error_messages["required"] = _(
                "The terms have changed meanwhile. Read them, and accept them once more."
            )

    def clean_organisation(self) -> str:
        """The organisation's name with single blanks, on one line."""
        name = " ".join(self.cleaned_data["organisation"].split())
        if not name.isprintable():
            raise forms.ValidationError(_("A name of 1 to 200 letters, digits and signs."))
        return name

    def clean_name(self) -> str:
        """The person's name with single blanks, of signs that others see."""
        return _seen(self.cleaned_data["name"])

    def clean_email(self) -> str:
        """The address, which must be the invited one where somebody was invited."""
        email: str = super().clean_email()
        if self.invitation is not None and email.lower() != self.invitation.email:
            raise forms.ValidationError(
                _("The invitation is for %(email)s.") % {"email": self.invitation.email}, code="invitation_for_another"
            )
        return email

    def clean(self) -> dict[str, Any]:
        """All fields; the password must not be made of the others, which the account does not have yet."""
        super().clean()
        given = self.cleaned_data
        password = given.get("password1")
        invited = [self.invitation.organisation.name] if self.invitation is not None else []
        if password and not self.has_error("password1"):
            try:
                refuse_weak(password, [given.get("name", ""), given.get("organisation", ""), *invited])
            except forms.ValidationError as weak:
                self.add_error("password1", weak)
        return self.cleaned_data

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Makes the account; sent twice at once, the second is led to the sign-in."""
        try:
            user, response = super().try_save(request)
        except IntegrityError:
            # Sent twice in the same moment: the other one made the account.
            messages.error(request, get_adapter().error_messages["email_taken"])
            keep_typed(request, {"login": self.cleaned_data["email"]})
            return None, redirect("account_login")
        except TooManyOrganisations as refused:
            messages.error(request, in_words(refused))
            keep_typed(request, self.data)
            return None, redirect("account_signup")
        return user, response

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        """The person, and with them their organisation or their place in the one that invited them."""
        if self.invitation is not None and is_from_the_mail(self.link):
            # Whoever has the link of the mail has read the mail: a second one would show nothing more.
            get_adapter().stash_verified_email(request, self.invitation.email)
        user = cast(User, super().save(request))
        now = utc_now()
        if self.version:
            language = legal.place_of(legal.Legal.TERMS, get_language() or "").language or (get_language() or "")
            legal.accept_terms(user=user, version=self.version, language=language, now=now)
        user.first_name = self.cleaned_data["name"]
        user.save(update_fields=["first_name"])
        if self.invitation is not None:
            # Until the address is confirmed they are nobody's: it waits for them on the page of organisations.
            if is_confirmed(user):
                request.session.pop(INVITATION, None)
                accept_invitation(token=token_of(self.link), user=user, now=now)
        else:
            try:
                sign_up_organisation(
                    user=user,
                    name=self.cleaned_data["organisation"],
                    time_zone=self.cleaned_data["time_zone"] or "UTC",
                    now=now,
                )
            except InvalidOrganisation as wrong:
                raise AssertionError("the form lets no such name through") from wrong
        return user


class AskForNewPasswordForm(allauth.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("Mail address")
        _plain(self)
        put_back(context.request, self)


class NewPasswordFromLinkForm(allauth.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = password_help
        _plain(self)


class ChangePasswordForm(allauth.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].help_text = password_help
        _plain(self)


class SetPasswordForm(allauth.SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = password_help
        _plain(self)


class ChangeAddressForm(allauth.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New mail address")
        _plain(self)

    def save(self, request: HttpRequest) -> EmailAddress:
        """The address that is to be confirmed; one that waited before is forgotten. The present one stays until then,
        also where it was never confirmed: allauth would drop it at once, and tell nobody."""
        with transaction.atomic():
            waiting = EmailAddress.objects.filter(user=self.user, verified=False)
            waiting.exclude(email__iexact=self.user.email).delete()
            address = EmailAddress.objects.create(user=self.user, email=self.cleaned_data["email"].lower())
        send_verification_email_to_address(request, address)
        return address


class ConfirmPasswordForm(allauth.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        _plain(self)


class AddPasskeyForm(AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"] = forms.BooleanField(
            label=_("Sign in with it alone"),
            required=False,
            initial=True,
            help_text=_("No password then: your device checks finger, face or PIN. Otherwise it is a second factor."),
        )


# --- Our own

ROLE_WORDS = {
    Role.OWNER: (_("Owner"), _("Everything, including the team, keys and money")),
    Role.BILLING: (_("Billing"), _("Sees all figures and buys credits; reads no tickets, trains nothing")),
    Role.TRAINER: (_("Trainer"), _("Uploads tickets, trains with credits there are, manages models; buys nothing")),
    Role.VIEWER: (_("Viewer"), _("Sees all figures and tries models out; reads no tickets, downloads no models")),
}

SCOPE_WORDS = {
    Scope.READ: _(
        "Read figures: trainings, models, credits, reports, findings; no words of tickets, no mail addresses"
    ),
    Scope.TICKETS_READ: _("Read tickets: their texts, and what reports and findings quote of them"),
    Scope.MEMBERS_READ: _("Read mail addresses: the members, and who did what"),
    Scope.MODELS_DOWNLOAD: _("Download files of models"),
    Scope.PREDICT: _("Predict labels of tickets"),
    Scope.FEEDBACK_WRITE: _("Report which labels were right"),
    Scope.TICKETS_WRITE: _("Upload tickets"),
    Scope.RUNS_ORDER: _("Order trainings, which spends credits"),
    Scope.RUNS_APPROVE: _("Approve trainings that wait for it"),
    Scope.MODELS_MANAGE: _("Manage models: set live, delete"),
    Scope.BILLING_BUY: _("Buy credits, which costs money"),
    Scope.WEBHOOKS_MANAGE: _("Manage webhooks"),
    Scope.ACCESS_READ: _("Read who signed in, from where, and what was refused"),
    Scope.DATA_EXPORT: _("Take everything along: exports with tickets, models, mail addresses and invoices"),
    Scope.DATA_ERASE: _("Set how long data is kept, and ask for the organisation's deletion"),
}


def role_choices() -> list[tuple[str, Any]]:
    """The roles with their words, the least of them first."""
    return [(role.value, word) for role, (word, _meaning) in reversed(ROLE_WORDS.items())]


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("Mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=role_choices, initial=Role.TRAINER.value)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=role_choices)


class ApiKeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What it is for: you will want to know it again.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=lambda: [(scope.value, words) for scope, words in SCOPE_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("A key needs at least one thing that it may do.")},
    )
    expires = forms.ChoiceField(
        label=_("Good for"),
        choices=[("90", _("90 days")), ("365", _("1 year")), ("", _("Until it is revoked"))],
        initial="365",
        required=False,
    )

    @property
    def lifetime(self) -> timedelta | None:
        """How long the key is to be good; None: for ever."""
        days = self.cleaned_data["expires"]
        return timedelta(days=int(days)) if days else None


class ProfileForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    language = forms.ChoiceField(label=_("Language"), choices=lambda: settings.LANGUAGES)

    def clean_name(self) -> str:
        """The person's name with single blanks, of signs that others see."""
        return _seen(self.cleaned_data["name"])


def zone_choices() -> list[tuple[str, str]]:
    """All time zones by name."""
    return [(zone, zone) for zone in sorted(available_timezones() - {"localtime", "Factory"})]


class OrganisationForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zone_choices,
        help_text=_("Due times, and the day of the monthly credits, follow it."),
    )


class NewOrganisationForm(forms.Form):
    organisation = forms.CharField(
        label=_("Organisation"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    time_zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))
